import { writeFile } from 'node:fs/promises'
import { type ConflictError, type Reversal, UsageError } from '@auditrum/core'
import { Option } from '@commander-js/extra-typings'
import { actor } from '../actor.js'
import { examples } from '../examples.js'
import { exit } from '../failure.js'
import { dryRun, id, json, number, output, uuid } from '../options.js'
import { rowName } from '../people.js'
import type { Program } from '../program.js'
import { printConflicts, printSteps, SHOWN } from '../reversal.js'
import { withSession } from '../session.js'
import { inOptions } from '../spelling.js'

export function revert(program: Program): void {
  const command = program
    .command('revert')
    .summary('undo an event, a transaction or a request')
    .description(
      'Undoes an event, a transaction, or all that a request or job did, in one transaction that is recorded itself. What somebody changed since is not overwritten: then nothing is done, the conflicts are listed, and the exit code is 1.',
    )
    .argument('[event]', 'the id of one event', id)
    .option('--transaction <id>', 'a whole transaction', id)
    .option('--root <uuid>', 'everything that one request or job did', uuid)
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
          const { code, conflicts = [], message } = error as ConflictError
          if (code !== 'AUDITRUM_CONFLICT') throw error
          process.exitCode = exit.failed
          if (asJson) return terminal.document({ conflicts, message: inOptions(message) })
          await printConflicts(terminal, conflicts)
          return terminal.warn(inOptions(message))
        }
        const isRefused = onConflict === 'fail' && wouldBeRefused(done)
        if (isRefused) process.exitCode = exit.failed
        if (file !== undefined && !isRefused) await writeFile(file, done.sql)
        if (asJson) return terminal.document(done)
        if (isRefused) terminal.warn('Nothing would be undone: --on-conflict skip or force.')
        else if (isDry && file === undefined) await terminal.text(done.sql)
        else await printSteps(terminal, done.steps)
        // beside SQL that may go into psql
        await printConflicts(terminal, done.conflicts, isDry)
        for (const omitted of done.omitted.slice(0, SHOWN)) {
          const subject = [rowName(omitted), omitted.columns.join(', ')].filter(Boolean).join(': ')
          terminal.warn(`${subject}: ${inOptions(omitted.message)}.`)
        }
        if (done.omitted.length > SHOWN) {
          terminal.note(`And ${number(done.omitted.length - SHOWN, 'more')}: --json has them all.`)
        }
        if (isRefused) return
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
  return `${undone} of ${number(steps.length, 'row')} undone.`
}

/** In a dry run nothing is refused; told is what would be. */
function wouldBeRefused({ dryRun, conflicts, omitted }: Reversal): boolean {
  return (
    dryRun &&
    (conflicts.length > 0 || omitted.some(({ why }) => why === 'refused' || why === 'doubt'))
  )
}
