import { expect, test } from 'vitest'
import { Auditrum, type Status } from '../../src/index.js'
import { auditedDatabase } from '../support.js'

test('status tells how far the log is sealed, to who keeps it and who reads it as well', async () => {
  const database = await auditedDatabase()
  await database.tracked('orders', 'create table orders (id int primary key)')
  const audit = new Auditrum(database)
  expect((await audit.status()).sealing).toBeNull()

  await audit.enableSealing()
  await database.query('insert into orders values (1), (2)')
  expect((await audit.status()).sealing).toMatchObject({ entries: 1, sealedAt: null })
  await audit.seal()
  const role = await database.role()
  for (const right of ['let_read', 'let_maintain']) {
    await database.query(`select auditrum.${right}('${role.name}')`)
    const { sealing } = await new Auditrum(role.pool()).status()
    expect(sealing).toEqual({ entries: 2, sealedAt: expect.any(String), lagSeconds: 0 })
    await database.query(`drop owned by ${role.name}`)
  }
  const { sealing, findings } = await audit.status()
  expect(Math.abs(Date.now() - Date.parse(sealing?.sealedAt ?? ''))).toBeLessThan(3_600_000)
  expect(about('sealing', findings)).toEqual([])
})

test('a sealer that has stopped is told after five minutes, whatever it left half done', async () => {
  const database = await auditedDatabase()
  await database.tracked('orders', 'create table orders (id int primary key)')
  const audit = new Auditrum(database)
  await audit.enableSealing()
  await database.query(`insert into orders select generate_series(1, 30)`)
  await database.query(
    `update auditrum.audit_event set changed_at = changed_at - case when id <= 20 then interval '2 hours' else interval '4 minutes' end`,
  )
  const late = about('sealing', (await audit.status()).findings)
  expect(late).toEqual([
    expect.objectContaining({
      code: 'sealing_lags',
      severity: 'warning',
      message: 'The oldest event that is not sealed is 120 minutes old',
      command: 'auditrum seal --every 5s',
    }),
  ])

  // a round of three blocks, and stopped after two
  await database.query('select auditrum.seal_block(10)')
  await database.query('select auditrum.seal_block(10)')
  const { sealing, findings } = await audit.status()
  expect(sealing?.lagSeconds).toBeGreaterThan(240)
  expect(sealing?.lagSeconds).toBeLessThan(7200)
  expect(about('sealing', findings)).toEqual([])
})

test('events behind the sequence of the last round are not late if that round saw them', async () => {
  const database = await auditedDatabase()
  await database.tracked('orders', 'create table orders (id int primary key)')
  const audit = new Auditrum(database)
  await audit.enableSealing()
  await database.query(`
    insert into orders select generate_series(1, 3);
    update auditrum.audit_event set changed_at = changed_at - interval '2 hours'`)
  await audit.seal()
  // as if they had come between the reading of the sequence and the snapshot
  await database.query(
    `update auditrum.audit_seal set entry = replace(entry::text, '"sequence": "3"', '"sequence": "1"')::json where id = 1`,
  )
  expect((await audit.status()).sealing?.lagSeconds).toBe(0)
})

test('a log that was restored elsewhere says so until its chain goes on', async () => {
  const database = await auditedDatabase()
  await database.tracked('orders', 'create table orders (id int primary key)')
  const audit = new Auditrum(database)
  await audit.enableSealing()
  await database.query(
    `update auditrum.audit_seal set entry = jsonb_set(entry::jsonb, '{system}', '"1"')::json`,
  )
  await database.query(`
    insert into orders values (1);
    update auditrum.audit_event set changed_at = changed_at - interval '2 hours'`)
  const moved = await audit.status()
  expect(moved.sealing?.lagSeconds).toBeNull()
  expect(about('sealing', moved.findings)).toEqual([
    expect.objectContaining({ code: 'sealing_moved', command: 'auditrum seal --rebase' }),
  ])

  await database.query('select auditrum.seal_rebase()')
  expect((await audit.status()).sealing?.lagSeconds).toBeGreaterThan(7000)
  await audit.seal()
  const { sealing, findings } = await audit.status()
  expect(sealing?.lagSeconds).toBe(0)
  expect(about('sealing', findings)).toEqual([])
})

test('a salt that was taken away is told, and given back', async () => {
  const database = await auditedDatabase()
  await database.tracked('orders', 'create table orders (id int primary key)')
  const audit = new Auditrum(database)
  await audit.enableSealing()
  for (const sabotage of ['drop default', `set default '\\x00'`]) {
    await database.query(`alter table auditrum.audit_event alter column salt ${sabotage}`)
    expect(about('sealing', (await audit.status()).findings)).toEqual([
      expect.objectContaining({ code: 'sealing_unsalted', command: 'auditrum enable-hash-chain' }),
    ])
    expect(await audit.enableSealing()).toBe(false)
    expect(about('sealing', (await audit.status()).findings)).toEqual([])
  }
  await database.query('insert into orders values (1)')
  const { rows } = await database.query(
    'select octet_length(salt) as bytes from auditrum.audit_event',
  )
  expect(rows).toEqual([{ bytes: 16 }])
})

test('a chain that somebody emptied is not taken for one that was never begun', async () => {
  const database = await auditedDatabase()
  const audit = new Auditrum(database)
  await audit.enableSealing()
  await database.query('truncate auditrum.audit_seal')
  const { ok, findings } = await audit.status()
  expect(ok).toBe(false)
  expect(about('sealing', findings)).toEqual([expect.objectContaining({ code: 'sealing_gone' })])
})

function about(what: string, findings: Status['findings']): Status['findings'] {
  return findings.filter(({ code }) => code.startsWith(what))
}
