import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { withContext } from '@auditrum/pg'
import { testDatabase } from '@auditrum/testkit/vitest'
import { beforeAll, describe, expect, test } from 'vitest'
import { lockWait, type Project, project, type Shop, shop } from '../support.js'

describe('a new database', async () => {
  const database = await testDatabase()
  let it: Project
  beforeAll(async () => {
    await database.query(`
      create table customers (id integer primary key, email text);
      create table orders (id integer primary key, note text);
      create table caches (id integer primary key)`)
    it = project({
      '.env': `DATABASE_URL=${database.url}`,
      'auditrum.config.ts': `
        import { defineConfig, track, waive } from 'auditrum'
        export default defineConfig({
          tables: [track('customers', { mask: ['email'] }), waive('caches', 'no data of anybody')],
          discover: 'src/**/audit.ts',
        })`,
      'src/orders/audit.ts': `
        import type { Auditrum } from 'auditrum'
        enum Columns { Note = 'note' }
        export default (audit: Auditrum) => audit.track('orders', { exclude: [Columns.Note] })`,
    })
  })

  test('plan says what is to do, and with --check fails; nothing is changed', async () => {
    const plan = await it.cli(['plan'])
    expect(plan).toMatchObject({ code: 0 })
    expect(plan.stdout).toBe(
      '+ the log auditrum  the log is not installed\n+ public.customers  it is not tracked\n+ public.orders  it is not tracked\n',
    )
    expect(await it.cli(['plan', '--check', '--quiet'])).toMatchObject({ code: 1, stderr: '' })
    const { rows } = await database.query("select to_regnamespace('auditrum') as log")
    expect(rows).toEqual([{ log: null }])
  })

  test('status says that there is no log, with 1', async () => {
    const status = await it.cli(['status'])
    expect(status).toMatchObject({ code: 1 })
    expect(status.stdout).toContain('There is no log in the schema auditrum')
  })

  test('init-schema --dry-run prints SQL that installs the log', async () => {
    const { code, stdout } = await it.cli(['init-schema', '--dry-run'])
    expect(code).toBe(0)
    const client = await database.client()
    await client.query(`begin; ${stdout}`)
    const { rows } = await client.query("select to_regclass('auditrum.audit_event')::text as log")
    expect(rows).toEqual([{ log: 'auditrum.audit_event' }])
    await client.query('rollback')
  })

  test('init-schema installs the log alone, and again does nothing', async () => {
    expect(await it.cli(['init-schema'])).toMatchObject({
      code: 0,
      stderr: 'The log auditrum is installed.\n',
    })
    expect(await it.cli(['init-schema'])).toMatchObject({
      code: 0,
      stderr: 'The log auditrum is up to date.\n',
    })
    const { stdout } = await it.cli(['plan'])
    expect(stdout).toMatch(/^= the log auditrum\n\+ public\.customers/)
  })

  test('sync --dry-run prints SQL that does it, --output writes it, sync does it', async () => {
    const dry = await it.cli(['sync', '--dry-run'])
    expect(dry.stdout).toContain(
      `SELECT "auditrum".track('"public"."orders"', '{"exclude":["note"]}', 'default')`,
    )
    await it.cli(['sync', '--output', 'sync.sql'])
    expect(readFileSync(join(it.folder, 'sync.sql'), 'utf8')).toBe(dry.stdout)
    expect((await it.cli(['plan', '--check'])).code).toBe(1)
    const done = await it.cli(['sync'])
    expect(done).toMatchObject({
      code: 0,
      stdout: 'installed public.customers\ninstalled public.orders\n',
    })
    const again = await it.cli(['sync', '--json'])
    expect(JSON.parse(again.stdout)).toEqual({
      installed: [],
      updated: [],
      uninstalled: [],
      unchanged: ['public.customers', 'public.orders'],
      pending: [],
      recreated: [],
      owner: 'postgres',
    })
    await database.query('drop table auditrum.audit_leaf')
    expect((await it.cli(['sync'])).stderr).toContain(
      'auditrum.audit_leaf was missing. It is there again, empty: what was in it is gone.',
    )
    expect((await it.cli(['plan', '--check'])).code).toBe(0)
  })

  test('check lists the tables that nobody tracks, with 1', async () => {
    expect(await it.cli(['check'])).toMatchObject({ code: 0, stdout: '' })
    await database.query('create table forgotten (id integer)')
    expect(await it.cli(['check'])).toMatchObject({ code: 1, stdout: 'public.forgotten\n' })
    const { stdout } = await it.cli(['check', '--json'])
    expect(JSON.parse(stdout)).toEqual(['public.forgotten'])
  })

  test('generate-trigger records one table, or prints the SQL, also without a database', async () => {
    const offline = project()
    const args = ['generate-trigger', 'forgotten', '--only', 'id', '--require-context', 'actor']
    const { stdout } = await offline.cli([...args, '--dry-run'])
    expect(stdout).toBe(
      `SELECT "auditrum".track('"forgotten"', '{"only":["id"],"requireContext":"actor"}', 'default');\n`,
    )
    expect(await it.cli(args)).toMatchObject({ code: 0, stderr: 'forgotten is recorded now.\n' })
    await expect(database.query('insert into forgotten values (1)')).rejects.toMatchObject({
      code: 'AU001',
    })
    const mistyped = await it.cli(['generate-trigger', 'forgoten'])
    expect(mistyped).toMatchObject({ code: 2, stdout: '' })
    expect(mistyped.stderr).toContain('forgotten')
  })

  test('make-migration writes a file that the tool runs, and none over another', async () => {
    await database.query('create table invoices (id integer primary key)')
    const declared = { AUDITRUM: '' }
    const other = project({
      '.env': `DATABASE_URL=${database.url}`,
      'auditrum.config.json': '{"app": "billing", "tables": ["invoices"]}',
    })
    const made = await other.cli(['make-migration', '--for', 'knex', '--name', 'Audit invoices'])
    expect(made.stderr).toBe('')
    const [file] = readdirSync(join(other.folder, 'migrations'))
    expect(file).toMatch(/^\d{14}_audit_invoices\.js$/)
    expect(made.stdout).toBe(`migrations/${file}\n`)
    const two = await other.cli(['make-migration', '--for', 'sql', '--output', 'invoices.sql'])
    expect(two).toMatchObject({ code: 2 })
    const args = ['make-migration', '--for', 'sequelize', '--output', 'one.js', '--json']
    expect(JSON.parse((await other.cli(args, declared)).stdout)).toEqual(['one.js'])
    const refused = await other.cli(args)
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('one.js exists') })
    expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: 'AUDITRUM_USAGE' } })
    expect(existsSync(join(other.folder, 'one.js'))).toBe(true)
  })

  test('create-partitions and maintain make partitions ahead', async () => {
    const { stdout } = await it.cli(['create-partitions', '--months', '5'])
    expect(stdout.trim().split('\n')).toHaveLength(4)
    expect(await it.cli(['create-partitions', '--months', '5'])).toMatchObject({
      code: 0,
      stdout: '',
      stderr: 'All are there; behind them maintain will make them by month.\n',
    })
    for (const months of ['five', '0'])
      expect((await it.cli(['create-partitions', '--months', months])).code).toBe(2)
    await database.query('alter table customers add column phone text')
    expect((await it.cli(['maintain'])).stdout).toBe('other columns public.customers\n')
    expect(JSON.parse((await it.cli(['maintain', '--json'])).stdout)).toEqual({
      partitions: [],
      shapes: [],
    })
  })

  test('purge counts what would go, deletes it, and refuses what is no time', async () => {
    await database.query(`insert into customers (id) values (1)`)
    await database.query(
      `update auditrum.audit_event set changed_at = changed_at - interval '3 years' where table_id = 1`,
    )
    const args = ['purge', '--older-than', '2 years']
    const { stdout, stderr } = await it.cli([...args, '--dry-run'])
    expect(stdout).toMatch(/^public\.customers until 20.*: \d+ events?\n$/)
    expect(stderr).toMatch(/^\d+ events? and 0 contexts, \d+ k?B would go\.\n$/)
    const due = `update auditrum.audit_table set declaration = declaration`
    await database.query(`${due} || '{"retention": "2 years"}' where table_name = 'customers'`)
    expect((await it.cli(['maintain', '--dry-run'])).stdout).toMatch(
      /^-- public\.customers until 20.*: \d+ events?\n-- \d+ events? and 0 contexts, .* would go\.\nCALL "auditrum"\.run_maintenance\(\);\n$/,
    )
    await database.query(`${due} - 'retention' where table_name = 'customers'`)
    const gone = await it.cli([...args, '--reason', 'article 5', '--json'])
    expect(JSON.parse(gone.stdout)).toMatchObject({ tables: [{ table: 'public.customers' }] })
    const { rows } = await database.query('select change_reason, events from auditrum.purges')
    expect(rows).toEqual([
      { change_reason: 'article 5', events: String(JSON.parse(gone.stdout).events) },
    ])
    expect(await it.cli(args)).toMatchObject({ code: 0, stderr: 'Nothing is that old.\n' })
    for (const wrong of [
      ['--older-than', '6m'],
      ['--older-than', '1'],
      ['--older-than', '-1 day'],
      [],
    ]) {
      expect(await it.cli(['purge', ...wrong])).toMatchObject({ code: 2, stdout: '' })
    }
  })

  test('status tells what is kept for ever from what goes by the next purge', async () => {
    await database.query(`create table ledger (id int primary key)`)
    await database.query(`select auditrum.track('ledger', '{"retention": "forever"}')`)
    const { stdout } = await it.cli(['status'])
    expect(stdout).toMatch(/public\.ledger .* forever\b/)
    expect(stdout).toMatch(/public\.customers .* until purged/)
    await database.query('drop table ledger')
  })

  test('what changes something shows its SQL first', async () => {
    for (const [line, sql] of [
      ['create-partitions --months 2', 'SELECT "auditrum".create_partitions(2);\n'],
      ['create-partitions --weeks 9', `SELECT "auditrum".create_partitions(9, 'week');\n`],
      ['maintain', 'CALL "auditrum".run_maintenance();\n'],
      ['backfill orders', `SELECT "auditrum".backfill('"orders"');\n`],
    ]) {
      expect(await it.shell(`auditrum ${line} --dry-run`)).toMatchObject({ code: 0, stdout: sql })
      await expect(database.query(String(sql))).resolves.toBeDefined()
    }
  })

  test('status finds what was broken behind its back, with 1', async () => {
    expect(await it.cli(['status'])).toMatchObject({ code: 0 })
    await database.query('alter table customers disable trigger user')
    const { code, stdout } = await it.cli(['status', '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ ok: false })
    expect(JSON.parse(stdout).findings).toContainEqual(
      expect.objectContaining({ code: 'trigger_disabled', table: 'public.customers' }),
    )
    const told = (await it.cli(['status'])).stdout
    expect(told).toMatch(/error.*disabled[\s\S]*not recorded\.[\s\S]*\$ auditrum sync/)
    await database.query('alter table customers enable trigger user')
    // what only warns fails where that is asked for
    await database.query('select auditrum.allow_pausing()')
    expect(await it.cli(['status'])).toMatchObject({ code: 0 })
    expect(await it.cli(['status', '--fail-on', 'warning'])).toMatchObject({ code: 1 })
    await database.query('select auditrum.allow_pausing(false)')
  })

  test('status tells how far the log is sealed', async () => {
    await it.cli(['enable-hash-chain'])
    await database.query('insert into customers (id) values (88)')
    expect((await it.cli(['status'])).stdout).toMatch(
      /^The chain has 1 entry, no block yet; the oldest event that is not sealed is \d+ seconds? old\.$/m,
    )
    await it.cli(['seal'])
    expect((await it.cli(['status'])).stdout).toMatch(
      /^The chain has 2 entries, the last block at \S+ \S+Z; no event waits to be sealed\.$/m,
    )
  })
})

