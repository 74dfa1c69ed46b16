import {
  type CreationOptional,
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  type Sequelize,
} from 'sequelize'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Audited, type AuditedModel, auditrum, track } from '../src/index.js'
import { as, type Shop, shop } from './support.js'

let it: Shop
let Account: ReturnType<typeof modelOn>
beforeAll(async () => {
  it = await shop()
  Account = modelOn(it.sequelize)
  await Account.sync()
  it.audit.track(Account.unscoped(), { mask: ['secret'] })
  await it.audit.sync()
})

function modelOn(sequelize: Sequelize) {
  class Account extends Model<InferAttributes<Account>, InferCreationAttributes<Account>> {
    declare accountId: CreationOptional<number>
    declare ownerName: string
    declare balance: CreationOptional<string>
    declare tags: CreationOptional<string[] | null>
    declare settings: CreationOptional<{ readonly dark?: boolean } | null>
    declare kind: CreationOptional<'free' | 'paid'>
    declare openedAt: CreationOptional<Date | null>
    declare secret: CreationOptional<string | null>
    declare auditHistory: Audited['auditHistory']
    declare auditAt: Audited<Account>['auditAt']
    declare auditFieldHistory: Audited<Account>['auditFieldHistory']
    declare static auditAsOf: AuditedModel<Account>['auditAsOf']
  }
  return Account.init(
    {
      accountId: { type: DataTypes.BIGINT, primaryKey: true, autoIncrement: true, field: 'id' },
      ownerName: DataTypes.TEXT,
      balance: { type: DataTypes.DECIMAL(20, 4), defaultValue: '0' },
      tags: DataTypes.ARRAY(DataTypes.TEXT),
      settings: DataTypes.JSONB,
      kind: { type: DataTypes.ENUM('free', 'paid'), defaultValue: 'free' },
      openedAt: DataTypes.DATE,
      secret: DataTypes.TEXT,
    },
    {
      sequelize,
      underscored: true,
      paranoid: true,
      defaultScope: { where: { ownerName: 'nobody' }, attributes: { exclude: ['balance'] } },
    },
  )
}

const anna = {
  ownerName: 'Anna',
  balance: '10.0500',
  tags: ['a'],
  settings: { dark: true },
  openedAt: new Date(),
}
/** A moment between the events before and those after. */
async function moment() {
  const { rows } = await it.database.query<{ now: string }>(
    `select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as now`,
  )
  return rows[0]?.now ?? ''
}

describe('auditHistory', () => {
  test('is the history of a row, whatever scopes and paranoid hide', async () => {
    const account = await as('anna', () => Account.create(anna))
    await as('ben', () => account.update({ ownerName: 'Bea' }))
    await as('cleo', () => account.destroy())
    const found = await Account.unscoped().findByPk(account.accountId, { paranoid: false })
    for (const each of [account, found]) {
      const history = await each?.auditHistory()
      expect(history?.map(({ userId }) => userId)).toEqual(['cleo', 'ben', 'anna'])
    }
  })

  test('takes the options of findAll', async () => {
    const account = await Account.create(anna)
    await it.sequelize.transaction(async (transaction) => {
      await as('ben', () => account.update({ ownerName: 'Bea' }, { transaction }))
      const options = { transaction, include: ['context'], limit: 1 }
      const [latest, ...others] = await account.auditHistory(options)
      expect(latest?.context?.userId).toBe('ben')
      expect(others).toEqual([])
      expect(await account.auditHistory()).toHaveLength(1)
    })
  })

  test('is that of the audit that tracked the model last, and replaces no method', async () => {
    const mine = await shop()
    Object.assign(mine.Order.prototype, { auditHistory: () => 'mine' })
    mine.audit.close()
    const again = auditrum(mine.sequelize, {
      maintain: false,
      tables: [track(mine.User), track(mine.Order)],
    })
    const user = (await mine.User.create()) as unknown as Audited
    expect(await user.auditHistory()).toHaveLength(1)
    expect((mine.Order.build() as unknown as Audited).auditHistory()).toBe('mine')
    again.close()
  })

  test('is not given to a model of another Sequelize', async () => {
    const mine = await shop()
    mine.audit.track(it.Order)
    expect('auditHistory' in it.Order.prototype).toBe(false)
  })
})

