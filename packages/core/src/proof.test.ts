import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

test('what verifies a proof needs node:crypto and nothing else', () => {
  const seen = new Set<string>()
  const outside = new Set<string>()
  const read = (file: string) => {
    if (seen.has(file)) return
    seen.add(file)
    // imports of types are gone when it runs
    const statements = readFileSync(file, 'utf8').matchAll(
      /^(?:import|export) (?!type )[^;]*? from '([^']+)'$/gm,
    )
    for (const [, name = ''] of statements) {
      if (name.startsWith('.')) read(join(dirname(file), name.replace(/\.js$/, '.ts')))
      else outside.add(name)
    }
  }
  read(fileURLToPath(new URL('./proof.ts', import.meta.url)))
  expect([...outside]).toEqual(['node:crypto'])
  expect(seen.size).toBeGreaterThan(5)
})