describe('a shop', async () => {
  let it: Shop
  beforeAll(async () => {
    it = await shop()
  })

  test('suggest tells what takes the room', async () => {
    const { code, stdout, stderr } = await it.cli(['suggest'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/public\.orders/)
    expect(stderr).toMatch(/This is a guess: it was told from \d+ events of less than a day\./)
    expect(JSON.parse((await it.cli(['suggest', '--json'])).stdout)).toHaveProperty('suggestions')
  })

  test('blame says who, when and why, for a column of a row', async () => {
    const { code, stdout } = await it.cli(['blame', 'orders', '42', 'status'])
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^\d+ \(bob \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z update\) status: paid {2}# Payment received\n$/,
    )
  })

  test('blame of a row that the log does not know is 1, of a table that is none 3', async () => {
    expect(await it.cli(['blame', 'orders', '1'])).toMatchObject({ code: 1, stdout: '' })
    const { code, stdout, stderr } = await it.cli(['blame', 'order', '42'])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('orders')
  })

  test('a composite key is JSON', async () => {
    const { stdout } = await it.cli(['blame', 'order_items', '[42, 2]', 'article'])
    expect(stdout).toContain('article: Cups')
    const byName = await it.cli([
      'blame',
      'order_items',
      '{"order_id": "42", "position": 2}',
      'article',
    ])
    expect(byName.stdout).toBe(stdout)
  })

  test('history filters, pages, and ends its lines with the reason', async () => {
    const ids = async (...args: readonly string[]) => {
      const { stdout } = await it.cli(['history', ...args, '--json'])
      return stdout
        .split('\n')
        .filter(Boolean)
        .map((line) => Number(JSON.parse(line).id))
    }
    expect(await ids()).toHaveLength(5)
    expect(await ids('--user', 'bob')).toHaveLength(1)
    expect(await ids('orders', '42')).toHaveLength(2)
    expect(await ids('orders', '--operation', 'insert', '--since', '1 hour ago')).toHaveLength(1)
    expect(await ids('--until', 'yesterday')).toHaveLength(0)
    const first = await ids('--limit', '2')
    const rest = await ids('--after', String(first[1]))
    expect([...first, ...rest]).toEqual(await ids())
    const page = await it.cli(['history', '--limit', '1'])
    expect(page.stdout).toMatch(
      / bob update orders 42 "2026-118" status: new -> paid {2}# Payment received\n$/,
    )
    expect(page.stderr).toContain(`--after ${first[0]}`)
  })

  test('a time that is none is refused with what to write instead', async () => {
    const { code, stderr } = await it.cli(['history', '--since', 'soon'])
    expect(code).toBe(2)
    expect(stderr).toContain('2 hours ago')
  })

  test('as-of prints a row and a table as they were', async () => {
    const { events } = await it.audit.page({ table: 'orders', operation: 'insert' })
    const before = `event:${events[0]?.id}`
    const row = await it.cli(['as-of', 'orders', before, '--id', '42'])
    expect(JSON.parse(row.stdout)).toEqual({
      id: 42,
      customer_id: 7,
      number: '2026-118',
      status: 'new',
      total: '39.80',
    })
    const table = await it.cli(['as-of', 'orders', before])
    expect(JSON.parse(table.stdout)).toEqual([JSON.parse(row.stdout)])
    const csv = await it.cli(['as-of', 'orders', 'now', '--format', 'csv'])
    expect(csv.stdout).toBe('id,customer_id,number,status,total\r\n42,7,2026-118,paid,39.80\r\n')
    const lines = await it.cli(['as-of', 'order_items', 'now', '--format', 'jsonl', '--limit', '1'])
    expect(lines.stdout).toBe('{"order_id":42,"position":1,"article":"Tea"}\n')
    expect(lines.stderr).toContain('--limit')
  })

  test('as-of says on stderr what the log does not know, and is 1 without a row', async () => {
    const { code, stdout, stderr } = await it.cli(['as-of', 'orders', 'yesterday', '--id', '42'])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain('Not all of this is known')
  })

  test('compare says what differs, in a table and in a row', async () => {
    const { events } = await it.audit.page({ table: 'orders', operation: 'insert' })
    const before = `event:${Number(events[0]?.id)}`
    expect((await it.cli(['compare', 'orders', before])).stdout).toBe(
      'update orders 42 status: new -> paid\n',
    )
    const row = await it.cli(['compare', 'orders', before, '--id', '42', '--json'])
    expect(JSON.parse(row.stdout)).toEqual({
      changes: { status: { from: 'new', to: 'paid' } },
      complete: true,
    })
    expect(await it.cli(['compare', 'orders', before, before])).toMatchObject({
      stdout: '',
      stderr: 'Nothing differs.\n',
    })
    const future = await it.cli(['as-of', 'orders', '2999-01-01', '--id', '42'])
    expect(future.stderr).toContain('is to come: this is now')
  })

  test('values are exact: large numbers, microseconds, bytes, JSON', async () => {
    await it.database.query(`
      create table samples (
        id bigint primary key, amount numeric, at timestamptz, local timestamp, day date, bytes bytea,
        document jsonb, tags text[], times timestamptz[], span interval, flag boolean, ratio float8
      );
      select auditrum.track('samples', '{}');
      insert into samples values (
        9007199254740993, 12345678901234567890.1234567890, '2026-11-01 12:00:00.123456+01',
        '2026-11-01 12:00:00.123456', '2026-11-01', '\\xdeadbeef',
        '{"big": 12345678901234567890, "small": 0.1}', '{a,NULL,"b c"}', '{"2026-11-01 12:00:00.123456+01"}',
        '1 day 02:00', true, 0.1
      )`)
    const { stdout } = await it.cli(['as-of', 'samples', 'now', '--format', 'jsonl'])
    expect(stdout).toBe(
      '{"id":"9007199254740993","amount":"12345678901234567890.1234567890","at":"2026-11-01T11:00:00.123456Z","local":"2026-11-01 12:00:00.123456","day":"2026-11-01","bytes":"\\\\xdeadbeef","document":{"big":12345678901234567890,"small":0.1},"tags":["a",null,"b c"],"times":["2026-11-01T11:00:00.123456Z"],"span":"1 day 02:00:00","flag":true,"ratio":0.1}\n',
    )
  })
})

