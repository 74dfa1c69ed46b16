/**
 * What messages of the API name, and what it is called here. A test holds each of these against the
 * sources: a message that is put otherwise there would lose its translation unseen.
 */
export const spellings: readonly (readonly [api: string, here: string])[] = [
  // tamper evidence
  ['Call enableSealing, or run auditrum enable-hash-chain', 'Run auditrum enable-hash-chain'],
  [
    'which says so: enableSealing({ anew: true, reason })',
    'which says so: auditrum enable-hash-chain --anew --reason TEXT',
  ],
  ['call enableSealing(): it gives', 'run auditrum enable-hash-chain: it gives'],
  ['go on with the chain: seal({ rebase: true })', 'go on with the chain: auditrum seal --rebase'],
  ['Keep the command running, or call seal() every few seconds', 'Keep the command running'],
  ['see what verifyChain says', 'see what auditrum verify-chain says'],
  ['verifyChain says what else is wrong', 'auditrum verify-chain says what else is wrong'],
  ['verifyChain tells', 'auditrum verify-chain tells'],
  ['Give what onProgress told', 'Give one that --verbose told'],
  ['Give the one of', 'Give with --digest the one of'],
  ['Give a later digest', 'Give a later --digest'],
  ['give a later digest', 'give a later --digest'],
  // erasure
  ['object_id => true, objectId: true, --object-id', '--object-id'],
  [
    'objectId: a user has no object id. Leave it out, or erase a row by { table, id }',
    '--object-id: a user has no object id. Leave it out, or erase a row by its table and key',
  ],
  // undoing
  ["Look at conflicts, and choose onConflict: 'skip'", 'Choose --on-conflict skip'],
  [", or 'force' to overwrite them", ', or force to overwrite them'],
  ["onConflict: 'skip'", '--on-conflict skip'],
  // keeping
  [' (the option lockTimeout)', ''],
  ['take that back: allowPausing(false)', 'take that back, in SQL: allow_pausing(false)'],
  ['takeOwnership (--take-ownership)', '--take-ownership'],
  ['takeTables (--take-tables)', '--take-tables'],
  ['of the name that takeOwnership gives', 'of the name that --take-ownership gives'],
  ['harden was given adminRole:', 'harden was given --admin-role'],
  [
    'Run sync, or look for the log with the option schema',
    'Run auditrum sync, or look for the log with --schema',
  ],
]

/** What a message about the value of an option begins with. */
export const valued = ['after', 'jobs', 'limit', 'maxEvents', 'olderThan'] as const
const beginning = new RegExp(`^(${valued.join('|')}): `)

/** A message of the API in the words of the command line. */
export function inOptions(message: string): string {
  const begun = message.replace(
    beginning,
    (_, name: string) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}: `,
  )
  return spellings.reduce((text, [api, here]) => text.replaceAll(api, here), begun)
}
