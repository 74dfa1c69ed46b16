import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import { type MigrationFile, migrationFiles, UsageError } from '@auditrum/core'
import { Option } from '@commander-js/extra-typings'
import { examples } from '../examples.js'
import { json } from '../options.js'
import type { Program } from '../program.js'
import { discover, withSession } from '../session.js'

export function makeMigration(program: Program): void {
  const command = program
    .command('make-migration')
    .summary('write what sync would do as a migration')
    .description(
      'Writes a migration, up and down, with what plan finds. It needs nothing of auditrum when it runs.',
    )
    .addOption(
      new Option('--for <tool>', 'whose migration it is')
        .choices(['knex', 'sequelize', 'sql'] as const)
        .makeOptionMandatory(),
    )
    .option('--name <words>', 'what it is called', 'auditrum')
    .addOption(
      new Option('--format <format>', 'CommonJS, TypeScript, or ECMAScript modules')
        .choices(['js', 'ts', 'esm'] as const)
        .default(undefined, 'as package.json says'),
    )
    .option('--prune', 'also stop recording what is no longer declared')
    .option('--dry-run', 'print the migration and write nothing')
    .option('--output <path>', 'a folder, or the file itself', 'migrations')
    .addOption(json())
    .action((options, self) =>
      withSession(self.optsWithGlobals(), async (session) => {
        const { audit, terminal } = session
        await discover(session)
        const sql = await audit.migration({ prune: options.prune })
        const { for: tool, name, output } = options
        const format = options.format ?? ((await isModules()) && tool === 'knex' ? 'esm' : 'js')
        const files = placed(migrationFiles(sql, { for: tool, name, format }), output)
        if (options.dryRun) {
          for (const { text } of files) await terminal.text(text)
        } else {
          for (const { name: file, text } of files) await save(file, text)
        }
        const paths = files.map((file) => file.name)
        if (files.length === 0) terminal.note('Nothing is to do: there is no migration to write.')
        if (options.dryRun) return
        if (options.json) return terminal.document(paths)
        for (const path of paths) await terminal.line(path)
      }),
    )
  examples(command, [
    ['For Knex, in TypeScript', 'auditrum make-migration --for knex --format ts'],
    ['For sequelize-cli', "auditrum make-migration --for sequelize --name 'audit orders'"],
    ['Plain SQL, two files', 'auditrum make-migration --for sql --output db/migrations'],
  ])
}

/** Whether Node reads .js here as ECMAScript modules, which have no `exports`. */
async function isModules(): Promise<boolean> {
  try {
    return JSON.parse(await readFile('package.json', 'utf8')).type === 'module'
  } catch {
    return false
  }
}

/** Files in a folder; where the path ends like a file, that one. */
function placed(files: readonly MigrationFile[], output: string): readonly MigrationFile[] {
  if (extname(basename(output)) === '') {
    return files.map(({ name, text }) => ({ name: join(output, name), text }))
  }
  if (files.length > 1) {
    throw new UsageError(
      `${output} is one file, and the migration is two, up and down. Give --output a folder.`,
    )
  }
  return files.map(({ text }) => ({ name: output, text }))
}

async function save(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  try {
    await writeFile(file, text, { flag: 'wx' })
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'EEXIST') throw error
    throw new UsageError(`${file} exists. Give another --name or --output, or remove it first.`)
  }
}