describe('an undo', async () => {
  let it: Shop
  beforeAll(async () => {
    it = await shop()
  })
  const present = async () => {
    const { rows } = await it.database.query('select status, total from orders where id = 42')
    return rows[0]
  }
  const payment = async () => {
    const { events } = await it.audit.page({ table: 'orders', column: 'status', limit: 1 })
    return events[0]?.id ?? ''
  }

  test('--dry-run prints SQL that does it as it is, with the reason', async () => {
    const event = await payment()
    const { code, stdout } = await it.cli(['revert', event, '--dry-run', '--reason', 'ticket 881'])
    expect(code).toBe(0)
    expect(await present()).toMatchObject({ status: 'paid' })
    await it.cli(['revert', event, '--output', 'undo.sql', '--reason', 'ticket 881'])
    expect(readFileSync(join(it.folder, 'undo.sql'), 'utf8')).toBe(stdout)
    const client = await it.database.client()
    await client.query(stdout)
    expect(await present()).toMatchObject({ status: 'new' })
    const { events } = await it.audit.page({ table: 'orders', limit: 1 })
    expect(events[0]).toMatchObject({
      source: 'cli',
      changeReason: `ticket 881 -> revert of event ${event}`,
    })
  })

  test('gives the row back, and says who did it and why', async () => {
    await it.pool.query(`update orders set status = 'paid' where id = 42`)
    const event = await payment()
    const { code, stdout, stderr } = await it.cli(['revert', event, '--user', '7'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '1 of 1 row undone.\n' })
    expect(stdout).toMatch(/done {2}update orders 42 {2}status/)
    expect(await present()).toMatchObject({ status: 'new' })
    const { events } = await it.audit.page({ table: 'orders', limit: 1 })
    expect(events[0]).toMatchObject({ userId: '7', changeReason: `revert of event ${event}` })
    expect(events[0]?.context?.metadata).toHaveProperty('username')
  })

  test('what was changed since is listed beside what it would be, with 1, and stays', async () => {
    await it.pool.query(`update orders set status = 'shipped' where id = 42`)
    const event = await payment()
    await withContext({ user_id: 'carl', change_reason: 'Came back' }, () =>
      it.pool.query(`update orders set status = 'returned' where id = 42`),
    )
    const refused = await it.cli(['revert', event])
    expect(refused.code).toBe(1)
    expect(refused.stdout).toMatch(/status +shipped +returned +new +carl, .*: Came back/)
    expect(refused.stderr).toContain('Nothing was undone')
    const { stdout } = await it.cli(['revert', event, '--json'])
    expect(JSON.parse(stdout).conflicts).toMatchObject([
      { column: 'status', expected: 'shipped', present: 'returned', wanted: 'new' },
    ])
    const skipped = await it.cli(['revert', event, '--on-conflict', 'skip'])
    expect(skipped).toMatchObject({ code: 0, stderr: '0 of 1 row undone.\n' })
    expect(await present()).toMatchObject({ status: 'returned' })
    const forced = await it.cli(['revert', event, '--on-conflict', 'force'])
    expect(forced.code).toBe(0)
    expect(await present()).toMatchObject({ status: 'new' })
  })

  test('of a request; an id that clients chose twice is refused', async () => {
    await withContext({ request_id: 'one' }, () => it.pool.query('update orders set total = 1'))
    expect((await it.cli(['revert', '--request', 'one'])).code).toBe(0)
    expect(await present()).toMatchObject({ total: '39.80' })
    for (const total of [2, 3]) {
      await withContext({ request_id: 'twice' }, () =>
        it.pool.query('update orders set total = $1', [total]),
      )
    }
    const { code, stderr } = await it.cli(['revert', '--request', 'twice'])
    expect(code).toBe(1)
    expect(stderr.match(/[0-9a-f]{8}-/g)).toHaveLength(2)
  })

  test('of what is not there, or of several things, is refused', async () => {
    expect(await it.cli(['revert', '999999'])).toMatchObject({ code: 2, stdout: '' })
    expect(await it.cli(['revert', '1', '--transaction', '2'])).toMatchObject({ code: 2 })
    expect(await it.cli(['revert', 'one'])).toMatchObject({ code: 2 })
  })
})

