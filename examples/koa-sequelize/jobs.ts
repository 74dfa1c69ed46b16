import { withContext } from '@auditrum/sequelize'
import { Op } from 'sequelize'
import { Article } from './database.ts'

/** Orders what is nearly sold out; called by a timer. */
export function reorder(below = 3, amount = 10) {
  return withContext({ source: 'job', change_reason: `Fewer than ${below} left` }, () =>
    Article.increment('stock', { by: amount, where: { stock: { [Op.lt]: below } } }),
  )
}
