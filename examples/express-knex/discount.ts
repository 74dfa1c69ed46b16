// A script: DATABASE_URL=postgres://… npx tsx discount.ts 1 10 'Goodwill, ticket 881'
import { userInfo } from 'node:os'
import { withContext } from '@auditrum/knex'
import pg from 'pg'
import { openShop } from './database.ts'

const [id, percent, reason] = process.argv.slice(2)
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })
const { knex } = await openShop(pool)
const { username } = userInfo()
await withContext({ source: 'script', user_id: username, change_reason: reason }, () =>
  knex('orders')
    .where({ id })
    .update({ total: knex.raw('total * (100 - ?) / 100', [Number(percent)]) }),
)
await pool.end()
