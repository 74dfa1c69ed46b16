import 'reflect-metadata'
import {
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  Sequelize,
} from 'sequelize'
import * as st from 'sequelize-typescript'
import { describe, expect, test } from 'vitest'
import { type Audited, auditrum, DeclarationError, tableOf, track, waive } from '../src/index.js'
import { as, connect, defineModels, shopDatabase } from './support.js'

const offline = new Sequelize({ dialect: 'postgres', logging: false })
const { User } = defineModels(offline)

class Invoice extends Model<InferAttributes<Invoice>, InferCreationAttributes<Invoice>> {
  declare invoiceId: number
  declare cardNumber: string | null
  declare 'odd name': string | null
  declare readonly summary: string
}
Invoice.init(
  {
    invoiceId: { type: DataTypes.INTEGER, primaryKey: true, field: 'id' },
    cardNumber: { type: DataTypes.TEXT, field: 'CardNo.' },
    'odd name': DataTypes.TEXT,
    summary: DataTypes.VIRTUAL(DataTypes.TEXT),
  },
  { sequelize: offline, schema: 'billing', tableName: 'in.voices', timestamps: false },
)

class Account extends st.Model<Account> {
  declare ownerName: string
}
st.Column({ type: st.DataType.TEXT, field: 'owner' })(Account.prototype, 'ownerName')
st.Table({ tableName: 'accounts', underscored: true })(Account)

describe('track', () => {
  test('translates attributes to columns', () => {
    expect(
      track(User, {
        exclude: ['passwordHash'],
        ignore: ['logins'],
        mask: ['email'],
        meta: ['fullName'],
        when: 'NEW.full_name is not null',
        image: 'changed',
      }),
    ).toEqual({
      kind: 'track',
      table: { table: 'users' },
      options: {
        exclude: ['password_hash'],
        ignore: ['logins'],
        mask: ['email'],
        meta: ['full_name'],
        when: 'NEW.full_name is not null',
        image: 'changed',
      },
    })
  })

  test('knows schemas, fields, timestamps and names with dots', () => {
    const declared = track(Invoice, { only: ['cardNumber', 'odd name'] })
    expect(declared.table).toEqual({ schema: 'billing', table: 'in.voices' })
    expect(declared.options.only).toEqual(['CardNo.', 'odd name'])
    expect(track(User, { ignore: ['deletedAt' as never] }).options.ignore).toEqual(['deleted_at'])
    expect(tableOf(Invoice.schema('archive'))).toEqual({ schema: 'archive', table: 'in.voices' })
    expect(waive(tableOf(User), 'a copy').table).toEqual({ table: 'users' })
  })

  test('takes models of sequelize-typescript, and any scope of a model', () => {
    new st.Sequelize({ dialect: 'postgres', models: [Account] })
    expect(track(Account, { only: ['ownerName'] })).toMatchObject({
      table: { table: 'accounts' },
      options: { only: ['owner'] },
    })
    const scoped = User.scope({ fullName: 'nobody' })
    expect(track(scoped, { exclude: ['passwordHash'] }).options.exclude).toEqual(['password_hash'])
  })

  test('still declares tables by name', () => {
    expect(track('billing.x', { only: ['a'] })).toMatchObject({
      table: { schema: 'billing', table: 'x' },
    })
    expect(track({ schema: 'a.b', table: 'c' }).table).toEqual({ schema: 'a.b', table: 'c' })
  })

  test('refuses attributes that the model does not have, with the nearest name', () => {
    const refusals: [() => unknown, string][] = [
      // @ts-expect-error a typing error
      [() => track(User, { only: ['fulName'] }), '"fulName". Did you mean "fullName"?'],
      // @ts-expect-error the name of the column
      [() => track(User, { mask: ['password_hash'] }), 'Did you mean "passwordHash"?'],
      // @ts-expect-error nothing like it
      [() => track(User, { ignore: ['xyz'] }), 'Its attributes are id, fullName, email'],
      // @ts-expect-error what every object has
      [() => track(User, { only: ['constructor'] }), 'has no attribute "constructor"'],
      [() => track(Invoice, { exclude: ['summary'] }), '"summary" of the model Invoice is virtual'],
      [() => track(class Unmade extends Model {}), 'The model Unmade has no table yet.'],
      // @ts-expect-error no such option
      [() => track(User, { exlude: ['email'] }), 'Did you mean "exclude"?'],
      [() => track(User, { only: [] }), 'Give a list of at least one column name'],
      [() => track(User, 'x' as never), 'has the options "x"'],
      [() => track(User, { only: ['email'], exclude: ['logins'] }), 'both only and exclude'],
    ]
    for (const [declare, message] of refusals) {
      expect(declare).toThrow(DeclarationError)
      expect(declare).toThrow(message)
    }
  })

  test('a model of sequelize-typescript carries the context and has its history', async () => {
    const database = await shopDatabase()
    const sequelize = new st.Sequelize(database.url, { logging: false, models: [Account] })
    await sequelize.sync()
    const tables = [track(Account, { exclude: ['createdAt'] })]
    const audit = auditrum(sequelize, { maintain: false, tables })
    await audit.sync()
    const account = await as('anna', () => Account.create({ ownerName: 'Anna' } as Account))
    const [event] = await (account as unknown as Audited).auditHistory()
    expect(event).toMatchObject({ userId: 'anna', newData: { owner: 'Anna' } })
    expect(Object.keys(event?.newData ?? {})).toEqual(['id', 'owner', 'updated_at'])
    await sequelize.close()
  })

  test('a synced model records what was declared', async () => {
    const database = await shopDatabase()
    await database.query('drop table orders, users; create schema app')
    const sequelize = connect(database.url, { define: { schema: 'app' } })
    const { User } = defineModels(sequelize)
    await sequelize.sync()
    const audit = auditrum(sequelize, { maintain: false })
    audit.track(User, { exclude: ['passwordHash'], ignore: ['logins'] })
    expect((await audit.sync()).installed).toEqual(['app.users'])
    const user = await as('anna', () => User.create({ fullName: 'A', passwordHash: 'secret' }))
    await user.update({ logins: 5 })
    await as('ben', () => user.destroy())
    await as('cleo', () => user.restore())
    const { events } = await audit.page({
      table: tableOf(User),
      order: 'asc',
    })
    expect(events.map(({ operation, userId }) => [operation, userId])).toEqual([
      ['insert', 'anna'],
      ['update', 'ben'],
      ['update', 'cleo'],
    ])
    expect(Object.keys(events[1]?.diff ?? {})).toEqual(['deleted_at'])
    expect(JSON.stringify(events)).not.toContain('secret')
    expect((await audit.status()).findings.filter(({ severity }) => severity === 'error')).toEqual(
      [],
    )
  })
})
