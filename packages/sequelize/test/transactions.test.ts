import { createNamespace } from 'cls-hooked'
import { Sequelize, Transaction } from 'sequelize'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { UsageError } from '../src/index.js'
import { as, expectClean, type Shop, shop } from './support.js'

const CONNECTIONS = 2

describe.each(['without CLS', 'with CLS'])('transactions %s', (mode) => {
  const hasCls = mode === 'with CLS'
  let it: Shop
  beforeAll(async () => {
    if (hasCls) Sequelize.useCLS(createNamespace('test'))
    it = await shop({ pool: { max: CONNECTIONS } })
  })
  afterEach(() => expectClean(it.sequelize, CONNECTIONS))
  afterAll(() => {
    Reflect.deleteProperty(Sequelize, '_cls')
  })
  const add = (note: string, transaction?: Transaction) =>
    it.Order.create({ note }, transaction && !hasCls ? { transaction } : {})

  test('a managed one, and who writes in it', async () => {
    await as('anna', () =>
      it.sequelize.transaction(
        { isolationLevel: Transaction.ISOLATION_LEVELS.SERIALIZABLE },
        async (transaction) => {
          await it.Order.findAll({ transaction })
          await add('1', transaction)
          await as('ben', () => add('2', transaction))
          await add('3', transaction)
        },
      ),
    )
    await it.sequelize.transaction((transaction) => as('cleo', () => add('4', transaction)))
    await it.sequelize.transaction((transaction) => add('5', transaction))
    expect(await it.users()).toEqual(['anna', 'ben', 'anna', 'cleo', null])
  })

  test('one that is rolled back', async () => {
    const failing = as('anna', () =>
      it.sequelize.transaction(async (transaction) => {
        await add('1', transaction)
        throw new Error('taken back')
      }),
    )
    await expect(failing).rejects.toThrow('taken back')
    await add('2')
    expect(await it.users()).toEqual([null])
  })

  test('an unmanaged one', async () => {
    const transaction = await as('anna', () => it.sequelize.transaction())
    await as('ben', () => it.Order.create({ note: '1' }, { transaction }))
    await it.Order.create({ note: '2' }, { transaction })
    await as('cleo', () => it.Order.create({ note: '3' }, { transaction }))
    await as('dora', () => transaction.commit())
    expect(await it.users()).toEqual(['ben', null, 'cleo'])
  })

  test('one in another is a savepoint, also one that is rolled back', async () => {
    await as('anna', () =>
      it.sequelize.transaction(async (outer) => {
        await add('1', outer)
        await it.sequelize.transaction({ transaction: outer }, (inner) =>
          as('ben', () => it.Order.create({ note: '2' }, { transaction: inner })),
        )
        const failing = it.sequelize.transaction({ transaction: outer }, async (inner) => {
          await as('cleo', () => it.Order.create({ note: '3' }, { transaction: inner }))
          throw new Error('taken back')
        })
        await expect(failing).rejects.toThrow('taken back')
        await it.Order.create({ note: '4' }, { transaction: outer })
      }),
    )
    expect(await it.users()).toEqual(['anna', 'ben', 'anna'])
  })

  test('findOrCreate, which opens one of its own', async () => {
    await as('anna', () => it.User.findOrCreate({ where: { email: 'a@example.com' } }))
    await as('ben', () =>
      it.sequelize.transaction((transaction) =>
        it.User.findOrCreate({ where: { email: 'b@example.com' }, transaction }),
      ),
    )
    expect(await it.users()).toEqual(['anna', 'ben'])
  })

  test('an audit inside of one', async () => {
    let audit = it.audit.on(it.sequelize)
    await as('anna', () =>
      it.sequelize.transaction(async (transaction) => {
        const order = await it.Order.create({ note: 'uncommitted' }, { transaction })
        const filter = { table: 'orders', id: order.id }
        audit = it.audit.on(transaction)
        expect((await audit.page(filter)).events.map(({ userId }) => userId)).toEqual(['anna'])
        expect((await audit.blame('orders', order.id)).map(({ userId }) => userId)).toContain(
          'anna',
        )
        expect((await it.audit.on(it.sequelize).page(filter)).events).toEqual([])
      }),
    )
    await expect(audit.page()).rejects.toThrow(UsageError)
    await expect(audit.page()).rejects.toThrow('This transaction has ended (commit)')
    await it.users()
    const outer = await it.sequelize.transaction()
    const inner = await it.sequelize.transaction({ transaction: outer })
    await outer.commit()
    await expect(it.audit.on(inner).page()).rejects.toThrow('This transaction is not under way')
  })

  test('200 callers at once on two connections', async () => {
    const users = Array.from({ length: 200 }, (_, n) => `caller ${n}`)
    await Promise.all(
      users.map((user) =>
        as(user, async () => {
          await new Promise((resolve) => setImmediate(resolve))
          await it.sequelize.transaction(async (outer) => {
            await add(user, outer)
            await it.sequelize.transaction({ transaction: outer }, (transaction) =>
              it.Order.create({ note: user }, { transaction }),
            )
          })
          await add(user)
        }),
      ),
    )
    const events = await it.audit.AuditEvent.findAll({ where: { userId: users } })
    expect(events.filter(({ userId, newData }) => newData?.note !== userId)).toEqual([])
    expect(events).toHaveLength(3 * users.length)
    await it.users()
  })
})
