import type { Database } from '@auditrum/testkit'
import { beforeAll, describe, expect, test } from 'vitest'
import { type AuditedDatabase, auditedDatabase } from '../support.js'

const SECRET = 'bytes-that-nobody-may-find'

/** Everything that the log has written: its rows as text, and its files. */
async function logContains(database: Database, text: string): Promise<boolean> {
  await database.query('checkpoint')
  const { rows } = await database.query(
    `select class.relname
     from pg_class as class
     join pg_namespace as namespace on namespace.oid = class.relnamespace
     where (nspname = 'auditrum' or (nspname = 'pg_toast' and class.oid in (
         select unnest(array[log.reltoastrelid, index.indexrelid])
         from pg_class as log
         left join pg_index as index on index.indrelid = log.reltoastrelid
         where log.relnamespace = 'auditrum'::regnamespace
       )))
       and class.relkind in ('r', 'i', 't')
       and position($1::bytea in pg_read_binary_file(pg_relation_filepath(class.oid))) > 0`,
    [Buffer.from(text)],
  )
  const inRows = await database.query(
    `select 1 from auditrum.auditlog as log where position($1 in log::text) > 0`,
    [text],
  )
  return rows.length > 0 || inRows.rows.length > 0
}

let database: AuditedDatabase
beforeAll(async () => {
  database = await auditedDatabase()
})

describe('the search for bytes', () => {
  test('finds what is there', async () => {
    await database.tracked(
      'open_table',
      'create table open_table (id integer primary key, note text)',
    )
    await database.query(`insert into open_table values (1, 'easily found')`)
    expect(await logContains(database, 'easily found')).toBe(true)
  })
})

describe.each([
  ['exclude', { exclude: ['secret'] }],
  ['mask', { mask: ['secret'] }],
  ['only', { only: ['name'] }],
  ['only and mask', { only: ['name'], mask: ['secret'] }],
  ['exclude, with the changed image', { exclude: ['secret'], image: 'changed' }],
] as const)('%s', (title, options) => {
  const table = `t_${title.replaceAll(/\W+/g, '_')}`
  test('keeps a value out of every event, and out of the files of the log', async () => {
    await database.tracked(
      table,
      `create table ${table} (id integer primary key, name text, secret text)`,
      options,
    )
    const [insert, update, remove] = await database.recorded(async () => {
      await database.query(`insert into ${table} values (1, 'a', '${SECRET}')`)
      await database.query(`update ${table} set name = 'b', secret = '${SECRET}2'`)
      await database.query(`delete from ${table}`)
    })
    expect(insert).toMatchObject({ new_data: { id: 1, name: 'a' } })
    expect(update).toMatchObject({ diff: { name: { old: 'a', new: 'b' } } })
    expect(remove).toMatchObject({ old_data: { id: 1, name: 'b' } })
    const masked = 'mask' in options ? ['secret'] : null
    expect([insert, update, remove].map((event) => event?.masked)).toEqual([masked, masked, masked])
    expect(await logContains(database, SECRET)).toBe(false)
  })

  test('makes no event of a change of that column alone, unless it is masked', async () => {
    await database.query(`insert into ${table} values (2, 'a', 'x')`)
    const events = await database.recorded(`update ${table} set secret = '${SECRET}' where id = 2`)
    if ('mask' in options) expect(events).toMatchObject([{ diff: {}, masked: ['secret'] }])
    else expect(events).toEqual([])
    expect(await logContains(database, SECRET)).toBe(false)
  })

  test('fails closed when the column is renamed: the key, and names alone', async () => {
    const hidden = 'exclude' in options || 'mask' in options ? 'secret' : 'name'
    await database.query(`alter table ${table} rename ${hidden} to renamed`)
    const other = hidden === 'secret' ? 'name' : 'secret'
    const [insert, update, remove] = await database.recorded(async () => {
      await database.query(
        `insert into ${table} (id, ${other}, renamed) values (3, '${SECRET}', '${SECRET}')`,
      )
      await database.query(`update ${table} set renamed = '${SECRET}4' where id = 3`)
      await database.query(`delete from ${table} where id = 3`)
    })
    expect(insert).toMatchObject({
      object_id: '3',
      image: 'key',
      new_data: { id: 3 },
      drift: [hidden],
    })
    expect(Object.keys(insert?.new_data ?? {})).toEqual(['id'])
    expect(update).toMatchObject({
      object_id: '3',
      masked: ['renamed'],
      old_data: { id: 3 },
      new_data: { id: 3 },
      drift: [hidden],
    })
    expect(remove).toMatchObject({
      object_id: '3',
      old_data: { id: 3 },
      new_data: null,
      drift: [hidden],
    })
    expect(await logContains(database, SECRET)).toBe(false)
  })
})

