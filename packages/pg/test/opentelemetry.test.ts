import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Shop, shop } from './support.js'

let it: Shop
beforeAll(async () => {
  it = await shop()
})

interface Traced {
  readonly rows: string[]
  readonly failed: string
  /** The texts that the spans have. */
  readonly statements: string[]
  /** How many queries have a span that ended. */
  readonly queries: number
}

function trace(...options: string[]): Traced {
  const script = fileURLToPath(new URL('traced.cjs', import.meta.url))
  const { stdout, stderr } = spawnSync(process.execPath, [script, it.database.url, ...options], {
    encoding: 'utf8',
  })
  expect(stderr).toBe('')
  return JSON.parse(stdout)
}

describe.each([
  ['before', 'plain'],
  ['before', 'comments'],
  ['after', 'plain'],
  ['after', 'comments'],
])('OpenTelemetry that instruments pg %s auditrum, with %s queries', (order, comments) => {
  test('keeps the context, its spans and their texts', async () => {
    const traced = trace(order, comments)
    expect(await it.users()).toEqual(['anna', 'ben', 'cleo', 'dora'])
    expect(traced).toMatchObject({ rows: ['a', 'b', 'c', 'd'], failed: '42703' })
    if (order === 'before') {
      expect(traced.queries).toBe(5)
      expect(traced.statements).toHaveLength(5)
      expect(traced.statements.join()).not.toContain('set_config')
    }
  })
})

test('a pipeline with comments keeps the context and the spans', async () => {
  const traced = trace('before', 'comments', 'pipeline')
  expect(await it.users()).toEqual(['anna', 'ben', 'cleo', 'dora'])
  expect(traced).toMatchObject({ rows: ['a', 'b', 'c', 'd'], failed: '42703', queries: 5 })
})
