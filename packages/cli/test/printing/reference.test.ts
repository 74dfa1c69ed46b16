import { withContext } from '@auditrum/pg'
import { describe, expect, test } from 'vitest'
import { examplesOf } from '../../src/examples.js'
import { createProgram } from '../../src/program.js'
import { fakeBucket } from '../bucket.js'
import { installed, shop } from '../support.js'
import { commandsOf, reference } from './reference.js'

const program = createProgram()
const psql = installed('psql')

test('the reference is what the commands say', async () => {
  await expect(`${reference(program)}\n`).toMatchFileSnapshot('../../../../docs/cli.md')
})

const knexfile = `export default {
  client: 'pg',
  connection: process.env.DATABASE_URL,
  migrations: { directory: 'knex', loadExtensions: ['.mjs'] },
}`
const migration = `
export const up = (knex) => knex('orders').update({ status: 'migrated' })
export const down = () => {}`

describe('the examples', async () => {
  const it = await shop()
  const listed = [program, ...commandsOf(program)].flatMap((command) =>
    examplesOf(command).map(([, line]) => line),
  )
  // what they name
  await it.pool.query(`
    alter table orders add updated_at timestamptz;
    alter table customers add password_hash text;
    insert into orders values (7, 7, '2026-007', 'new', 5);
    insert into order_items values (7, 2, 'Tea')`)
  // long ago
  await it.pool.query(`
    update auditrum.audit_table set tracked = tstzmultirange(tstzrange(now() - interval '3 days', null));
    update auditrum.audit_shape set valid_from = valid_from - interval '3 days';
    update auditrum.audit_event set changed_at = changed_at - interval '2 days'`)
  // roles are those of the whole server
  const [app, admin] = [await it.database.role(), await it.database.role()]
  const bucket = await fakeBucket('audit-digests')
  it.write('knexfile.mjs', knexfile)
  it.write('knex/1.mjs', migration)

  test.skipIf(!psql).each(listed.filter((line) => line.includes('psql')))('%s', (line) =>
    tried(line),
  )
  test.each(listed.filter((line) => !line.includes('psql')))('%s', (line) => tried(line))

  async function tried(line: string): Promise<void> {
    // once is enough
    const once = (await withIds(line)).replace(/ --every \S+/, '')
    const { code, stderr } = await it.shell(once, bucket.environment)
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' })
    // as declared again
    if (line.includes('generate-trigger')) await it.cli(['sync'])
  }

  /** An undo is of something that was done. */
  async function withIds(line: string): Promise<string> {
    if (line.startsWith('auditrum harden')) {
      return line
        .replace('--app-role shop', `--app-role ${app.name}`)
        .replace('auditors', admin.name)
    }
    if (line.includes('--rebase')) {
      // as if the chain had come from there
      await it.pool.query(`select auditrum.seal_append('rebase', jsonb_build_object(
        'incarnation', 2, 'system', 'another', 'snapshot', pg_current_snapshot(), 'more', true,
        'sequence', (select last_value::text from auditrum.audit_event_id_seq)))`)
    }
    if (line.includes('auditrum prove')) {
      await it.audit.seal()
      const { events } = await it.audit.page({ limit: 1 })
      return line.replace('prove 4711', `prove ${events[0]?.id}`)
    }
    if (!line.startsWith('auditrum revert')) return line
    const request_id = /--request (\S+)/.exec(line)?.[1] ?? 'another'
    await withContext({ request_id }, () =>
      it.pool.query('update orders set total = total + 1 where id = 42'),
    )
    const { events } = await it.audit.page({ limit: 1 })
    return line
      .replace('--transaction 4711', `--transaction ${events[0]?.transactionId}`)
      .replace('revert 4711', `revert ${events[0]?.id}`)
  }
})
