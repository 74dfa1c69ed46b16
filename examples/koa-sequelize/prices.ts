// A script: DATABASE_URL=postgres://… npx tsx prices.ts 5 'Prices of 2027'
import { userInfo } from 'node:os'
import { withContext } from '@auditrum/sequelize'
import { Article, openWarehouse } from './database.ts'

const [percent, reason] = process.argv.slice(2)
const { sequelize } = await openWarehouse(process.env.DATABASE_URL ?? '')
const price = sequelize.literal(`round(price * (100 + ${Number(percent)}) / 100, 2)`)
await withContext({ source: 'script', user_id: userInfo().username, change_reason: reason }, () =>
  Article.update({ price: price as never }, { where: {} }),
)
await sequelize.close()
