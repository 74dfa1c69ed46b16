import { Command } from '@commander-js/extra-typings'
import manifest from 'auditrum/package.json' with { type: 'json' }
import { asOf } from './commands/as-of.js'
import { backfill } from './commands/backfill.js'
import { blame } from './commands/blame.js'
import { check } from './commands/check.js'
import { compare } from './commands/compare.js'
import { createPartitions } from './commands/create-partitions.js'
import { demo } from './commands/demo.js'
import { digest } from './commands/digest.js'
import { enableHashChain } from './commands/enable-hash-chain.js'
import { erase } from './commands/erase.js'
import { generateTrigger } from './commands/generate-trigger.js'
import { harden } from './commands/harden.js'
import { history } from './commands/history.js'
import { initSchema } from './commands/init-schema.js'
import { maintain } from './commands/maintain.js'
import { makeMigration } from './commands/make-migration.js'
import { plan } from './commands/plan.js'
import { prove } from './commands/prove.js'
import { purge } from './commands/purge.js'
import { revert } from './commands/revert.js'
import { run } from './commands/run.js'
import { seal } from './commands/seal.js'
import { status } from './commands/status.js'
import { suggest } from './commands/suggest.js'
import { sync } from './commands/sync.js'
import { verifyChain } from './commands/verify-chain.js'
import { verifyProofCommand } from './commands/verify-proof.js'
import { verifyTables } from './commands/verify-tables.js'
import { examples } from './examples.js'
import { askForRequired } from './required.js'

const groups = {
  install: 'Install:',
  read: 'Read:',
  undo: 'Undo:',
  keep: 'Keep:',
  trust: 'Prove:',
  others: 'Programs:',
} as const

/** The command with what every part of it takes. */
function root() {
  return new Command('auditrum')
    .description('Who changed which row, when, why and from where: the audit trail of a database.')
    .version(manifest.version, '--version', 'print the version')
    .option('--database-url <url>', 'the database; else DATABASE_URL, else PGHOST, PGUSER, …')
    .option('--schema <name>', 'the schema of the log; else the configuration, else auditrum')
    .option('--config <file>', 'the configuration; else auditrum.config.{ts,mts,js,mjs,json}')
    .option('--no-color', 'no colours; also with NO_COLOR, and where the output is no terminal')
    .option('--quiet', 'say nothing but the answer')
    .option('--verbose', 'say more of what is done')
    .helpOption('-h, --help', 'show this')
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('Run it with --help to see what it takes.')
    .configureOutput({
      outputError: (text, write) =>
        // what is given to a misspelt option may be a password
        write(
          text
            .replace(/^error: /, 'auditrum: ')
            .replace(/^(.*unknown option '[^'=]*)=.*'/, "$1=…'"),
        ),
    })
    .exitOverride()
}

/** The command line before its commands. */
export type Program = ReturnType<typeof root>

/** The whole command line: what is run, and what its reference is written from. */
export function createProgram(): Program {
  const program = root()
  program.commandsGroup(groups.install)
  for (const add of [initSchema, sync, plan, check, generateTrigger, makeMigration]) add(program)
  program.commandsGroup(groups.read)
  for (const add of [history, blame, asOf, compare]) add(program)
  program.commandsGroup(groups.undo)
  revert(program)
  program.commandsGroup(groups.keep)
  for (const add of [status, suggest, createPartitions, maintain, purge]) add(program)
  for (const add of [backfill, verifyTables, harden]) add(program)
  program.commandsGroup(groups.trust)
  for (const add of [enableHashChain, seal, digest, verifyChain, prove, verifyProofCommand, erase])
    add(program)
  program.commandsGroup(groups.others)
  run(program)
  demo(program, (args) => createProgram().parseAsync(args, { from: 'user' }))
  for (const command of program.commands) askForRequired(command)
  program.helpCommand('help [command]', 'show what a command takes')
  examples(program, [
    ['Set it up', 'auditrum sync'],
    ['Who gave each column of order 42 its value?', 'auditrum blame orders 42'],
    ['Is the trail healthy?', 'auditrum status'],
  ])
  return program
}
