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
  await knex.raw(`
    create table if not exists staff (name text primary key, password_hash text not null);
    create table if not exists customers (
      id serial primary key, name text not null, email text not null
    );
    create table if not exists orders (
      id serial primary key, customer_id integer not null references customers on delete cascade,
      status text not null default 'new', total numeric(10, 2) not null,
      updated_at timestamptz not null default now()
    )`)
  await audit.sync()
  return { pool, knex, audit }
}

export function hash(password: string, salt = randomBytes(16).toString('hex')): string {
  return `${salt} ${scryptSync(password, salt, 32).toString('hex')}`
}
