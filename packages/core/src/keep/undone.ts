import type { AddFinding } from '../install/finding.js'
import { type Queryable, rowsOf } from '../queryable.js'
import { render } from '../sql/template.js'
import { type Remembered, readFacts } from './facts.js'
import { gapsOf } from './harden.js'
import { readRights, reportOf } from './rights.js'
import { missingStatements } from './statements.js'

/** What was undone since the log was hardened, and what the application may do that it should not. */
export async function addHardeningFindings(
  queryable: Queryable,
  schema: string,
  add: AddFinding,
): Promise<void> {
  const [row] = await rowsOf<{ hardened: string }>(queryable, render('keep/hardened', schema), [])
  const remembered: Readonly<Record<string, Remembered>> = JSON.parse(row?.hardened ?? '{}')
  for (const [appRole, { admin, letRead }] of Object.entries(remembered)) {
    const known = await readFacts(queryable, schema, { appRole, adminRole: admin, owner: null })
    // what owners need for their work is no matter of what the application may do
    const facts = { ...known, callers: [], ownerNeeds: [] }
    if (facts.app === null) continue // dropped since: nobody can use its rights
    const rights = await readRights(queryable, schema, [appRole], facts.server)
    const gaps = gapsOf(reportOf(rights, [appRole], facts.holder), appRole)
    const wanted = { appRole, adminRole: facts.admin && admin, takeTables: false, letRead }
    const [first, ...more] = missingStatements(facts, schema, wanted)
    if (first !== undefined) {
      const others = more.length > 0 ? `, and ${more.length} more` : ''
      add(
        'error',
        'hardening_undone',
        null,
        `The log was hardened against ${appRole}, and that is no longer whole: what is missing is ${first}${others}`,
        'Run harden again, with the same roles.',
      )
    }
    for (const { message, remedy } of gaps) {
      add('warning', 'hardening_incomplete', null, message, remedy)
    }
  }
}
