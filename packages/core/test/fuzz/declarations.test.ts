import { fuzzRuns, fuzzTimeout } from '@auditrum/testkit/fuzz'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Auditrum, type TrackOptions, track } from '../../src/index.js'
import { auditedDatabase } from '../support.js'
import { type Condition, declared, others, type Row } from './declarations.js'

const database = await auditedDatabase()
const context = `select set_config('auditrum.context', '{"user_id": "anna", "change_reason": "a test"}', true)`

/** Two sentences: what is wrong, and what to do. */
const twoSentences = /^.+[.?] .+[.?]$/s

test('a declaration is refused before anything is written, or what it promises is kept', {
  timeout: fuzzTimeout,
}, async () => {
  let kept = 0
  const runs = fuzzRuns(30, 20)
  await fc.assert(
    fc.asyncProperty(declared, fc.boolean(), async ({ options, condition, isWrong }, composite) => {
      await database.query(`
        drop table if exists t;
        create table t (id integer, part text, a text, b text, "E x" text, doc jsonb, n numeric(6, 2),
          flag boolean, primary key (id${composite ? ', part' : ''}))`)
      const before = await present()
      try {
        await new Auditrum(database, { tables: [track('t', options as TrackOptions)] }).sync()
      } catch (error) {
        expect(error).toMatchObject({ code: 'AUDITRUM_DECLARATION' })
        expect((error as Error).message).toMatch(twoSentences)
        expect(await present()).toEqual(before)
        return
      }
      expect(isWrong).toBe(false)
      kept++
      await keeps(options as TrackOptions, condition, composite ? ['id', 'part'] : ['id'])
    }),
    { numRuns: runs },
  )
  expect(kept).toBeGreaterThan(runs / 10)
})

test('in SQL it is refused with AU002 and a hint, or taken', { timeout: fuzzTimeout }, async () => {
  await database.query('create table s (id integer primary key, a text, b text)')
  const name = fc.constantFrom(
    ...[
      'only',
      'exclude',
      'ignore',
      'mask',
      'meta',
      'when',
      'image',
      'requireContext',
      'label',
      'x',
    ],
  )
  const value = fc.oneof(
    fc.constantFrom<unknown>('a', ['a'], ['b'], ['id'], { insert: 'true' }, 'full', true, 'actor'),
    fc.jsonValue({ maxDepth: 2 }).filter((each) => !JSON.stringify(each).includes('\\u')),
  )
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.dictionary(name, value, { maxKeys: 3 }), value), async (it) => {
      const call = database.query(`select auditrum.track('s', $1)`, [JSON.stringify(it)])
      await call.catch((error: { code?: string; message: string; hint?: string }) => {
        expect(error.code, error.message).toBe('AU002')
        expect(`${error.message} ${error.hint}`).toMatch(twoSentences)
      })
    }),
    { numRuns: fuzzRuns(150, 10) },
  )
})

/** What a declaration that is refused must leave as it was. */
async function present() {
  const { rows } = await database.query(`
    select to_regclass('trap') as trap,
      (select count(*) from auditrum.audit_table) as tables,
      (select count(*) from auditrum.audit_shape) as shapes,
      (select count(*) from pg_proc where pronamespace = 'auditrum'::regnamespace) as functions,
      (select count(*) from pg_trigger where tgrelid = 't'::regclass) as triggers`)
  return rows[0]
}