describe('an undo that is refused', async () => {
  let it: Shop
  let event: string
  beforeAll(async () => {
    it = await shop()
    const { events } = await it.audit.page({ table: 'orders', column: 'status', limit: 1 })
    event = events[0]?.id ?? ''
    await withContext({ user_id: 'carl\u001b[31m\nX' }, () =>
      it.pool.query(`update orders set status = 'returned' where id = 42`),
    )
  })

  test('is so in a dry run, which writes no script', async () => {
    for (const option of ['--dry-run', '--output=undo.sql']) {
      const { code, stderr } = await it.cli(['revert', event, option])
      expect(code).toBe(1)
      expect(stderr).toContain('Nothing would be undone')
    }
    expect(existsSync(join(it.folder, 'undo.sql'))).toBe(false)
  })

  test('says why in one line, in the words of the command line', async () => {
    const { stderr } = await it.cli(['revert', event])
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(stderr).toContain('--on-conflict skip')
    expect(stderr).not.toContain('onConflict')
  })

  test('is JSON with --json, also where there is nothing to compare', async () => {
    await it.database.query(`
      create table keyless (v integer);
      select auditrum.track('keyless', '{}');
      insert into keyless values (1)`)
    const { events } = await it.audit.page({ limit: 1 })
    const { code, stdout } = await it.cli(['revert', String(events[0]?.id), '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ conflicts: [], message: expect.any(String) })
  })

  test('names who changed it, not itself, where it is forced', async () => {
    const { stdout } = await it.cli(['revert', event, '--on-conflict', 'force', '--json'])
    expect(JSON.parse(stdout).conflicts).toMatchObject([
      { present: 'returned', changedBy: { userId: 'carl\u001b[31m\nX' } },
    ])
  })
})

test('an undo that is interrupted while it waits is not done later', async () => {
  const it = await shop()
  const { events } = await it.audit.page({ table: 'orders', column: 'status', limit: 1 })
  const other = await it.database.client()
  await other.query('begin; select from orders where id = 42 for update')
  const undo = it.shell(`auditrum revert ${events[0]?.id} & echo $! > pid; wait $!`)
  await lockWait(it.database)
  await it.shell('kill -INT $(cat pid)')
  const { code, stderr } = await undo
  expect({ code, stderr }).toEqual({
    code: 130,
    stderr: 'auditrum: Interrupted: what was under way is cancelled.\n',
  })
  await other.query('commit')
  // behind whoever has waited longer
  await other.query('begin; lock orders in exclusive mode; commit')
  const { rows } = await it.pool.query('select status from orders where id = 42')
  expect(rows).toEqual([{ status: 'paid' }])
})

test.each([
  ['revert 5 --output nowhere/undo.sql', 'nowhere/undo.sql'],
  ['init-schema --output /', '/'],
])('%s: a file that cannot be written is the mistake of who named it', async (line, path) => {
  const it = await shop()
  const { code, stderr } = await it.shell(`auditrum ${line}`)
  expect(code).toBe(2)
  expect(stderr).toMatch(/^auditrum: .* cannot be read or written: E[A-Z]+: .*\n$/m)
  expect(stderr).toContain(path)
})

describe('rows of which the log does not know all', async () => {
  let it: Shop
  beforeAll(async () => {
    it = await shop()
    await it.database.query(`
      create table people (id integer primary key, secret text, name text, ratio float8);
      select auditrum.track('people', '{"exclude": ["secret"]}');
      insert into people values (1, 'hidden', 'Ann', 'NaN'), (2, 'hidden', 'Bob', '-Infinity');
      delete from people`)
  })

  test('keep their columns in place', async () => {
    const { events } = await it.audit.page({ table: 'people', operation: 'insert', limit: 1 })
    const before = `event:${events[0]?.id}`
    const csv = await it.cli(['as-of', 'people', before, '--format', 'csv'])
    expect(csv.stdout).toBe('id,secret,name,ratio\r\n1,,Ann,NaN\r\n2,,Bob,-Infinity\r\n')
    const table = await it.cli(['as-of', 'people', before, '--format', 'table'])
    expect(table.stdout).toMatch(/1 +\? +Ann +NaN/)
    const lines = await it.cli(['as-of', 'people', before, '--format', 'jsonl'])
    expect(lines.stdout.split('\n')[0]).toBe('{"id":1,"name":"Ann","ratio":"NaN"}')
  })

  test('numbers that JSON has no words for are said', async () => {
    const { stdout } = await it.cli(['history', 'people', '2', '--operation', 'insert'])
    expect(stdout).toContain('ratio: -Infinity')
    const json = await it.cli(['history', 'people', '1', '--operation', 'insert', '--json'])
    expect(JSON.parse(json.stdout).new).toMatchObject({ ratio: 'NaN' })
  })
})

describe('labels and net changes', async () => {
  let it: Shop
  beforeAll(async () => {
    it = await shop()
    await withContext({ request_id: 'r7', user_id: 'dora' }, async () => {
      await it.pool.query(`insert into customers values (8, 'Initech', null)`)
      await it.pool.query(`update orders set status = 'held', customer_id = 8`)
      await it.pool.query(`update orders set status = 'paid'`)
    })
  })

  test('rows are called by their labels', async () => {
    const { stdout } = await it.cli(['blame', 'orders', '42', '--format', 'rich'])
    expect(stdout).toMatch(/^orders 42 "2026-118"\n/)
    expect(stdout).toMatch(/customer_id +8 \(Initech\)/)
    const events = await it.cli(['history', 'orders', '--limit', '2'])
    expect(events.stdout).toContain('update orders 42 "2026-118" ')
    expect(events.stdout).toContain('customer_id: 7 (ACME) -> 8 (Initech)')
  })

  test('of a request, history says what came of it; --events says each event', async () => {
    const net = await it.cli(['history', '--request', 'r7'])
    const lines = net.stdout.trim().split('\n')
    expect(lines).toHaveLength(2)
    expect(lines[1]).toMatch(
      / dora update orders 42 "2026-118" customer_id: 7 \(ACME\) -> 8 \(Initech\)$/,
    )
    expect(net.stderr).toContain('--events')
    const events = await it.cli(['history', '--request', 'r7', '--events'])
    expect(events.stdout.trim().split('\n')).toHaveLength(3)
    const rich = await it.cli(['history', '--request', 'r7', '--format', 'rich'])
    expect(rich.stdout).toContain('update orders 42 "2026-118"  2 events\n')
    // asked for more than a whole request, it says events
    const filtered = await it.cli(['history', '--request', 'r7', '--operation', 'insert'])
    expect(filtered.stdout.trim().split('\n')).toHaveLength(1)
    expect(await it.cli(['history', '--request', 'none'])).toMatchObject({ code: 1, stdout: '' })
  })

  test('backfill records what was there before, once', async () => {
    await it.database.query(
      `create table old (id integer primary key); insert into old values (1), (2)`,
    )
    await it.cli(['generate-trigger', 'old'])
    expect((await it.cli(['backfill', 'old', '--reason', 'as found'])).stderr).toBe(
      '2 rows of old recorded.\n',
    )
    expect((await it.cli(['backfill', 'old', '--json'])).stdout).toBe('{\n  "recorded": 0\n}\n')
    const { events } = await it.audit.page({ table: 'old' })
    expect(events.map(({ operation, changeReason }) => [operation, changeReason])).toEqual([
      ['snapshot', 'as found'],
      ['snapshot', 'as found'],
    ])
  })

  test('verify-tables is fine, or names the rows that were changed unrecorded, with 1', async () => {
    expect(await it.cli(['verify-tables', 'orders'])).toMatchObject({
      code: 0,
      stdout: 'public.orders  ok  1 row\n',
    })
    await it.database.query(`begin; set local session_replication_role = replica;
      update orders set status = 'lost'; insert into order_items values (42, 3, 'Pot'); commit`)
    const { code, stdout } = await it.cli(['verify-tables'])
    expect(code).toBe(1)
    expect(stdout).toMatch(/^ {2}public\.orders 42 was updated unrecorded \(status\) after 20.*Z$/m)
    expect(stdout).toMatch(/^ {2}public\.order_items \[42, 3\] was inserted unrecorded$/m)
  })

  test('verify-tables --accept has the log take note of them, for a reason', async () => {
    const { stderr } = await it.cli(['verify-tables', 'orders'])
    const remedy = 'auditrum verify-tables public.orders --accept --reason'
    expect(stderr).toContain(remedy)
    for (const given of [
      ['--accept', '--reason', 'x'],
      ['orders', '--accept'],
    ])
      expect(await it.cli(['verify-tables', ...given])).toMatchObject({ code: 2 })
    const accept = ['--accept', '--reason', 'the crash of Monday', '--user', 'ana']
    expect(await it.cli(['verify-tables', 'orders', ...accept])).toMatchObject({
      code: 0,
      stderr: '1 change of public.orders noted as found: 0 inserted, 1 updated, 0 deleted.\n',
    })
    expect(await it.cli(['verify-tables', 'orders'])).toMatchObject({ code: 0, stderr: '' })
    const blamed = await it.cli(['blame', 'orders', '42', 'status'])
    expect(blamed.stdout).toContain('ana')
    expect(blamed.stdout).toContain('found changed outside of the log: the crash of Monday')
  })
})