describe('the past', () => {
  test('auditAt is the row as Sequelize found it then', async () => {
    const { accountId } = await Account.create(anna)
    const account = await Account.unscoped().findByPk(accountId, { rejectOnEmpty: true })
    const before = { ...account.get({ plain: true }) }
    const then = await moment()
    await account.update({
      ownerName: 'Bea',
      balance: '0.1',
      tags: null,
      settings: {},
      kind: 'paid',
      openedAt: null,
    })
    const past = await account.auditAt(then)
    expect(past).toBeInstanceOf(Account)
    expect(past?.get({ plain: true })).toEqual({ ...before, secret: undefined })
    expect((await account.auditAt(await moment()))?.get({ plain: true })).toEqual(
      (await account.reload()).get({ plain: true }),
    )
    expect(await account.auditAt('2020-01-01')).toBe(null)
  })

  test('a row of the past is not in the table: saved it is inserted', async () => {
    const account = await Account.create({ ...anna, secret: 'x' })
    const then = await moment()
    const past = await account.auditAt(then)
    expect(past?.isNewRecord).toBe(true)
    await expect(past?.save()).rejects.toThrow('Validation error')
    await account.destroy({ force: true })
    await as('dora', async () => past?.save())
    const restored = await Account.unscoped().findByPk(account.accountId, { rejectOnEmpty: true })
    expect(restored).toMatchObject({ ...anna, secret: 'x' })
    expect((await restored.auditHistory())[0]).toMatchObject({
      operation: 'insert',
      userId: 'dora',
    })
  })

  test('auditFieldHistory is every value of an attribute', async () => {
    const account = await as('anna', () => Account.create(anna))
    await as('ben', () => account.update({ ownerName: 'Bea', balance: '1' }))
    await it.sequelize.transaction(async (transaction) => {
      await as('cleo', () => account.update({ ownerName: 'Cleo' }, { transaction }))
      const found = await account.auditFieldHistory('ownerName', { transaction })
      expect(found.map(({ value, userId }) => [value, userId])).toEqual([
        ['Anna', 'anna'],
        ['Bea', 'ben'],
        ['Cleo', 'cleo'],
      ])
      expect(await account.auditFieldHistory('ownerName')).toHaveLength(2)
    })
    const balances = await account.auditFieldHistory('balance')
    expect(balances.map(({ value }) => value)).toEqual(['10.0500', '1.0000'])
    // @ts-expect-error no such attribute
    await expect(account.auditFieldHistory('owner')).rejects.toThrow('has no attribute "owner"')
  })

  test('auditAsOf is the table, also in the transaction that changes it', async () => {
    await Account.unscoped().destroy({ where: {}, force: true })
    const [first] = await Account.bulkCreate([anna, { ...anna, ownerName: 'Ben' }], {
      returning: true,
    })
    const then = await moment()
    await first?.destroy()
    const names = async (accounts: AsyncIterable<Model>) => {
      const found: unknown[] = []
      for await (const each of accounts) {
        expect(each).toBeInstanceOf(Account)
        found.push(each.get('ownerName'))
      }
      return found
    }
    expect(await names(Account.auditAsOf(then))).toEqual(['Anna', 'Ben'])
    const scoped = Account.scope({ ownerName: 'x' }) as typeof Account
    const accounts = await scoped.auditAsOf(then)
    expect(accounts.complete).toBe(true)
    expect(accounts.approximate).toEqual(['secret'])
    expect(await names(accounts)).toEqual(['Anna', 'Ben'])
    await it.sequelize.transaction(async (transaction) => {
      await Account.unscoped().destroy({ where: {}, force: true, transaction })
      expect(
        await names(Account.auditAsOf(await moment(), { transaction, consistent: false })),
      ).toEqual([])
      expect(await names(Account.auditAsOf(await moment()))).toHaveLength(2)
    })
  })
})
