import { beforeAll, expect, test } from 'vitest'
import { type Shop, shop } from '../support.js'

let it: Shop
beforeAll(async () => {
  it = await shop()
  await it.audit.enableSealing()
  await it.audit.seal()
  await it.shell(
    'auditrum digest --new-key key.pem; auditrum digest --key key.pem > log.digest; auditrum prove 5 --digest log.digest > 5.proof; sed s/paid/void/ 5.proof > forged.proof',
  )
})

const title = `# What \`--json\` prints

Written by the test that runs these commands, on the shop of the examples; times, uuids and transactions are
replaced. Members may be added, never removed or given another meaning within a major version. The types are
those of \`auditrum\`'s own exports, named with each.

Whatever fails says so on stderr, with \`--json\` as without, and prints with it a line
\`{"error": {"code": …, "message": …}}\` on stdout: \`code\` is that of the error (\`AUDITRUM_INTEGRITY\`, \`AUDITRUM_SCHEMA\` …, of the
database its SQLSTATE), or null. Of an answer that was under way it stands behind what was printed. A check that does not pass, such as a broken chain,
is an answer, and has the shape of one; only the exit code is another. A wrong command line is told on stderr alone.
`

/** Command lines, and the exported type of what they print. */
const commands: readonly (readonly [line: string, type: string])[] = [
  ['history orders 42 --limit 1', 'a line for each, `AuditEvent`'],
  ['blame orders 42', '`BlameLine[]`'],
  ['as-of orders now --id 42', 'the row'],
  ['as-of orders now', 'a list of rows; with `--format jsonl` a line for each'],
  ['compare orders event:2', 'a line for each row, `RowDifference`'],
  ['compare orders event:2 --id 42', '`RowComparison`'],
  ['revert 5 --dry-run', '`Reversal`; where it is refused, `{ "conflicts": RevertConflict[] }`'],
  ['plan', '`Change[]`'],
  ['sync', '`SyncResult`'],
  ['check', 'the names of tables'],
  ['status', '`Status`'],
  ['suggest', '`Suggestions`'],
  ['create-partitions --months 3', 'the names of new partitions'],
  ['maintain', '`Maintenance`'],
  ["purge --older-than '2 years' --dry-run", '`Purge`'],
  ['erase customers 7 --dry-run', '`Erasure`'],
  ['backfill customers', '`Backfill`'],
  ['verify-tables orders', '`Verification`'],
  ['seal', '`Sealing`; with `--every` a line for each round, with its time in `at`'],
  ['verify-chain --digest log.digest --public-key key.pub', '`ChainVerification`'],
  ['prove 4711', 'the proof; here there is no such event'],
  ['verify-proof 5.proof --public-key key.pub', '`ProvenEvent`'],
  ['verify-proof forged.proof --public-key key.pub', 'where it proves nothing'],
  ["verify-tables orders --accept --reason 'restored from a backup'", '`Acceptance`'],
  [
    'harden --app-role shop --admin-role auditors',
    '`Hardening` without its `sql`; the first of its `rights` stands for all',
  ],
]

/** What differs from run to run, as it is on one day. */
const replaced: readonly (readonly [what: RegExp, by: string])[] = [
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)/g, '2026-11-25T12:00:00.123456Z'],
  [/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '0b7c4a0e-8e0f-4b2a-9a53-6f1d3a5d2c10'],
  [/(["'])\d{19}["']/g, '$11883313742905802753$1'],
  [/_20\d\d_\d\d/g, '_2026_11'],
  [/20\d\d-\d\d-01 00:00:00\+00/g, '2026-12-01 00:00:00+00'],
  [/(\\?)"username\\?": ?\\?"[^"\\]*\\?"/g, '$1"username$1":$1"anna$1"'],
  [/"bytes": \d+/g, '"bytes": 24576'],
  [/"(bytesPer\w+|bytesKept|repeatedPerMonth)": [\d.]+/g, '"$1": 3400'],
  [/"eventsPerDay": [\d.]+/g, '"eventsPerDay": 120'],
  [/"days": [\d.]+/g, '"days": 30'],
  [/"rows": -?\d+/g, '"rows": 0'],
  [/"txid": "\d+"/g, '"txid": "771"'],
  [/"root": "[^"]{44}"/g, `"root": "${'A'.repeat(43)}="`],
]

test('is documented, and stays', async () => {
  const parts = [title]
  // roles are those of the whole server
  const roles = { shop: (await it.database.role()).name, auditors: (await it.database.role()).name }
  const named = (line: string) =>
    line.replace('-role shop', `-role ${roles.shop}`).replace('auditors', roles.auditors)
  for (const [line, type] of commands) {
    const { stdout: printed } = await it.shell(`auditrum ${named(line)} --json`)
    const stdout = line.startsWith('harden') ? oneRight(printed) : printed
    const shown = [
      ...replaced,
      [new RegExp(roles.shop, 'g'), 'shop'] as const,
      [new RegExp(roles.auditors, 'g'), 'auditors'] as const,
    ].reduce((text, [what, by]) => text.replace(what, by), stdout)
    parts.push(
      `## ${line.split(' ')[0]}\n\n\`auditrum ${line} --json\`: ${type}\n\n\`\`\`json\n${shown}\`\`\`\n`,
    )
  }
  await expect(parts.join('\n')).toMatchFileSnapshot('../../../../docs/cli-json.md')
})

/** Thirty of one shape are no better documentation than one. */
function oneRight(printed: string): string {
  const document = JSON.parse(printed)
  return `${JSON.stringify({ ...document, rights: document.rights.slice(0, 1) }, null, 2)}\n`
}
