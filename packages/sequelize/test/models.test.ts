import { DataTypes, Op } from 'sequelize'
import { beforeAll, describe, expect, test } from 'vitest'
import { auditrum, UsageError, withContext } from '../src/index.js'
import { as, connect, type Order, type Shop, shop, type User } from './support.js'

let it: Shop
let user: User
let order: Order
beforeAll(async () => {
  it = await shop()
  it.User.addScope('defaultScope', { where: { fullName: 'nobody' } }, { override: true })
  await withContext({ user_id: 7, source: 'web', change_reason: 'Sign-up' }, async () => {
    await it.sequelize.transaction(async (transaction) => {
      user = await it.User.create({ fullName: 'Anna' }, { transaction })
      order = await it.Order.create({ note: 'first', userId: user.id }, { transaction })
    })
  })
  await as('ben', () => user.update({ fullName: 'Bea' }))
  await as('7', () => it.Order.create({ note: 'second' }))
  await user.destroy()
})

describe('AuditEvent', () => {
  test('is a model of the log, with its context', async () => {
    const { AuditEvent } = it.audit
    const [first, ...others] = await AuditEvent.findAll({ include: 'context', order: ['id'] })
    expect(others).toHaveLength(4)
    expect(first?.get({ plain: true })).toMatchObject({
      operation: 'insert',
      schemaName: 'public',
      tableName: 'users',
      objectId: String(user.id),
      userId: '7',
      changeReason: 'Sign-up',
      oldData: null,
      newData: { full_name: 'Anna' },
      diff: { full_name: { old: null, new: 'Anna' } },
      image: 'full',
      lossy: false,
      context: { userId: '7', source: 'web', metadata: { user_id: 7 } },
    })
    expect(first?.changedAt).toBeInstanceOf(Date)
    expect((await first?.getContext())?.id).toBe(first?.contextId)
    expect((await AuditEvent.findByPk(first?.id))?.objectId).toBe(first?.objectId)
    expect(await AuditEvent.count({ where: { 'newData.full_name': 'Bea' } })).toBe(2)
    expect(await AuditEvent.count({ group: ['operation'] })).toEqual(
      expect.arrayContaining([{ operation: 'insert', count: 3 }]),
    )
  })

  test('scopes', async () => {
    const { AuditEvent } = it.audit
    expect(await AuditEvent.forModel(it.User).count()).toBe(3)
    expect(await AuditEvent.forModel(it.Order).count()).toBe(2)
    expect(await AuditEvent.forRecord(user).count()).toBe(3)
    expect(await AuditEvent.forRecord(it.Order, order.id).count()).toBe(1)
    expect(await AuditEvent.forRecord(it.Order, 999).count()).toBe(0)
    expect(await AuditEvent.forUser(7).count()).toBe(3)
    expect(await AuditEvent.forUser(user).count()).toBe(0)
    expect(await AuditEvent.forModel(it.Order).forUser('7').count()).toBe(2)
    expect(await AuditEvent.forUser('ben').forModel(it.Order).count()).toBe(0)
    const scopes = [{ method: ['forModel', it.User] }, { method: ['forUser', 'ben'] }] as const
    expect(await AuditEvent.scope(scopes).count()).toBe(1)

    const [latest] = await AuditEvent.forRecord(user).findAll({
      where: { id: { [Op.gt]: '0' } },
      include: ['context'],
      order: [['id', 'DESC']],
      limit: 1,
    })
    expect(latest?.userId).toBe(null)
    // a condition on the same attribute narrows, and does not replace
    const others = { where: { id: { [Op.gt]: '0' } } }
    expect(await AuditEvent.forRecord(it.Order, order.id).count(others)).toBe(1)
  })

  test('forContext takes an id, a uuid, and what was included', async () => {
    const { AuditEvent, AuditContext } = it.audit
    const context = await AuditContext.findOne({ where: { source: 'web' }, include: 'events' })
    if (!context) throw new Error('no context')
    expect(context.events).toHaveLength(2)
    expect(context.changeReason).toBe('Sign-up')
    expect(await AuditEvent.forContext(context).count()).toBe(2)
    expect(await AuditEvent.forContext(context.id).count()).toBe(2)
    expect(await AuditEvent.forContext(context.uuid).forModel(it.User).count()).toBe(1)
    expect(await context.getEvents({ order: ['id'] })).toHaveLength(2)
  })

  test('follows a row back through changes of its key, and a table through its renaming', async () => {
    const moved = await it.Order.create({ note: 'moved' })
    await it.Order.update({ id: 5000 }, { where: { id: moved.id } })
    await it.sequelize.query('alter table orders rename to purchases')
    const Purchase = it.sequelize.define('Purchase', {}, { tableName: 'purchases' })
    const events = it.audit.AuditEvent.forRecord(Purchase, '5000')
    expect((await events.findAll({ order: ['id'] })).map(({ operation }) => operation)).toEqual([
      'insert',
      'update',
    ])
    await it.sequelize.query('alter table purchases rename to orders')
    expect(await it.audit.AuditEvent.forModel(it.Order).count()).toBe(4)
  })

  test('reads composite keys and names that need quotes', async () => {
    const Item = it.sequelize.define(
      'Item',
      {
        orderId: { type: DataTypes.INTEGER, primaryKey: true, field: "order 'id" },
        place: { type: DataTypes.TEXT, primaryKey: true },
        amount: DataTypes.INTEGER,
      },
      { tableName: "it's items", timestamps: false },
    )
    await it.sequelize.query(`
      create table "it's items" (
        "order 'id" integer, place text, amount integer, primary key ("order 'id", place)
      )`)
    it.audit.track(Item)
    await it.audit.sync()
    const item = await as('anna', () => Item.create({ orderId: 1, place: `a'$1:b?`, amount: 1 }))
    await item.update({ amount: 2 })
    await Item.create({ orderId: 2, place: 'other', amount: 1 })
    const { AuditEvent } = it.audit
    expect(await AuditEvent.forRecord(item).count()).toBe(2)
    expect(await AuditEvent.forRecord(Item, [2, 'other']).count()).toBe(1)
    expect(await AuditEvent.forModel(Item).count()).toBe(3)
  })

  test('refuses records that cannot be named', () => {
    const { AuditEvent } = it.audit
    for (const refused of [
      () => AuditEvent.forRecord(it.User.build()),
      () => AuditEvent.forRecord(it.User, undefined as never),
      () => AuditEvent.forRecord(it.User, null as never),
      () => AuditEvent.forUser(it.User.build()),
      () => AuditEvent.forUser(undefined as never),
      () => AuditEvent.forUser(null as never),
      () => AuditEvent.forContext(undefined as never),
    ]) {
      expect(refused).toThrow(UsageError)
    }
  })
})

