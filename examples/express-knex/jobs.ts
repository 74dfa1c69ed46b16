import { withContext } from '@auditrum/knex'
import type { Shop } from './database.ts'

/** Closes what nobody has paid; called by a timer. */
export function closeUnpaid({ knex }: Shop, days = 30): Promise<number> {
  return withContext({ source: 'job', change_reason: `Unpaid for ${days} days` }, () =>
    knex('orders')
      .where({ status: 'new' })
      .whereRaw(`updated_at <= now() - ? * interval '1 day'`, [days])
      .update({ status: 'closed' }),
  )
}
