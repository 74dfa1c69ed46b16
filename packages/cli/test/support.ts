import { type SpawnOptions, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { auditrum, type PgAuditrum, track, withContext } from '@auditrum/pg'
import type { Database } from '@auditrum/testkit'
import { testDatabase } from '@auditrum/testkit/vitest'
import type pg from 'pg'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const program = join(root, 'packages/cli/dist/bin.mjs')

/** What a program printed, and what it ended with. */
interface Outcome {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A folder of a project, and the command in it. */
export interface Project {
  readonly folder: string
  write(name: string, text: string): void
  /** Runs the command as installed, without anything of this process' environment that it reads. */
  cli(args: readonly string[], environment?: NodeJS.ProcessEnv): Promise<Outcome>
  /** The same through a shell, as people type it. */
  shell(line: string, environment?: NodeJS.ProcessEnv): Promise<Outcome>
}

/** A fresh folder with these files, where the packages of this repository are installed. */
export function project(files: Readonly<Record<string, string>> = {}): Project {
  const folder = mkdtempSync(join(tmpdir(), 'auditrum-cli-'))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  const write = (name: string, text: string) => {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  for (const [name, text] of Object.entries(files)) write(name, text)
  // npm links the command only where it was built before
  const bin = mkdtempSync(join(tmpdir(), 'auditrum-bin-'))
  symlinkSync(program, join(bin, 'auditrum'))
  const { PATH = '', HOME, LANG, TMPDIR } = process.env
  const base = { PATH: `${bin}:${join(root, 'node_modules/.bin')}:${PATH}`, HOME, LANG, TMPDIR }
  return {
    folder,
    write,
    cli: (args, environment) =>
      ended(spawn(process.execPath, [program, ...args], options(folder, base, environment))),
    shell: (line, environment) =>
      ended(spawn('sh', ['-c', line], options(folder, base, environment))),
  }
}

/** A shop in a database, whose changes have users and reasons. */
export interface Shop extends Project {
  readonly database: Database
  readonly pool: pg.Pool
  readonly audit: PgAuditrum
}

const tables = [
  track('customers', { mask: ['email'], label: 'name' }),
  track('orders', { label: 'number' }),
  track('order_items'),
]

/**
 * A shop: customer 7 and order 42 of it, made by anna, paid by bob, with two items; and a folder whose
 * configuration declares all of it.
 */
export async function shop(): Promise<Shop> {
  const database = await testDatabase()
  const pool = database.pool()
  await pool.query(`
    create table customers (id integer primary key, name text not null, email text);
    create table orders (
      id integer primary key, customer_id integer not null references customers,
      number text not null, status text not null, total numeric(10, 2) not null
    );
    create table order_items (
      order_id integer references orders, position integer, article text, primary key (order_id, position)
    )`)
  const audit = auditrum(pool, { tables, maintain: false })
  await audit.sync()
  await withContext(
    { source: 'web', request_id: 'a1', user_id: 'anna', change_reason: 'New order' },
    () =>
      pool.query(`
        insert into customers values (7, 'ACME', 'buyer@acme.example');
        insert into orders values (42, 7, '2026-118', 'new', 39.80);
        insert into order_items values (42, 1, 'Tea'), (42, 2, 'Cups')`),
  )
  await withContext({ source: 'web', user_id: 'bob', change_reason: 'Payment received' }, () =>
    pool.query(`update orders set status = 'paid' where id = 42`),
  )
  const files = {
    '.env': `DATABASE_URL=${database.url}\n`,
    'auditrum.config.ts': `
      import { defineConfig, track } from 'auditrum'
      export default defineConfig({
        tables: [
          track('customers', { mask: ['email'], label: 'name' }),
          track('orders', { label: 'number' }),
          track('order_items'),
        ],
      })`,
  }
  return { ...project(files), database, pool, audit }
}

/** Waits until somebody waits for a lock. */
export async function lockWait(database: Database): Promise<void> {
  for (;;) {
    const { rows } = await database.query(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
    if (rows.length > 0) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Whether a program is installed; says so where it is not, because its tests are skipped then. */
export function installed(name: string): boolean {
  const found = spawnSync('sh', ['-c', `command -v ${name}`]).status === 0
  if (!found) process.stderr.write(`${name} is not installed: its tests are SKIPPED.\n`)
  return found
}

function options(
  cwd: string,
  base: NodeJS.ProcessEnv,
  environment: NodeJS.ProcessEnv = {},
): SpawnOptions {
  return { cwd, env: { ...base, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] }
}

function ended(child: ReturnType<typeof spawn>): Promise<Outcome> {
  let stdout = ''
  let stderr = ''
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    stderr += text
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}
