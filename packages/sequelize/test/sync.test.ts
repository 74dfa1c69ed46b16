import { DataTypes } from 'sequelize'
import { beforeAll, describe, expect, test } from 'vitest'
import { as, type Shop, shop } from './support.js'

let it: Shop
beforeAll(async () => {
  it = await shop()
  it.audit.track(it.User, { exclude: ['passwordHash'] })
  it.audit.track(it.Order)
  await it.audit.sync()
})
const codes = async () => (await it.audit.status()).findings.map(({ code }) => code)
const add = () => as('anna', () => it.User.create({ passwordHash: 'secret' }))

describe('what Model.sync does to the triggers', () => {
  test('sync() without options leaves them', async () => {
    await it.sequelize.sync()
    await add()
    expect(await codes()).toEqual([])
    expect(await it.users()).toEqual(['anna'])
  })

  test('sync({ alter }) keeps them while it retypes what is there', async () => {
    await it.sequelize.sync({ alter: true })
    await add()
    expect(await it.users()).toEqual(['anna'])
    expect(await codes()).toEqual([])
    expect(await it.audit.AuditEvent.count({ where: { 'newData.password_hash': 'secret' } })).toBe(
      0,
    )
  })

  test('sync({ force }) drops the tables and their triggers, until the audit is synced', async () => {
    await it.sequelize.sync({ force: true })
    expect(await codes()).toEqual(['not_tracked', 'not_tracked'])
    await add()
    expect(await it.users()).toEqual([])
    expect((await it.audit.sync()).installed).toEqual(['public.users', 'public.orders'])
    await add()
    expect(await it.users()).toEqual(['anna'])
    expect(await it.audit.AuditEvent.forModel(it.User).count()).toBe(3)
    expect(await codes()).toEqual([])
  })

  test('sync({ alter }) that drops a declared column: events hold what is safe, and status tells', async () => {
    const attributes = {
      id: { type: DataTypes.INTEGER, primaryKey: true, autoIncrement: true },
      password: DataTypes.TEXT,
    }
    const options = { tableName: 'users', timestamps: false }
    const Renamed = it.sequelize.define('Renamed', attributes, options)
    await Renamed.sync({ alter: true })
    expect(await codes()).toEqual(['column_missing', 'columns_changed'])
    await as('ben', () => Renamed.create({ password: 'secret' }))
    const event = await it.audit.AuditEvent.findOne({ order: [['id', 'DESC']] })
    expect(event).toMatchObject({ userId: 'ben', drift: ['password_hash'], image: 'key' })
    expect(JSON.stringify(event)).not.toContain('secret')
  })

  test('drop() takes them along, and the history stays', async () => {
    const mine = await shop()
    mine.audit.track(mine.Order)
    await mine.Order.create()
    await mine.sequelize.drop()
    const { findings } = await mine.audit.status()
    expect(findings.map(({ code }) => code)).toContain('table_missing')
    expect(await mine.audit.AuditEvent.count()).toBe(1)
  })

  test('dropAllSchemas() drops the log', async () => {
    await it.sequelize.dropAllSchemas({})
    expect(await codes()).toContain('log_missing')
  })
})
