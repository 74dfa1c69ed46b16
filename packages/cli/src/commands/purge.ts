import type { Purge } from '@auditrum/core'
import { actor } from '../actor.js'
import { examples } from '../examples.js'
import { json, number } from '../options.js'
import { bytes, time } from '../people.js'
import type { Program } from '../program.js'
import { withSession } from '../session.js'
import type { Terminal } from '../terminal.js'

export function purge(program: Program): void {
  const command = program
    .command('purge')
    .summary('delete old events')
    .description(
      'Deletes the events that are older, in many small transactions, and the contexts that no event needs any more, a period later. Answers about the past know that they reach less far. Who did it, and what went, is in the view auditrum.purges. Without --table, tables that declare a longer retention keep it.',
    )
    .requiredOption(
      '--older-than <time>',
      "in hours, days, weeks, months, years: '2 years', '90 days'",
    )
    .option(
      '--drop-partitions',
      'drop partitions that hold nothing else, rather than emptying them',
    )
    .option('--table <table>', 'of this table alone, as orders or billing.orders')
    .option('--dry-run', 'only count what would go')
    .option('--reason <text>', 'why')
    .option('--user <id>', 'on whose behalf: the user_id of the context')
    .addOption(json())
    .action((options, self) =>
      withSession(self.optsWithGlobals(), ({ audit, terminal }) =>
        actor(options, async () => {
          const { olderThan, dropPartitions, table, dryRun } = options
          const gone = await terminal.waiting(dryRun ? 'Counting' : 'Purging', () =>
            audit.purge({ olderThan, dropPartitions, table, dryRun }),
          )
          if (options.json) return terminal.document(gone)
          await printPurge(terminal, gone, dryRun === true)
        }),
      ),
    )
  examples(command, [
    ['What would go?', "auditrum purge --older-than '2 years' --dry-run"],
    [
      'Let it go',
      "auditrum purge --older-than '2 years' --drop-partitions --reason 'GDPR, article 5'",
    ],
    ['Of one table', "auditrum purge --older-than '90 days' --table orders"],
  ])
}

/** A line for each table and partition, and what it comes to. */
export async function printPurge(terminal: Terminal, gone: Purge, isDry = false): Promise<void> {
  const lines = purgeLines(gone, isDry)
  for (const line of lines.slice(0, -1)) await terminal.line(line)
  terminal.note(lines.at(-1) ?? '')
}

/** The same; the last one is the sum. */
export function purgeLines(gone: Purge, isDry: boolean): readonly string[] {
  const sum = `${number(gone.events, 'event')} and ${number(gone.contexts, 'context')}, ${bytes(gone.bytes)}`
  const isNothing = gone.events + gone.contexts + gone.partitions.length === 0
  return [
    ...gone.tables.map(
      ({ table, until, events }) => `${table} until ${time(until)}: ${number(events, 'event')}`,
    ),
    ...gone.partitions.map((name) => `${isDry ? 'would drop' : 'dropped'} partition ${name}`),
    isNothing ? 'Nothing is that old.' : isDry ? `${sum} would go.` : `${sum} are gone.`,
  ]
}