describe('ignore', () => {
  test('a change of the column alone is no event; with others it is stored', async () => {
    await database.tracked(
      'ignoring',
      'create table ignoring (id integer primary key, name text, seen integer)',
      { ignore: ['seen'] },
    )
    await database.query(`insert into ignoring values (1, 'a', 1)`)
    expect(await database.recorded('update ignoring set seen = 2')).toEqual([])
    expect(await database.event(`update ignoring set seen = 3, name = 'b'`)).toMatchObject({
      diff: { name: { old: 'a', new: 'b' }, seen: { old: 2, new: 3 } },
    })
    await database.query('alter table ignoring rename seen to seen_at')
    expect(await database.event('update ignoring set seen_at = 4')).toMatchObject({
      drift: ['seen'],
      image: 'full',
      diff: { seen_at: { old: 3, new: 4 } },
    })
  })
})

describe('when', () => {
  test('an event is written unless the condition is false', async () => {
    await database.tracked(
      'watched',
      'create table watched (id integer primary key, active boolean, note text)',
      { when: 'OLD.active OR NEW.active' },
    )
    // there is no OLD, and NULL OR false is not false
    expect(await database.recorded('insert into watched values (1, false)')).toHaveLength(1)
    expect(await database.recorded('insert into watched values (2, true)')).toHaveLength(1)
    expect(await database.recorded('insert into watched values (3, null)')).toHaveLength(1)
    expect(await database.recorded(`update watched set note = 'x' where id = 1`)).toEqual([])
    expect(await database.recorded('update watched set active = true where id = 1')).toHaveLength(1)
    expect(await database.recorded('update watched set active = false where id = 1')).toHaveLength(
      1,
    )
    expect(await database.recorded('delete from watched where id = 1')).toHaveLength(1)
    expect(await database.recorded('delete from watched where id = 2')).toHaveLength(1)
    expect(await database.recorded('truncate watched')).toHaveLength(1)
  })

  test('can differ by operation', async () => {
    await database.tracked(
      'by_operation',
      'create table by_operation (id integer primary key, n integer)',
      {
        when: { insert: 'false', update: 'NEW.n > OLD.n -- only upwards' },
      },
    )
    expect(await database.recorded('insert into by_operation values (1, 1)')).toEqual([])
    expect(await database.recorded('update by_operation set n = 2')).toHaveLength(1)
    expect(await database.recorded('update by_operation set n = 1')).toEqual([])
    expect(await database.recorded('delete from by_operation')).toHaveLength(1)
  })

  test.each([
    ['renamed', 'alter table changing rename active to is_active'],
    ['retyped', `alter table changing alter active type text using active::text`],
    ['dropped', 'alter table changing drop active'],
  ])('that can no longer be evaluated, its column %s, writes the event', async (_, alter) => {
    await database.query('drop table if exists changing')
    await database.tracked(
      'changing',
      'create table changing (id integer primary key, active boolean)',
      { when: 'NEW.active' },
    )
    const client = await database.client()
    await client.query('insert into changing values (1, false)')
    await database.query(alter)
    const event = await database.event(() => client.query('insert into changing (id) values (2)'))
    expect(event).toMatchObject({ operation: 'insert', object_id: '2' })
    const another = await database.event(() => client.query('delete from changing where id = 2'))
    expect(another.operation).toBe('delete')
  })
})

test('meta columns are copied, also those that are not recorded', async () => {
  await database.tracked(
    'tenants',
    'create table tenants (id integer primary key, tenant integer, name text)',
    { only: ['name'], meta: ['tenant'] },
  )
  expect(await database.event(`insert into tenants values (1, 7, 'a')`)).toMatchObject({
    meta: { tenant: 7 },
    new_data: { id: 1, name: 'a' },
  })
  expect(await database.event(`update tenants set name = 'b'`)).toMatchObject({
    meta: { tenant: 7 },
  })
  expect(await database.event('delete from tenants')).toMatchObject({ meta: { tenant: 7 } })
  expect(await database.event('truncate tenants')).toMatchObject({ meta: null })
})

