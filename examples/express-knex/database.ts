import { randomBytes, scryptSync } from 'node:crypto'
import { auditrum, type KnexAuditrum, track, waive } from '@auditrum/knex'
import knexOf, { type Knex } from 'knex'
import type pg from 'pg'

export interface Shop {
  readonly pool: pg.Pool
  readonly knex: Knex
  readonly audit: KnexAuditrum
}

/** The shop's tables, and the audit trail of them. */
export async function openShop(pool: pg.Pool): Promise<Shop> {
  const knex = knexOf({ client: 'pg', connectionPool: pool })
  const audit = auditrum(knex, {
    tables: [
      track('staff', { exclude: ['password_hash'] }),
      track('customers', { mask: ['email'] }),
      track('orders', { ignore: ['updated_at'] }),
      waive('session', 'comes and goes with every login'),
    ],
  })
  if (!(await knex.schema.hasTable('orders'))) {
    await knex.schema
      .createTable('staff', (table) => {
        table.text('name').primary()
        table.text('password_hash').notNullable()
      })
      .createTable('customers', (table) => {
        table.increments()
        table.text('name').notNullable()
        table.text('email').notNullable()
      })
      .createTable('orders', (table) => {
        table.increments()
        table.integer('customer_id').notNullable().references('customers.id').onDelete('cascade')
        table.text('status').notNullable().defaultTo('new')
        table.decimal('total', 10, 2).notNullable()
        table.timestamp('updated_at').notNullable().defaultTo(knex.fn.now())
      })
  }
  await audit.sync()
  return { pool, knex, audit }
}

export function hash(password: string, salt = randomBytes(16).toString('hex')): string {
  return `${salt} ${scryptSync(password, salt, 32).toString('hex')}`
}
