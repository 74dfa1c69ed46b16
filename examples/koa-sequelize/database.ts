import { randomBytes, scryptSync } from 'node:crypto'
import { auditrum, type SequelizeAuditrum } from '@auditrum/sequelize'
import {
  type CreationOptional,
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  Sequelize,
} from 'sequelize'

export class Clerk extends Model<InferAttributes<Clerk>, InferCreationAttributes<Clerk>> {
  declare name: string
  declare passwordHash: string
}

export class Article extends Model<InferAttributes<Article>, InferCreationAttributes<Article>> {
  declare id: CreationOptional<number>
  declare title: string
  declare price: string
  declare stock: CreationOptional<number>
  declare updatedAt: CreationOptional<Date>
}

export interface Warehouse {
  readonly sequelize: Sequelize
  readonly audit: SequelizeAuditrum
}

/** The warehouse's tables, and the audit trail of them. */
export async function openWarehouse(url: string): Promise<Warehouse> {
  const sequelize = new Sequelize(url, { logging: false, pool: { max: 5 } })
  const { TEXT, INTEGER, DECIMAL, DATE } = DataTypes
  Clerk.init(
    { name: { type: TEXT, primaryKey: true }, passwordHash: { type: TEXT, allowNull: false } },
    { sequelize, underscored: true, timestamps: false },
  )
  Article.init(
    {
      id: { type: INTEGER, primaryKey: true, autoIncrement: true },
      title: { type: TEXT, allowNull: false },
      price: { type: DECIMAL(10, 2), allowNull: false },
      stock: { type: INTEGER, allowNull: false, defaultValue: 0 },
      updatedAt: DATE,
    },
    { sequelize, underscored: true, createdAt: false },
  )
  const audit = auditrum(sequelize)
  audit.track(Clerk, { exclude: ['passwordHash'] })
  audit.track(Article, { ignore: ['updatedAt'] })
  await sequelize.sync()
  await audit.sync()
  return { sequelize, audit }
}

export function hash(password: string, salt = randomBytes(16).toString('hex')): string {
  return `${salt} ${scryptSync(password, salt, 32).toString('hex')}`
}
