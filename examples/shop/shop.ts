import { auditrum, type ContextMetadata, track, withContext } from '@auditrum/pg'
import { startServer } from '@auditrum/testkit'
import pg from 'pg'
import { printBlame, printHistory, title } from './print.ts'

const server = await startServer()
const pool = new pg.Pool({ connectionString: server.url() })
try {
  await shop()
} finally {
  // end() does not wait for its sockets: the server's stop may find them open, and tells them so
  pool.on('error', () => {})
  await pool.end()
  await server.stop()
}

async function shop() {
  title(`A shop on PostgreSQL ${server.version}`)
  await pool.query(`
    create table customers (
      id integer primary key,
      name text not null,
      email text not null,
      password_hash text not null
    );
    create table orders (
      id integer primary key,
      customer_id integer not null references customers on delete cascade,
      status text not null default 'new',
      total numeric(10, 2) not null,
      updated_at timestamptz not null default now()
    );
  `)

  const audit = auditrum(pool, {
    tables: [
      track('customers', { exclude: ['password_hash'], mask: ['email'] }),
      track('orders', { ignore: ['updated_at'] }),
    ],
  })
  const { installed } = await audit.sync()
  console.log(`Tracked: ${installed.join(', ')}.`)

  await as(
    { user_id: 7, source: 'web', change_reason: 'Sign-up and first order' },
    `insert into customers values (1, 'ACME', 'buyer@acme.example', 'x9f…'), (2, 'Initech', 'peter@initech.example', 'k3d…')`,
    `insert into orders (id, customer_id, total) select 40 + n, 1 + n % 2, 19.90 * n from generate_series(1, 4) as n`,
  )
  await as(
    { user_id: 7, source: 'web', change_reason: 'Payment received' },
    `update orders set status = 'paid', updated_at = now() where id = 42`,
  )
  await as(
    { user_id: 'anna', source: 'support', change_reason: 'Goodwill discount, ticket 881' },
    `update orders set total = total * 0.9 where customer_id = 1`,
  )
  await as(
    { user_id: 'anna', source: 'support', change_reason: 'Customer moved to a new address' },
    `update customers set email = 'office@acme.example', password_hash = 'n7c…' where id = 1`,
  )
  await as(
    { source: 'cron', change_reason: 'Closing accounts without payment' },
    `delete from customers where id = 2`,
  )
  // nobody said who this is: the database still knows the role
  await pool.query(`update orders set status = 'shipped' where id = 42`)

  title('Every change, newest first: single and bulk statements, and the cascade of a delete')
  await printHistory(audit.history())
  title('Who gave order 42 its present values?')
  printBlame(await audit.blame('orders', 42))
  title('Is the trail healthy?')
  const { ok, findings } = await audit.status()
  for (const { severity, message } of findings) console.log(`${severity}: ${message}.`)
  console.log(ok ? 'Yes.' : 'No.')
}

/** Runs statements in one transaction, by somebody, for some reason. */
function as(context: ContextMetadata, ...statements: string[]): Promise<void> {
  return withContext(context, async () => {
    const client = await pool.connect()
    try {
      await client.query('begin')
      for (const statement of statements) await client.query(statement)
      await client.query('commit')
    } catch (error) {
      await client.query('rollback')
      throw error
    } finally {
      client.release()
    }
  })
}
