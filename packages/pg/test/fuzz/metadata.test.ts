import { isDeepStrictEqual, types } from 'node:util'
import { fuzzRuns, fuzzTimeout } from '@auditrum/testkit/fuzz'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { withContext } from '../../src/index.js'
import { shop } from '../support.js'
import { block, withKeys } from './values.js'

/** What of some metadata is stored, and which of its keys context_error has to name. */
interface Expected {
  readonly stored: Record<string, unknown>
  readonly missing: readonly string[]
}

test('whatever the metadata is, the write succeeds, and what is not stored is said', {
  timeout: fuzzTimeout,
}, async () => {
  const it = await shop({ max: 1 }, { onError: () => undefined })
  await fc.assert(
    fc.asyncProperty(fc.array(block, { minLength: 1, maxLength: 3 }), async (given) => {
      const blocks = given.map(({ metadata }) => metadata)
      await inBlocks(blocks, () => it.pool.query('insert into orders default values'))
      const { rows } = await it.database.query(`
        select metadata, context_error, user_id, metadata ->> 'user_id' as named
        from auditrum.auditlog order by id desc limit 1`)
      const [event] = rows
      const { stored, missing } = expected(blocks)
      expect(event?.user_id).toBe(event?.named)
      for (const key of missing) {
        if (String(event?.context_error).length < 500) {
          expect(event?.context_error).toContain(wellFormed(key))
        }
      }
      if (missing.length === 0) expect(event?.context_error).toBeNull()
      if (!isDeepStrictEqual(event?.metadata, stored)) expect(event?.metadata).toStrictEqual(stored)
    }),
    { numRuns: fuzzRuns(300) },
  )
  const { rows } = await it.database.query(
    'select count(*)::int as events from auditrum.auditlog where context_id is null',
  )
  expect(rows).toEqual([{ events: 0 }])
})

/** What a getter that throws counts as: a function that does. */
const refused = () => undefined

function inBlocks<Result>(blocks: readonly Record<string, unknown>[], act: () => Result): Result {
  const [block, ...others] = blocks
  return block ? withContext(block, () => inBlocks(others, act)) : act()
}

/** As the guide says: what JSON makes of it, block by block, with what jsonb refuses as U+FFFD. */
function expected(blocks: readonly Record<string, unknown>[]): Expected {
  const merged = new Map<string, unknown>()
  const missing: string[] = []
  for (const block of blocks) {
    for (const key of Object.keys(block)) {
      let given: unknown = refused
      try {
        given = block[key]
        const value = known(key, given)
        if (value === undefined) continue
        const outer = merged.get(key)
        const nests =
          key === 'change_reason' && outer !== undefined && outer !== null && value !== null
        merged.set(key, nests ? `${inWords(outer)} -> ${inWords(value)}` : value)
      } catch {
        missing.push(key)
        // what names no user does not leave the one around it
        if (key === 'user_id' && typeof given !== 'function') merged.delete(key)
      }
    }
  }
  const members: (readonly [key: string, json: string, size: number])[] = []
  for (const [key, value] of merged) {
    try {
      const json = JSON.stringify(value)
      if (json !== undefined)
        members.push([key, json, sizeOf(JSON.stringify(key)) + sizeOf(json) + 2])
    } catch {
      missing.push(key)
    }
  }
  const dropped = new Set<string>()
  let size = members.reduce((sum, [, , each]) => sum + each, 1)
  for (const [key, , each] of members.toSorted(([, , a], [, , b]) => b - a)) {
    if (size <= 65_536 - 4_096) break
    size -= each
    dropped.add(key)
  }
  const kept = members.filter(([key]) => !dropped.has(key))
  return {
    stored: withKeys(kept.map(([key, json]) => [wellFormed(key), clean(JSON.parse(json))])),
    missing: [...missing, ...dropped],
  }
}

/** A value, or what its function answers; undefined where there is none yet. */
function known(key: string, given: unknown): unknown {
  if (types.isPromise(given)) throw new TypeError()
  const value: unknown = typeof given === 'function' ? (given() ?? undefined) : given
  if (types.isPromise(value)) throw new TypeError()
  if (key !== 'user_id' || value === null || value === undefined) return value
  const names =
    typeof value === 'string'
      ? Buffer.byteLength(value) <= 1_024
      : typeof value === 'bigint' || Number.isFinite(value)
  if (!names) throw new TypeError()
  return value
}

function inWords(value: unknown): string {
  if (typeof value === 'string') return value
  try {
    return value instanceof Error ? value.message : String(value)
  } catch {
    return `a value of type ${typeof value}`
  }
}

/** In ASCII, with numbers written out, as jsonb has them. Without recursion: it may be nested deeply. */
function sizeOf(json: string): number {
  let size = 0
  for (const [token, digits] of json.matchAll(/"(?:\\.|[^"])*"|e[+-](\d+)|[^"]/g)) {
    size += digits === undefined ? 0 : Number(digits)
    size += token.replaceAll(/[^\0-\x7f]/g, '\\uffff').length
  }
  return size
}

const wellFormed = (value: string) => value.replaceAll(/\0|\p{Cs}/gu, '\ufffd')

function clean(value: unknown): unknown {
  if (typeof value === 'string') return wellFormed(value)
  if (Array.isArray(value)) return value.map(clean)
  if (typeof value !== 'object' || value === null) return value
  return withKeys(Object.entries(value).map(([key, each]) => [wellFormed(key), clean(each)]))
}
