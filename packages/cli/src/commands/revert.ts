import { writeFile } from 'node:fs/promises'
import { type ConflictError, type Reversal, UsageError } from '@auditrum/core'
import { Option } from '@commander-js/extra-typings'
import { actor } from '../actor.js'
import { examples } from '../examples.js'
import { exit } from '../failure.js'
import { dryRun, json, output } from '../options.js'
import type { Program } from '../program.js'
import { printConflicts, printSteps } from '../reversal.js'
import { withSession } from '../session.js'

export function revert(program: Program): void {
  const command = program
    .command('revert')
    .summary('undo an event, a transaction or a request')
    .description(
      'Undoes an event, a transaction, or all that a request or job did, in one transaction that is recorded itself. What somebody changed since is not overwritten: then nothing is done, the conflicts are listed, and the exit code is 1.',
    )
    .argument('[event]', 'the id of one event')
    .option('--transaction <id>', 'a whole transaction')
    .option('--root <uuid>', 'everything that one request or job did')
    .option('--request <id>', 'the request with this request_id')
    .addOption(
      new Option('--on-conflict <what>', 'where somebody changed it since: fail, skip it, or force')
        .choices(['fail', 'skip', 'force'] as const)
        .default('fail' as const),
    )
    .option('--reason <text>', 'why')
    .option('--user <id>', 'on whose behalf: the user_id of the context')
    .addOption(dryRun())
    .addOption(output())
    .addOption(json())
    .action((event, options, self) =>
      withSession(self.optsWithGlobals(), async ({ audit, terminal }) => {
        const { onConflict, output: file, json: asJson } = options
        const target = targetOf({ event, ...options })
        const isDry = options.dryRun === true || file !== undefined
        let done: Reversal
        try {
          done = await actor(options, () =>
            terminal.waiting('Reverting', () =>
              audit.revert(target, { onConflict, dryRun: isDry }),
            ),
          )
        } catch (error) {
          const { conflicts } = error as ConflictError
          if (!conflicts?.length) throw error
          process.exitCode = exit.failed
          if (asJson) return terminal.document({ conflicts })
          await printConflicts(terminal, conflicts)
          return terminal.warn((error as Error).message)
        }
        if (file !== undefined) await writeFile(file, done.sql)
        if (asJson) return terminal.document(done)
        if (isDry && file === undefined) await terminal.text(done.sql)
        else await printSteps(terminal, done.steps)
        await printConflicts(terminal, done.conflicts)
        for (const { table, objectId, columns, message } of done.omitted) {
          const subject = [table, objectId, columns.join(', ')].filter(Boolean).join(' ')
          terminal.warn(`${subject}: ${message}.`)
        }
        if (file !== undefined) terminal.note(`${file} is written.`)
        else if (!isDry) terminal.note(summary(done))
      }),
    )
  examples(command, [
    ['Undo one change', "auditrum revert 4711 --reason 'ticket 881'"],
    ['See what it would do', 'auditrum revert 4711 --dry-run'],
    ['Undo a whole transaction', 'auditrum revert --transaction 4711'],
    [
      'Undo a request but what was changed since',
      'auditrum revert --request a2 --on-conflict skip',
    ],
  ])
}

/** Exactly one thing to undo. */
function targetOf({
  event,
  transaction,
  root,
  request,
}: {
  readonly event?: string | undefined
  readonly transaction?: string | undefined
  readonly root?: string | undefined
  readonly request?: string | undefined
}) {
  const given = [
    ...(event !== undefined ? [{ event }] : []),
    ...(transaction !== undefined ? [{ transaction }] : []),
    ...(root !== undefined ? [{ root }] : []),
    ...(request !== undefined ? [{ request }] : []),
  ]
  const [target] = given
  if (target && given.length === 1) return target
  throw new UsageError(
    `revert was given ${given.length === 0 ? 'nothing' : 'several things'} to undo. Give one: an event, --transaction, --root or --request.`,
  )
}

function summary({ steps }: Reversal): string {
  const undone = steps.filter(({ outcome }) => outcome === 'done' || outcome === 'forced').length
  return `${undone} of ${steps.length} rows are as they were.`
}
