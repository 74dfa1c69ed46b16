import { readFileSync } from 'node:fs'
import { testDatabase } from '@auditrum/testkit/vitest'
import { expect, test } from 'vitest'
import * as auditrum from '../../src/index.js'

const guide = readFileSync(new URL('../../../../docs/reading.md', import.meta.url), 'utf8')
const blocks = [...guide.matchAll(/^```(sql|js)\n(.*?)^```$/gms)].map(([, language, code]) => ({
  language,
  code: String(code),
}))

test('the guide to reading does what it says, from its first line to its last', async () => {
  const database = await testDatabase()
  const scope: Record<string, unknown> = { ...auditrum, pool: database }
  const lines: unknown[][] = []
  scope.console = { log: (...values: unknown[]) => lines.push(values) }
  for (const { language, code } of blocks) {
    if (language === 'sql') await database.query(code)
    else Object.assign(scope, await run(code, scope))
  }

  expect(lines.at(-1)).toEqual([
    'update',
    'orders',
    '2026-118',
    { total: { from: '50', to: '45.50' }, status: { from: 'new', to: 'shipped' } },
  ])
  expect(lines[0]?.slice(1)).toEqual(['anna', 'Shipping', expect.anything()])
  expect(scope.older).toBeNull()
  expect(scope.line).toMatchObject({ column: 'total', value: '45.50', userId: 'anna' })
  expect(scope.lines).toContainEqual(
    expect.objectContaining({ column: 'number', userId: null, operation: null }),
  )
  expect(scope.labelled).toMatchObject({
    events: [
      { label: '2026-118' },
      { diff: { customer_id: { old: 1, new: 2, oldLabel: 'ACME', newLabel: 'Foo' } } },
    ],
  })
  expect(scope.blamed).toContainEqual(
    expect.objectContaining({ column: 'customer_id', label: 'ACME' }),
  )
  expect(scope.name).toBe('2026-118')
  expect(scope.recorded).toBe(1)
})

/** Runs statements; what they declare at their top level is in scope of the next ones. */
async function run(code: string, scope: Record<string, unknown>): Promise<object> {
  const declared = [...code.matchAll(/^const (?:(\w+)|[{[] ?([\w, ]+?) ?[}\]]) =/gm)]
    .flatMap(([, one, several]) => (one ?? several ?? '').split(', '))
    .join(', ')
  const AsyncFunction = Object.getPrototypeOf(run).constructor
  const names = Object.keys(scope).filter((name) => !declared.split(', ').includes(name))
  const body = `${code}\nreturn { ${declared} }`
  return new AsyncFunction(...names, body)(...names.map((name) => scope[name]))
}
