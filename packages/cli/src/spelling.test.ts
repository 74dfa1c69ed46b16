import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { inOptions, spellings, valued } from './spelling.js'

const core = join(import.meta.dirname, '../../core')
const sources = ['src', 'sql']
  .flatMap((folder) =>
    readdirSync(join(core, folder), { recursive: true, encoding: 'utf8' }).map((name) =>
      join(core, folder, name),
    ),
  )
  .filter((file) => /(?<!\.test|generated)\.(ts|sql)$/.test(file))
  .map((file) => readFileSync(file, 'utf8'))

describe('what is translated', () => {
  test.for(spellings)('is what core says: %s', ([api]) => {
    expect(sources.some((text) => text.includes(api))).toBe(true)
  })

  test.for(valued)('begins a message of core: %s', (name) => {
    const said = [`\`${name}: `, `'${name}: `, `checkNumber('${name}'`]
    expect(sources.some((text) => said.some((start) => text.includes(start)))).toBe(true)
  })
})

test('an option is called as it is typed', () => {
  expect(inOptions('maxEvents: 0 is no number.')).toBe('--max-events: 0 is no number.')
  expect(inOptions("The column 'jobs: none' is not there.")).toBe(
    "The column 'jobs: none' is not there.",
  )
})
