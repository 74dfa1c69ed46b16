import { schemaSql, track, trackingSql } from '@auditrum/core'
import type { Server } from '@auditrum/testkit'
import pg from 'pg'

/** How many events in how many months. */
export interface Size {
  readonly events: number
  readonly months: number
}

/**
 * A large log, written straight into its partitions: six of ten events are of `orders`, twelve to a row
 * over all months; three of `items`, ten to a row; one of `counters`, a hundred rows that change all the
 * time. Each third event has a context of its own. A database of that size that is there already is
 * used again, with the functions of now.
 *
 * @returns the address of the database.
 */
export async function largeLog(server: Server, { events, months }: Size): Promise<string> {
  const name = `scale_${events}_${months}`
  const admin = new pg.Client(server.url())
  await admin.connect()
  const { rowCount } = await admin.query('select from pg_database where datname = $1', [name])
  if (rowCount === 0) await admin.query(`create database ${name}`)
  await admin.end()
  const client = new pg.Client(server.url(name))
  await client.connect()
  try {
    await client.query(
      `set client_min_messages = warning; set synchronous_commit = off; set timezone = 'UTC'`,
    )
    await client.query(schemaSql())
    if (rowCount === 0) await fill(client, events, months)
  } finally {
    await client.end()
  }
  return server.url(name)
}

const tables = [
  { name: 'orders', share: 6, first: 0, perRow: 12 },
  { name: 'items', share: 3, first: 6, perRow: 10 },
  { name: 'counters', share: 1, first: 9, perRow: undefined },
] as const

async function fill(client: pg.Client, events: number, months: number): Promise<void> {
  const image = (row: string, version: string) => `jsonb_build_object(
    'id', ${row}, 'customer_id', ${row} % 1000, 'status', 'status ' || ${version} % 5, 'total', ${version} * 1.25,
    'note', 'a note about the order that is neither short nor long', 'updated_at', '2026-11-01T12:00:00+00:00')`
  const numbers: string[] = []
  for (const { name, share, first, perRow } of tables) {
    const own = Math.floor((events * share) / 10)
    const rows = perRow === undefined ? 100 : Math.floor(own / perRow)
    const last = Math.floor((own - 1) / rows)
    await client.query(`
      create table ${name} (id bigint primary key, customer_id int, status text, total numeric, note text, updated_at timestamptz);
      insert into ${name} select (jsonb_populate_record(null::${name}, ${image('n', String(last))})).* from generate_series(1, ${rows}) as n;
      ${trackingSql(track(name))}`)
    // the own-th event of a table is one of the row own * 7919 % rows
    numbers.push(`(${first}, ${share}, ${rows}, '${name}')`)
  }
  const [{ start, now }] = (
    await client.query(
      `select now()::text, (date_trunc('month', now()) - interval '${months - 1} months')::text as start`,
    )
  ).rows
  await client.query(`
    update auditrum.audit_table set tracked = tstzmultirange(tstzrange('${start}', null));
    update auditrum.audit_shape set valid_from = '${start}'`)

  for (const log of ['audit_context', 'audit_event']) {
    const { rows } = await client.query(
      `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'auditrum.${log}'::regclass`,
    )
    for (const { name } of rows) {
      await client.query(`alter table auditrum.${log} detach partition ${name}; drop table ${name}`)
    }
  }
  for (let month = 0; month < months; month++) {
    const from = Math.floor((events * month) / months)
    const to = Math.floor((events * (month + 1)) / months)
    const begin = `('${start}'::timestamptz + interval '${month} months')`
    const end = `('${start}'::timestamptz + interval '${month + 1} months')`
    // up to now in the present month
    const span = `(least(${end}, '${now}') - ${begin})`
    const at = (n: string) => `(${begin} + ${span} * ((${n} - ${from})::float8 / ${to - from}))`
    const context = (n: string) =>
      `(((extract(epoch from ${at(n)}) * 1000)::bigint << 20) | (${n} % 1048576))`
    const txid = (n: string) => `(3 + ${n} % 500)::text::xid8`
    // of a transaction; one that begins in the month before has its context in this one
    const firstOfThree = `greatest(n / 3 * 3, (${from} + 2) / 3 * 3)`
    const { rows } = await client.query(
      `select to_char(${begin} at time zone 'UTC', 'YYYY_MM') as suffix, ${begin}::text as begin, ${end}::text as end`,
    )
    const [{ suffix, begin: lower, end: upper }] = rows
    const partition = (log: string) => `auditrum.${log}_${suffix}`
    for (const log of ['audit_context', 'audit_event']) {
      await client.query(
        `create table ${partition(log)} (like auditrum.${log} including defaults including constraints)`,
      )
    }
    await client.query(`
      insert into ${partition('audit_context')}
        (id, transaction_id, txid, started_at, uuid, root_uuid, user_id, application_name, client_addr, metadata)
      select id, id, ${txid('n')}, at, id_text::uuid, id_text::uuid, 'user-' || (n / 3) % 2000, 'web', '10.0.0.1',
        jsonb_build_object('user_id', 'user-' || (n / 3) % 2000, 'source', 'web', 'change_reason', 'bench', 'request_id', id_text)
      from (
        select n, ${at('n')} as at, ${context('n')} as id, md5(n::text) as id_text
        from generate_series((${from} + 2) / 3 * 3, ${to - 1}, 3) as n
      ) as context`)
    await client.query(`
      insert into ${partition('audit_event')}
        (id, changed_at, txid, context_id, table_id, operation, image, object_id, old, new, db_user)
      select n + 1, ${at('n')}, ${txid(firstOfThree)}, ${context(firstOfThree)},
        known.id, case when version = 0 then 'I' else 'U' end, 'f', row::text,
        case when version > 0 then jsonb_build_object('status', 'status ' || (version - 1) % 5, 'total', (version - 1) * 1.25) end,
        ${image('row', 'version')}, 'app'
      from (
        select n, kind.name, 1 + (own * 7919) % kind.rows as row, own / kind.rows as version
        from generate_series(${from}::bigint, ${to - 1}::bigint) as n
        join (values ${numbers.join(', ')}) as kind (first, share, rows, name)
          on n % 10 >= kind.first and n % 10 < kind.first + kind.share
        cross join lateral (select n / 10 * kind.share + n % 10 - kind.first) as counted (own)
      ) as change
      join auditrum.audit_table as known on known.table_name = change.name`)
    for (const log of ['audit_context', 'audit_event']) {
      const bound = (time: string, isOpen: boolean, open: string) =>
        isOpen ? open : `'||quote_literal(auditrum.partition_bound('${log}', '${time}'))||'`
      await client.query(`do $do$ begin
        execute 'alter table auditrum.${log} attach partition ${partition(log)}
          for values from (${bound(lower, month === 0, 'minvalue')}) to (${bound(upper, false, '')})';
        if ${month === months - 1} then
          execute 'create table auditrum.${log}_overflow partition of auditrum.${log}
            for values from (${bound(upper, false, '')}) to (maxvalue)';
        end if;
      end $do$`)
      await client.query(`vacuum (analyze) ${partition(log)}`)
    }
    if (process.stderr.isTTY) process.stderr.write(`\r${month + 1} of ${months} months`)
  }
  await client.query(`select setval('auditrum.audit_event_id_seq', ${events} + 1)`)
  for (const { name } of tables) await client.query(`vacuum (analyze) ${name}`)
}