/** Writes, and compares each event with what was declared. */
async function keeps(options: TrackOptions, condition: Condition | undefined, key: string[]) {
  const first: Row = row('first', 1, false)
  const second: Row = row('second', 2, true)
  if (options.requireContext && condition?.says(null, first) !== false) {
    await expect(write(null, first, '')).rejects.toMatchObject({ code: 'AU001' })
  }
  let now = first
  await expectEvent(null, first)
  for (const column of others) {
    const next = { ...now, [column]: second[column] }
    await expectEvent(now, next)
    now = next
  }
  await expectEvent(now, { ...first, id: 7 })
  await expectEvent({ ...first, id: 7 }, null)

  const secrets = others.filter((column) => {
    const isMeta = options.meta?.includes(column)
    const isOut = options.only && !options.only.includes(column)
    return options.exclude?.includes(column) || options.mask?.includes(column) || (isOut && !isMeta)
  })
  const { rows } = await database.query<{ text: string }>(
    'select event::text as text from auditrum.audit_event as event union all select context::text from auditrum.audit_context as context',
  )
  const log = rows.map(({ text }) => text).join('\n')
  for (const column of secrets.filter((each) => each !== 'flag' && each !== 'n')) {
    expect(log).not.toContain(`of ${column}`)
  }
  await database.query('truncate auditrum.audit_event, auditrum.audit_context')

  async function expectEvent(old: Row | null, next: Row | null) {
    const recorded = await database.recorded(() => write(old, next))
    const expected = eventOf(old, next)
    expect(recorded).toMatchObject(expected ? [expected] : [])
    expect(recorded).toHaveLength(expected ? 1 : 0)
    for (const [image, whole] of [
      ['new_data', recorded[0]?.new_data],
      ['old_data', recorded[0]?.old_data],
    ] as const) {
      if (expected?.[image]) expect(whole).toEqual(expected[image])
    }
  }

  function eventOf(old: Row | null, next: Row | null) {
    const said = condition ? condition.says(old, next) : true
    if (said === false) return undefined
    const recorded = [...key, ...(options.only ?? ['id', 'part', ...others])].filter(
      (column) => !options.exclude?.includes(column) && !options.mask?.includes(column),
    )
    const changed = Object.keys(first).filter((column) => show(old, column) !== show(next, column))
    const masked = (options.mask ?? []).filter((column) => changed.includes(column))
    if (old && next) {
      const told = [...recorded.filter((column) => changed.includes(column)), ...masked]
      if (told.every((column) => options.ignore?.includes(column))) return undefined
    }
    const isPart = old !== null && next !== null && options.image === 'changed'
    const shown = isPart ? [...key, ...recorded.filter((each) => changed.includes(each))] : recorded
    const present = next ?? old ?? {}
    return {
      operation: old ? (next ? 'update' : 'delete') : 'insert',
      new_data: next && pick(next, shown),
      // an update's is the present image with what was replaced
      ...(!next && { old_data: old && pick(old, recorded) }),
      object_id:
        key.length === 1
          ? String(present.id)
          : JSON.stringify(key.map((each) => present[each])).replaceAll(',', ', '),
      meta: options.meta ? pick(present, options.meta) : null,
      masked: masked.length > 0 ? expect.arrayContaining(masked) : null,
      drift: said === undefined ? ['when'] : null,
      user_id: 'anna',
    }
  }
}

/** A row of which every value says whose it is. */
function row(which: string, n: number, flag: boolean): Row {
  const text = (column: string) => `${which} of ${column}`
  return {
    id: 1,
    part: 'p',
    a: text('a'),
    b: text('b'),
    'E x': text('E x'),
    doc: { x: text('doc') },
    n: n + 0.5,
    flag,
  }
}

const pick = (row: Row, columns: readonly string[]) =>
  Object.fromEntries(columns.map((column) => [column, row[column]]))

const show = (row: Row | null, column: string) => JSON.stringify(row?.[column] ?? null)

/** Writes what makes the one row the other, in a transaction that begins with `before`. */
async function write(old: Row | null, next: Row | null, before = context): Promise<void> {
  const json = JSON.stringify(next).replaceAll("'", "''")
  const sql = !next
    ? `delete from t where id = ${old?.id}`
    : !old
      ? `insert into t select * from jsonb_populate_record(null::t, '${json}')`
      : `update t set (id, part, a, b, "E x", doc, n, flag) = (select * from jsonb_populate_record(null::t, '${json}')) where id = ${old.id}`
  await database.query(`${before}; ${sql}`)
}
