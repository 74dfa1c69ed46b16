import { QueryTypes, Sequelize } from 'sequelize'
import { describe, expect, test } from 'vitest'
import { auditrum, UsageError, withContext } from '../src/index.js'
import { as, connect, defineModels, expectClean, shop, shopDatabase } from './support.js'

const quiet = { maintain: false }

describe('connections', () => {
  test('those that are idle and those that are in use when the audit begins', async () => {
    const it = await shop()
    it.audit.close()
    const open = await it.sequelize.transaction()
    await Promise.all([1, 2, 3].map(() => it.sequelize.query('select pg_sleep(0.01)')))
    auditrum(it.sequelize, quiet)
    await as('anna', () => it.Order.create({ note: 'in use' }, { transaction: open }))
    await open.commit()
    await as('ben', () => it.Order.create({ note: 'idle' }))
    expect(await it.users()).toEqual(['anna', 'ben'])
  })

  test('close() leaves them as they were, and another audit can begin', async () => {
    const it = await shop()
    await as('anna', () => it.Order.create())
    it.audit.close()
    await as('ben', () => it.Order.create())
    expect(Object.hasOwn(it.sequelize.connectionManager, 'getConnection')).toBe(false)
    expect(Object.hasOwn(it.sequelize.connectionManager, 'connect')).toBe(false)
    expect(Object.hasOwn(it.sequelize.connectionManager, 'close')).toBe(false)
    const again = auditrum(it.sequelize, quiet)
    expect(again).not.toBe(it.audit)
    await as('cleo', () => it.Order.create())
    expect(await it.users()).toEqual(['anna', null, 'cleo'])
  })

  test('close() while somebody waits for a connection', async () => {
    const it = await shop({ pool: { max: 1 } })
    const open = await it.sequelize.transaction()
    const waiting = as('anna', () => it.Order.create())
    it.audit.close()
    await open.commit()
    await waiting
    await as('ben', () => it.Order.create())
    expect(await it.users()).toEqual([null, null])
  })

  test('a Sequelize that is closed stays closed', async () => {
    const it = await shop()
    await it.sequelize.close()
    expect(it.audit.isClosed).toBe(true)
    it.audit.close()
    await expect(it.Order.create()).rejects.toThrow('after the connection manager was closed')
  })

  test('the write and the read connections of replication', async () => {
    const database = await shopDatabase()
    const sequelize = connect(database.url, { replication: { write: {}, read: [{}, {}] } })
    const audit = auditrum(sequelize, quiet)
    const { Order } = defineModels(sequelize)
    await as('anna', () => Order.create({ note: 'x' }))
    await as('ben', () =>
      sequelize.query(`select add_order('y')`, { type: QueryTypes.SELECT, raw: true }),
    )
    const events = await audit.AuditEvent.findAll({ order: ['id'] })
    expect(events.map(({ userId }) => userId)).toEqual(['anna', 'ben'])
    expect((await audit.page()).events).toHaveLength(2)
  })

  test('with prependSearchPath, which puts a command in front of each', async () => {
    const it = await shop({ dialectOptions: { prependSearchPath: true }, pool: { max: 1 } })
    const searchPath = { logging: false, searchPath: 'public' } as const
    const order = await as('anna', () => it.Order.create({ note: 'x' }, searchPath))
    await as('ben', () =>
      it.Order.update({ note: 'y' }, { where: { id: order.id }, ...searchPath }),
    )
    await as('cleo', () =>
      it.sequelize.transaction(async (transaction) => {
        await it.Order.findAll({ transaction, ...searchPath })
        await order.destroy({ transaction, ...searchPath })
      }),
    )
    expect(await it.users()).toEqual(['anna', 'ben', 'cleo'])
    await expectClean(it.sequelize, 1)
  })

  test('what comes from the socket has not the context of whoever opened it', async () => {
    let written: Promise<unknown> | undefined
    const it = await shop({
      pool: { max: 1 },
      hooks: {
        afterConnect(connection) {
          const client = connection as NodeJS.EventEmitter
          client.on('notification', () => {
            written = it.Order.create({ note: 'heard' })
          })
        },
      },
    })
    await as('anna', () => it.sequelize.query('listen news'))
    await it.sequelize.query('notify news')
    await expect.poll(() => written).toBeDefined()
    await written
    expect(await it.users()).toEqual([null])
  })

  test('every one is clean after errors and context that cannot be stored', async () => {
    const errors: string[] = []
    const it = await shop({ pool: { max: 1 } }, { onError: (error) => errors.push(error.message) })
    await expect(as('anna', () => it.sequelize.query('insert into nowhere'))).rejects.toThrow()
    const fails = () => {
      throw new Error('no session')
    }
    await withContext({ user_id: 'ben', session_key: fails }, () => it.Order.create())
    expect(await it.users()).toEqual(['ben'])
    await expectClean(it.sequelize, 1)
    expect(errors).toEqual([expect.stringContaining('no session')])
  })
})

describe('auditrum', () => {
  test('refuses options that it does not know', async () => {
    const sequelize = new Sequelize({ dialect: 'postgres' })
    expect(() => auditrum(sequelize, { tabels: [] } as never)).toThrow('Did you mean "tables"?')
    expect(() => auditrum(sequelize, null as never)).toThrow(UsageError)
    expect(() => auditrum(sequelize, { reader: 'postgres://' as never })).toThrow('not a Queryable')
    expect(Object.hasOwn(sequelize.connectionManager, 'getConnection')).toBe(false)
  })

  test('called again gives the same audit, which declares what is new', async () => {
    const it = await shop()
    expect(auditrum(it.sequelize)).toBe(it.audit)
    expect(() => auditrum(it.sequelize, { carry: 'all' })).toThrow(
      'This Sequelize has its audit already, and the option "carry" comes too late.',
    )
  })

  test('reads from another Sequelize', async () => {
    const database = await shopDatabase()
    const [sequelize, reader] = [connect(database.url), connect(database.url)]
    const audit = auditrum(sequelize, { ...quiet, reader })
    await reader.close()
    await expect(audit.page()).rejects.toThrow('after the connection manager was closed')
    expect((await audit.plan()).map(({ action }) => action)).toContain('none')
  })

  test('refuses what is no Sequelize on node-postgres', () => {
    const mysql = new Sequelize({ dialect: 'mysql', dialectModule: {} })
    const native = new Sequelize({ dialect: 'postgres', native: true })
    for (const [value, message] of [
      [
        mysql,
        "This Sequelize speaks mysql, and the audit trail is made by PostgreSQL. Give one with dialect: 'postgres'.",
      ],
      [native, 'This Sequelize has native: true'],
      // as Sequelize 7 looks
      [{ connectionManager: {}, getDialect: () => 'postgres' }, 'for Sequelize 7 see the guide'],
      [{}, 'no Sequelize 6'],
      [undefined, 'no Sequelize 6'],
      ['postgres://user:secret@host/db', 'no Sequelize 6'],
    ] as const) {
      const refused = () => auditrum(value as Sequelize)
      expect(refused).toThrow(UsageError)
      expect(refused).toThrow(message)
    }
  })
})
