import { randomInt } from 'node:crypto'
import { expect, test } from 'vitest'
import { render } from '../../src/sql/template.js'
import { canonical, type StoredEvent } from '../../src/trust/canonical.js'
import { leafHash } from '../../src/trust/merkle.js'
import { auditedDatabase } from '../support.js'

/** Events as the tables hold them: what is easily written in two ways. */
const events = `
insert into auditrum.audit_context (id, transaction_id, txid, started_at, uuid, root_uuid, user_id, application_name, client_addr, metadata, context_error) values
  (1, 1, '7', '2026-11-25 12:34:56.123456+05:30', '00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002',
    E'J\\u00f6rg "\\\\" \\u2028 \\u0001\\u001f\\u007f', 'app', '10.0.0.7', '{"b": 1.50, "a": [1, {"c": null}], "\\u00e9": "\\u2029"}', null),
  (2, 1, '7', '1970-01-01 00:00:00+00', '00000000-0000-4000-8000-000000000003', '00000000-0000-4000-8000-000000000003', null, '', null, null, 'no JSON'),
  (3, 3, '18446744073709551615', '9999-12-31 23:59:59.999999+00', '00000000-0000-4000-8000-000000000004', '00000000-0000-4000-8000-000000000004', '', null, '2001:db8::/32', '{}', E'\\b\\f\\n\\r\\t');
insert into auditrum.audit_event (id, changed_at, txid, context_id, table_id, operation, image, lossy, object_id, old_object_id, old, new, meta, masked, drift, redacted, db_user, salt) values
  (1, '2026-11-25 12:34:56.123457+00', '7', 1, 1, 'U', 'f', null, '42', '41', '{"total": 1.0}', '{"total": 1.00, "note": "\\u00e9\\n"}', '{"tenant": "x"}', '{card,"a b"}', null, null, 'shop', '\\x00ff00ff00ff00ff00ff00ff00ff00ff'),
  (2, '1969-12-31 23:59:59.999999+00', '7', 2, 1, 'I', 'c', true, '["a", 1]', null, null, '{"n": 123456789012345678901234567890.123456789, "e": 1e-7}', null, null, '{gone}', '{email,note}', 'o''hara', '\\x01'),
  (3, '0001-01-01 00:00:00+00 BC', '18446744073709551615', 3, 2147483647, 'D', 'k', false, E'\\u0001"\\\\', null, '{"k": "\\ud83d\\ude00", "z": [], "y": {}}', null, null, '{}', null, null, 'shop', null),
  (4, 'infinity', '8', 1, 1, 'T', 'f', null, null, null, null, null, null, null, null, null, 'shop', null),
  (9223372036854775807, '2026-11-25 12:00:00+00', '8', -1, 1, 'S', 'f', null, '', null, null, 'null', '[]', '{"\\"q\\""}', '{NULL}', null, '', '\\x');
`

/** What a session may have set. */
const settings = [
  "set TimeZone = 'Asia/Kolkata'",
  "set DateStyle = 'German'",
  "set IntervalStyle = 'iso_8601'",
  'set extra_float_digits = -10',
  "set bytea_output = 'escape'",
  'set standard_conforming_strings = off',
  'set quote_all_identifiers = on',
  "set xmlbinary = 'hex'",
  'set search_path = pg_temp',
]

const asked = `
select event.id::text, auditrum.canonical_event(event, context) as canonical, encode(auditrum.event_leaf(event, context), 'hex') as leaf
from auditrum.audit_event as event
left join auditrum.audit_context as context on context.id = event.context_id and context.txid = event.txid
order by event.id`

test('the form that is hashed is frozen, whatever a session has set, on every version', async () => {
  const { query, client } = await auditedDatabase()
  await query(events)
  const plain = (await query(asked)).rows
  const session = await client()
  for (const setting of settings) await session.query(setting)
  expect((await session.query(asked)).rows).toEqual(plain)
  const vectors = `${JSON.stringify(plain, null, 2)}\n`
  await expect(vectors).toMatchFileSnapshot('../fixtures/canonical-1.json')
})

test('it is made again without the database’s functions, of anything that it can hold', async () => {
  const { query } = await auditedDatabase()
  await query(events)
  const values = Array.from({ length: 500 }, () => text())
  await query(
    `insert into auditrum.audit_context (id, transaction_id, txid, started_at, uuid, root_uuid, user_id, application_name, metadata, context_error)
    select 1000 + place, 1000, '9', now(), gen_random_uuid(), gen_random_uuid(), value, value, jsonb_build_object(value, value), value
    from unnest($1::text[]) with ordinality as own (value, place)`,
    [values],
  )
  await query(
    `insert into auditrum.audit_event (id, changed_at, txid, context_id, table_id, operation, image, object_id, old_object_id, old, new, masked, drift, db_user, salt)
    select 1000 + place, now() - place * interval '1 microsecond', '9', 1000 + place, 1, 'U', 'f', value, value,
      jsonb_build_object(value, random() * 10 ^ (place - 250)), jsonb_build_array(value, place, null, true), array[value, 'x'], array[value], value, convert_to(value, 'UTF8')
    from unnest($1::text[]) with ordinality as own (value, place)`,
    [values],
  )
  const own = new Map<string, { canonical: string; leaf: string }>()
  const stored = await query<StoredEvent & Record<string, unknown>>(
    render('read/stored_events', 'auditrum'),
    ['-1', '9223372036854775807', 'true'],
  )
  for (const event of stored.rows) {
    const form = canonical(event)
    own.set(event.id, { canonical: form, leaf: leafHash(form).toString('hex') })
  }
  const { rows } = await query<{ id: string; canonical: string; leaf: string }>(asked)
  expect(rows).toHaveLength(505)
  for (const { id, ...theirs } of rows) {
    expect(own.get(id)).toEqual(theirs)
    expect(() => JSON.parse(theirs.canonical)).not.toThrow()
  }
})

/** Anything but NUL and halves of surrogate pairs, which PostgreSQL does not store; mostly what is escaped. */
function text(): string {
  const points = Array.from({ length: randomInt(1, 12) }, () => {
    const kind = randomInt(4)
    if (kind === 0) return randomInt(1, 0x80)
    if (kind === 1) return randomInt(0x80, 0x3000)
    return kind === 2 ? randomInt(0xe000, 0x10000) : randomInt(0x10000, 0x110000)
  })
  return String.fromCodePoint(...points)
}
