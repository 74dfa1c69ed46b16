// How requests write: through node-postgres, Knex and Sequelize, each with a pool of its own.
import { auditrum as auditKnex } from '@auditrum/knex'
import { auditrum, track } from '@auditrum/pg'
import { auditrum as auditSequelize } from '@auditrum/sequelize'
import knexOf from 'knex'
import pg from 'pg'
import { Sequelize } from 'sequelize'
import { failing, type Statement, slow, tedious } from './statements.ts'
import type { End, Way } from './work.ts'

/** The size of each pool. */
export const POOL = 10

/** Runs a statement in a transaction. */
type Run = (statement: Statement) => Promise<unknown>

/** A library that requests write with. */
export interface Writing {
  statement(statement: Statement): Promise<unknown>
  /** Runs `act` in a transaction, and commits it; what `act` throws rolls it back. */
  transaction(act: (run: Run) => Promise<unknown>): Promise<unknown>
}

/** A connection that is lost, as the application sees it. */
export class Cut extends Error {
  readonly end: End
  constructor(end: End) {
    super(end)
    this.end = end
  }
}

/** Opens the three, and tracks the tables. */
export async function openWays(connectionString: string): Promise<Readonly<Record<Way, Writing>>> {
  return {
    pg: throughPg(await audited(connectionString)),
    knex: throughKnex(connectionString),
    sequelize: throughSequelize(connectionString),
  }
}

async function audited(connectionString: string): Promise<pg.Pool> {
  const pool = new pg.Pool({ connectionString, max: POOL })
  // of connections that are cut
  pool.on('error', () => undefined)
  const audit = auditrum(pool, {
    maintain: false,
    tables: [track('entries'), track('accounts')],
  })
  await audit.sync()
  return pool
}

function throughPg(pool: pg.Pool): Writing {
  return {
    statement: ([text, values]) => pool.query(text, [...values]),
    async transaction(act) {
      const client = await pool.connect()
      let broken = false
      try {
        await client.query('begin')
        await act(([text, values, patience]) =>
          client.query({ text, values: [...values], ...(patience && { query_timeout: patience }) }),
        )
        await client.query('commit')
      } catch (error) {
        broken = error instanceof Cut
        if (!broken) await client.query('rollback')
        else if ((error as Cut).end === 'cut at commit')
          client.query('commit').catch(() => undefined)
        throw error
      } finally {
        client.release(broken)
      }
    },
  }
}

function throughKnex(connection: string): Writing {
  const knex = knexOf({ client: 'pg', connection, pool: { min: 0, max: POOL } })
  auditKnex(knex, { maintain: false })
  return {
    statement: (statement) => knex.raw(...asKnex(statement)),
    transaction: (act) => knex.transaction((trx) => act((each) => trx.raw(...asKnex(each)))),
  }
}

function throughSequelize(connection: string): Writing {
  const sequelize = new Sequelize(connection, {
    logging: false,
    pool: { max: POOL, acquire: 120_000 },
  })
  auditSequelize(sequelize, { maintain: false })
  return {
    statement: ([text, bind]) => sequelize.query(text, { bind: [...bind] }),
    transaction: (act) =>
      sequelize.transaction((transaction) =>
        act(([text, bind]) =>
          sequelize.query(text, { ...(bind.length > 0 && { bind: [...bind] }), transaction }),
        ),
      ),
  }
}

/** Knex has names for values, and no numbers. */
function asKnex([text, values]: Statement): [string, Record<string, never>] {
  const names = text.replaceAll(/\$(\d)/g, ':v$1')
  return [names, Object.fromEntries(values.map((value, n) => [`v${n + 1}`, value as never]))]
}

/** Makes a transaction end as it is to. */
export async function bringAbout(end: End, run: Run): Promise<void> {
  if (end === 'commit') return
  if (end === 'error') await run(failing)
  if (end === 'timeout') for (const statement of slow) await run(statement)
  if (end === 'impatience') await run(tedious)
  throw end.startsWith('cut') ? new Cut(end) : new Error('the application changes its mind')
}
