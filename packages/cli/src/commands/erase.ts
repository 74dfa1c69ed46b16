import type { Auditrum, EraseTarget, Erasure } from '@auditrum/core'
import { UsageError } from '@auditrum/core'
import { actor } from '../actor.js'
import { examples } from '../examples.js'
import { keysErasedUntil, tellKeysErased } from '../known.js'
import { json, number } from '../options.js'
import { rowId } from '../people.js'
import type { Program } from '../program.js'
import { withSession } from '../session.js'
import type { Terminal } from '../terminal.js'

export function erase(program: Program): void {
  const command = program
    .command('erase')
    .summary('take the values of a person out of the log')
    .description(
      'Erases what the log holds of a row, or who made changes, in one act that is itself recorded, in the view auditrum.erasures and in the chain of a sealed log. The events stay. Delete or anonymise the row itself first: that is an event which holds what the row had. Exits with 1 where an event is not what was sealed.',
    )
    .argument('[table]', 'as customers or billing.customers')
    .argument('[id]', 'the row’s key; a composite one as JSON: [7, 2]')
    .option('--user <id>', 'rather than a row: from all contexts with this user_id')
    .option('--reason <text>', 'why; it stays, so not who it is about')
    .option(
      '--columns <names>',
      'these alone, as name,email; of a user names of its metadata',
      (names: string) => names.split(',').map((name) => name.trim()),
    )
    .option('--object-id', 'the key of the row as well; the row must be gone')
    .option(
      '--context',
      'the reasons of these changes as well; of a row what else their contexts hold',
    )
    .option('--dry-run', 'only count')
    .option('--by <id>', 'on whose behalf: the user_id of the context')
    .addOption(json())
    .action(async (table, id, options, self) => {
      const { user, reason, columns, objectId, context, dryRun } = options
      if ((user === undefined) === (table === undefined || id === undefined)) {
        throw new UsageError(
          'erase takes a table and a key, or --user, and not both. Say whose values are to go.',
        )
      }
      const target =
        user === undefined ? { table: table as string, id: rowId(id as string) } : { user }
      await withSession(self.optsWithGlobals(), ({ audit, terminal }) =>
        actor({ user: options.by }, async () => {
          const erased = await terminal.waiting(dryRun ? 'Counting' : 'Erasing', () =>
            audit.erase(target, { reason, columns, objectId, context, dryRun }),
          )
          if (options.json) return terminal.document(erased)
          if (erased.events + erased.contexts === 0)
            return nothing(terminal, audit, target, columns)
          await print(terminal, erased, audit.schema, dryRun === true)
          if (objectId && !dryRun)
            terminal.note(`The log knows the row by another key now: ${erased.objectId}`)
        }),
      )
    })
  examples(command, [
    ['What would go?', 'auditrum erase customers 42 --dry-run'],
    ['All that the log holds of a customer', "auditrum erase customers 42 --reason 'request 118'"],
    [
      'Two columns of it',
      "auditrum erase customers 42 --columns name,email --reason 'request 118'",
    ],
    ['Who did it, of all that a user did', "auditrum erase --user 42 --reason 'request 118'"],
  ])
}

async function nothing(
  terminal: Terminal,
  audit: Auditrum,
  target: EraseTarget,
  columns: readonly string[] | undefined,
): Promise<void> {
  const isUser = 'user' in target
  const why =
    isUser && columns ? `: no context of user ${target.user} has ${columns.join(' or ')}` : ''
  terminal.note(`There is nothing to erase${why}.`)
  if (isUser) return
  const until = await keysErasedUntil(audit, target.table as string, target.id)
  if (until !== undefined) tellKeysErased(terminal, 'No row of this key has anything.', until)
}

async function print(
  terminal: Terminal,
  erased: Erasure,
  schema: string,
  isDry: boolean,
): Promise<void> {
  const { events, contexts, columns, entries, live, partitions } = erased
  const from = `${number(events, 'event')} and ${number(contexts, 'context')}`
  await terminal.line(`${isDry ? 'would erase' : 'erased'} ${columns.join(', ')}`)
  await terminal.line(`${isDry ? 'would change' : 'changed'} ${from}`)
  if (entries.length > 0) await terminal.line(`entry of the chain: ${entries.join(', ')}`)
  if (live) {
    terminal.warn(
      'The row is still in its table: what it holds is recorded with its next change or deletion. Erase again after that.',
    )
  }
  if (partitions.length > 0) {
    const names = partitions.map((name) => `${schema}.${name}`).join(', ')
    terminal.note(`What is erased leaves the disk with: VACUUM FULL ${names}`)
  }
}
