// Follows the guides as a new user would: in an empty folder, with what npm would publish. A guide's
// section "The first event" is a shell command that installs, a program, a command that runs it, and
// what that prints.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { register } from 'tsx/esm/api'

register()
const { createDatabase, startServer } = await import('../packages/testkit/src/index.ts')

// what packages are for is the application's own
const hosts = ['pg', 'knex', 'sequelize', 'express', 'koa']
const scratch = mkdtempSync(join(tmpdir(), 'auditrum-guides-'))
const server = await startServer()
let failed = 0
try {
  const tarballs = pack()
  load(tarballs)
  for (const file of readdirSync('docs').filter((name) => name.endsWith('.md'))) {
    const section = readFileSync(`docs/${file}`, 'utf8').match(
      /^## The first event\n(.*?)(?=^## |(?![\s\S]))/ms,
    )?.[1]
    if (section) await follow(file, section, tarballs)
  }
} finally {
  await server.stop()
  rmSync(scratch, { recursive: true, force: true })
}
process.exitCode = failed > 0 ? 1 : 0

/** The tarball of each public package, by its name. */
function pack() {
  const names = readdirSync('packages')
    .map((folder) => JSON.parse(readFileSync(`packages/${folder}/package.json`, 'utf8')))
    .filter((manifest) => !manifest.private)
    .map(({ name }) => name)
  const workspaces = names.flatMap((name) => ['-w', name])
  const packed = npm('.', 'pack', '--json', '--pack-destination', scratch, ...workspaces)
  return new Map(
    Object.values(JSON.parse(packed)).map(({ name, filename }) => [name, join(scratch, filename)]),
  )
}

/** Each package, by import and by require. */
function load(tarballs) {
  const folder = mkdtempSync(join(scratch, 'loading-'))
  npm(folder, 'init', '--yes')
  npm(
    folder,
    'install',
    '--prefer-offline',
    '--no-audit',
    '--no-fund',
    ...tarballs.values(),
    ...hosts,
  )
  for (const name of tarballs.keys()) {
    for (const code of [`require('${name}')`, `import('${name}')`]) {
      execFileSync('node', ['-e', code], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
    }
    console.log(`${name}: loads`)
  }
}

async function follow(file, section, tarballs) {
  const blocks = [...section.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language, text]) => ({
    language,
    text,
  }))
  const [install, program, run, printed] = blocks
  const folder = mkdtempSync(join(scratch, 'application-'))
  const database = await createDatabase(server)
  try {
    const wanted = install.text.trim().split(/\s+/).slice(2)
    // ours are not published yet, and depend on each other
    const ours = [...tarballs].map(([, tarball]) => tarball)
    const others = wanted.filter((name) => !tarballs.has(name))
    npm(folder, 'init', '--yes')
    npm(folder, 'install', '--prefer-offline', '--no-audit', '--no-fund', ...ours, ...others)
    const name = program.text.match(/^\/\/ (\S+)/)[1]
    writeFileSync(join(folder, name), program.text)
    const [command, ...args] = run.text.trim().split(' ')
    const output = execFileSync(command, args, {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, DATABASE_URL: database.url },
    })
    if (output !== printed.text) throw new Error(`it printed\n${output}instead of\n${printed.text}`)
    console.log(`docs/${file}: as it says`)
  } catch (error) {
    failed++
    console.error(`docs/${file}: ${error.message}`)
  } finally {
    await database.drop()
  }
}

function npm(cwd, ...args) {
  return execFileSync('npm', args, {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    shell: process.platform === 'win32',
  })
}