test('whatever would write is refused before anything is sent', async () => {
  const sent: string[] = []
  const sequelize = connect(it.database.url, { logging: (text) => sent.push(text) })
  const { AuditEvent, AuditContext } = auditrum(sequelize, { maintain: false })
  const event = await AuditEvent.findOne({ rejectOnEmpty: true })
  const context = await AuditContext.findOne({ rejectOnEmpty: true })
  sent.length = 0
  const everywhere = { where: {} }
  // what is there, and not in the types
  const calling = async (on: object, name: string) =>
    (on as Record<string, () => Promise<unknown>>)[name]?.()
  const writes = [
    () => AuditEvent.create({} as never),
    () => AuditEvent.bulkCreate([]),
    () => AuditEvent.findOrCreate({ where: { userId: 'x' } } as never),
    () => AuditEvent.findCreateFind({ where: { userId: 'x' } } as never),
    () => AuditEvent.upsert({} as never),
    () => AuditEvent.update({ userId: 'x' } as never, everywhere),
    () => AuditEvent.increment('id', everywhere),
    () => AuditEvent.decrement('id', everywhere),
    () => AuditEvent.destroy(everywhere),
    () => AuditEvent.restore(everywhere),
    () => AuditEvent.truncate(),
    () => AuditEvent.sync({ force: true }),
    () => AuditEvent.drop(),
    () => calling(AuditEvent, 'dropSchema'),
    () => AuditEvent.forUser(7).destroy(everywhere),
    () => AuditEvent.schema('auditrum').destroy(everywhere),
    () => AuditEvent.build({} as never).save(),
    () => event.set({ userId: 'x' } as never).save(),
    () => event.update({ userId: 'x' } as never),
    () => event.increment('id'),
    () => event.decrement('id'),
    () => event.destroy(),
    () => event.restore(),
    () => AuditContext.destroy(everywhere),
    () => context.destroy(),
    () => calling(context, 'createEvent'),
    () => calling(event, 'createContext'),
  ]
  for (const write of writes) await expect(write()).rejects.toThrow(UsageError)
  expect(sent).toEqual([])
})

test("the application's own models do not meet them, and may have their names", async () => {
  const own = it.sequelize.define('AuditEvent', { note: DataTypes.TEXT })
  const define = { paranoid: true, defaultScope: { where: { id: 0 } } }
  const fresh = connect(it.database.url, { define })
  fresh.addHook('beforeDefine', (attributes) => {
    Object.assign(attributes, { tenant: DataTypes.TEXT })
  })
  const ofTenant = (options: object) => {
    Object.assign(options, { where: { tenant: 'acme' } })
  }
  fresh.addHook('beforeFind', ofTenant)
  fresh.addHook('beforeCount', ofTenant)
  const theirs = fresh.define('AuditEvent', { note: DataTypes.TEXT })
  const { AuditEvent } = auditrum(fresh, { maintain: false })
  expect(it.sequelize.models.AuditEvent).toBe(own)
  expect(fresh.models.AuditEvent).toBe(theirs)
  expect(Object.keys(fresh.models)).toEqual(['AuditEvent'])
  await fresh.sync({ alter: true })
  await fresh.truncate()
  expect(await theirs.count()).toBe(0)
  expect(await AuditEvent.count()).toBeGreaterThan(5)
  expect((await AuditEvent.findOne({ include: 'context' }))?.context).not.toBe(undefined)
})

test('a reader needs what is granted to readers, and no more', async () => {
  const reader = await it.database.role()
  await it.database.query(`select auditrum.let_read('${reader.name}')`)
  const { AuditEvent, AuditContext } = auditrum(connect(reader.url), { maintain: false })
  const events = await AuditEvent.forRecord(it.User, user.id).findAll({ include: 'context' })
  expect(events.map(({ context }) => context?.userId)).toContain('7')
  expect(await AuditEvent.forModel(it.User).count()).toBe(3)
  expect(await AuditContext.count()).toBeGreaterThan(3)
})

test('a log in another schema', async () => {
  const elsewhere = await shop({}, { schema: 'my log' })
  elsewhere.audit.track(elsewhere.Order)
  await elsewhere.audit.sync()
  await as('anna', () => elsewhere.Order.create({ note: 'x' }))
  const { AuditEvent } = elsewhere.audit
  const [event] = await AuditEvent.forModel(elsewhere.Order).findAll({ include: 'context' })
  expect(event?.context?.userId).toBe('anna')
})
