import { readFileSync } from 'node:fs'
import { capabilities, capabilityCodes } from '../../src/keep/capabilities.js'
import { attempts } from './attempts.js'

const docs = new URL('../../../../docs/', import.meta.url)

/** docs/hardening.md, its tables as narrow as they can be. */
export const guide = narrow(readFileSync(new URL('hardening.md', docs), 'utf8'))
export const attemptsFile = new URL('attempts.md', docs).pathname

/** A code block of the guide: the SQL that it gives for something. */
export function recipe(mark: string): string {
  const blocks = [...guide.matchAll(/```sql\n([\s\S]*?)```/g)].map(([, text]) => String(text))
  const found = blocks.filter((text) => text.includes(mark))
  if (found.length !== 1) throw new Error(`${found.length} blocks of the guide hold ${mark}.`)
  return String(found[0])
}

/** The tables that the guide holds, from what the code says. */
export const guideTables = {
  capabilities: [
    '| may it … | | what ends that |',
    '| - | - | - |',
    ...capabilityCodes.map((code) => {
      const { label, isGrave, remedy } = capabilities[code]
      return narrow(`| ${label} | ${isGrave ? 'grave' : ''} | ${remedy} |`)
    }),
  ].join('\n'),
  reach: [
    '| it can | what ends that |',
    '| - | - |',
    ...attempts
      .filter(({ outcome }) => outcome === 'reach')
      .map(({ title, remedy }) => `| ${title} | ${remedy} |`),
  ].join('\n'),
}

function narrow(text: string): string {
  return text.replace(/(?<=\|.*) {2,}/g, ' ').replace(/(?<=\| )-+(?= \|)/g, '-')
}

/** docs/attempts.md. */
export function attemptsPage(): string {
  const list = (outcome: string) =>
    attempts
      .filter((attempt) => attempt.outcome === outcome)
      .map(({ title, since }) => `- ${title}${since ? ` (PostgreSQL ${since} and newer)` : ''}`)
      .join('\n')
  return `# What was tried against the log

Written by the test that tries all of it, on every version of PostgreSQL, with the connection of an application that
has all data, temporary tables and a schema of its own, that had been granted all on the log, and against which it was then
[hardened](hardening.md): once closed to it, and once with \`letRead\`.

## Refused

${list('refused')}

## Without effect

What was written afterwards, or by it, was recorded as it was.

${list('recorded')}

## Out of reach

[Hardening](hardening.md#out-of-reach) says of each what ends it.

${list('reach')}
`
}