test('the changed image holds the key and what changed', async () => {
  await database.tracked(
    'lean',
    'create table lean (a integer, b integer, n integer, doc text, primary key (b, a))',
    { image: 'changed' },
  )
  expect(await database.event(`insert into lean values (1, 2, 0, 'x')`)).toMatchObject({
    image: 'full',
    object_id: '[2, 1]',
    new_data: { a: 1, b: 2, n: 0, doc: 'x' },
  })
  const update = await database.event('update lean set n = 1')
  expect(update).toMatchObject({ image: 'changed', object_id: '[2, 1]', old_object_id: null })
  expect(update.new_data).toEqual({ a: 1, b: 2, n: 1 })
  expect(update.diff).toEqual({ n: { old: 0, new: 1 } })
  const moved = await database.event('update lean set a = 5')
  expect(moved).toMatchObject({
    object_id: '[2, 5]',
    old_object_id: '[2, 1]',
    diff: { a: { old: 1, new: 5 } },
  })
  expect(await database.event('delete from lean')).toMatchObject({
    old_data: { a: 5, b: 2, n: 1, doc: 'x' },
    old_object_id: null,
  })
})

describe('requireContext', () => {
  const context = (metadata: object) =>
    `select set_config('auditrum.context', '${JSON.stringify(metadata)}', true)`
  test.each([
    [true, {}, undefined],
    ['actor', { user_id: 7 }, { change_reason: 'x' }],
    ['reason', { change_reason: 'x' }, { user_id: 7 }],
  ] as const)(
    '%s refuses a write without it, and nothing is written',
    async (requireContext, enough, tooLittle) => {
      const table = `guarded_${requireContext}`
      await database.tracked(table, `create table ${table} (id integer primary key)`, {
        requireContext,
      })
      await database.query(`begin; ${context(enough)}; insert into ${table} values (1); commit`)
      for (const statement of [
        `insert into ${table} values (2)`,
        `update ${table} set id = 3`,
        `delete from ${table}`,
        `truncate ${table}`,
      ]) {
        const given = tooLittle ? context(tooLittle) : 'select 1'
        await expect(database.query(`begin; ${given}; ${statement}; commit`)).rejects.toMatchObject(
          {
            code: 'AU001',
            table,
            message: expect.stringMatching(
              /^(INSERT|UPDATE|DELETE|TRUNCATE) on public\.guarded_\w+ was refused/,
            ),
          },
        )
        await database.query('rollback')
      }
      expect((await database.query(`select id from ${table}`)).rows).toEqual([{ id: 1 }])
      expect(await database.events(table)).toHaveLength(1)
    },
  )

  test('takes no empty text for a user, and says why a context could not be read', async () => {
    const table = 'guarded_well'
    await database.tracked(table, `create table ${table} (id integer primary key)`, {
      requireContext: 'actor',
    })
    for (const [given, message] of [
      [context({ user_id: '' }), /has no user_id\.$/],
      [`select set_config('auditrum.context', '{"user_id', true)`, /has no user_id: .*json/],
    ] as const) {
      const write = `begin; ${given}; insert into ${table} values (1); commit`
      await expect(database.query(write)).rejects.toMatchObject({
        code: 'AU001',
        message: expect.stringMatching(message),
      })
      await database.query('rollback')
    }
  })
})

test.each([
  [`set DateStyle = 'Postgres, DMY'`, `new.at::text < '2030'`],
  [`set DateStyle = 'ISO, DMY'`, `new.day > '01/02/2026'`],
  ['set transform_null_equals = on', 'not (new.note = null)'],
])('%s does not decide what a condition means', async (setting, when) => {
  const own = await auditedDatabase()
  await own.tracked(
    'moments',
    'create table moments (id integer primary key, at timestamp, day date, note text)',
    { when },
  )
  const client = await own.client()
  const write = `insert into moments select count(*), '2026-01-20', '2026-01-20', null from moments`
  const plain = await own.recorded(() => client.query(write))
  await client.query(setting)
  expect(await own.recorded(() => client.query(write))).toHaveLength(plain.length)
})
