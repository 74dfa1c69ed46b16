import { contextEnvironment, SchemaError, UsageError } from '@auditrum/core'
import { isPlainObject } from '@auditrum/core/adapter'
import { metadataOf } from '../actor.js'
import { type Address, connect, environmentOf } from '../database.js'
import { examples } from '../examples.js'
import type { Program } from '../program.js'
import { runProgram } from '../run-program.js'
import { settingOf } from '../session.js'

export function run(program: Program): void {
  const command = program
    .command('run')
    .summary('run a program with a context')
    .description(
      'Runs a program so that what it writes is recorded with a user and a reason: psql, pg_restore, a migration, a script in any language over libpq or pg. It needs a direct connection to PostgreSQL, which is tried first. The program gets the database in PG* variables, and its exit code and signals are passed on.',
    )
    .argument('<command...>', 'the program and its arguments, behind --')
    .option('--reason <text>', 'why: the change_reason of the context')
    .option('--user <id>', 'on whose behalf: the user_id of the context')
    .option('--source <text>', 'from where', 'run')
    .option('--metadata <json>', 'more of the context, as a JSON object')
    .action(async ([file, ...args], options, self) => {
      const { terminal, address, config } = await settingOf(self.optsWithGlobals())
      const { metadata, ...named } = options
      const context = { ...parsed(metadata), ...metadataOf(named) }
      const environment = contextEnvironment(context, process.env, config.signing)
      if (address) await tryIt(address, environment.PGOPTIONS ?? '')
      else terminal.note('auditrum: no database is named, so the connection was not tried first.')
      const env = address ? environmentOf(address, environment) : environment
      const ending = await runProgram(String(file), args, env)
      // as it ended, so that whoever started us sees the same
      if (typeof ending === 'string') process.kill(process.pid, ending)
      else process.exitCode = ending
    })
  examples(command, [
    [
      'A correction by hand',
      `auditrum run --reason 'ticket 881' --user anna -- psql -c "update orders set total = 0 where id = 42"`,
    ],
    ['A migration', "auditrum run --reason 'release 7' -- npx knex migrate:latest"],
  ])
}

function parsed(metadata: string | undefined): Readonly<Record<string, unknown>> {
  if (metadata === undefined) return {}
  let value: unknown
  try {
    value = JSON.parse(metadata)
  } catch {
    // said below
  }
  if (isPlainObject(value)) return value
  throw new UsageError(
    `--metadata ${JSON.stringify(metadata)} is no JSON object. Give one such as '{"ticket": 881}'.`,
  )
}

/** Whether a connection takes the context: a pooler may refuse it, or drop it without a word. */
async function tryIt(address: Address, options: string): Promise<void> {
  const refused = (what: string, cause?: unknown) =>
    new SchemaError(
      `The database at ${address.shown} ${what}, as poolers such as PgBouncer do. Give the address of PostgreSQL itself; nothing was run.`,
      { cause },
    )
  const plain = await connect(address)
  await plain.end()
  const pool = await connect(address, { options }).catch((error: unknown) => {
    throw refused('refuses a connection with a context', error)
  })
  try {
    const { rows } = await pool.query("SELECT current_setting('auditrum.context', true) AS context")
    if (!rows[0]?.context) throw refused('drops the context of a connection')
  } finally {
    await pool.end()
  }
}
