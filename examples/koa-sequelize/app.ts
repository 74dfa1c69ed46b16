import { auditContext } from '@auditrum/koa'
import { withChangeReason } from '@auditrum/sequelize'
import { bodyParser } from '@koa/bodyparser'
import Router from '@koa/router'
import Koa from 'koa'
import session from 'koa-session'
import { Article, Clerk, hash, type Warehouse } from './database.ts'

const idOf = (ctx: { params: Record<string, string> }) => Number(ctx.params.id)

/** The warehouse over HTTP. Nothing in its handlers knows that it is audited. */
export function app({ sequelize, audit }: Warehouse): Koa {
  const router = new Router()

  router.post('/login', async (ctx) => {
    const { name, password } = ctx.request.body as { name: string; password: string }
    const clerk = await Clerk.findByPk(name)
    const [salt] = clerk?.passwordHash.split(' ') ?? []
    if (!clerk || hash(password, salt) !== clerk.passwordHash) ctx.throw(401, 'wrong password')
    ctx.session = { ...ctx.session, user: name } as never
    ctx.body = { name }
  })

  router.post('/articles', async (ctx) => {
    ctx.body = await Article.create(ctx.request.body as { title: string; price: string })
  })

  router.patch('/articles/:id', async (ctx) => {
    const { reason, ...changes } = ctx.request.body as { reason: string }
    const article = await Article.findByPk(idOf(ctx), { rejectOnEmpty: true })
    ctx.body = await withChangeReason(reason, () => article.update(changes))
  })

  router.post('/articles/:id/sell', async (ctx) => {
    ctx.body = await sequelize.transaction(async (transaction) => {
      const options = { transaction, lock: transaction.LOCK.UPDATE, rejectOnEmpty: true } as const
      const article = await Article.findByPk(idOf(ctx), options)
      if (article.stock < 1) ctx.throw(409, 'sold out')
      return article.decrement('stock', { transaction })
    })
  })

  router.get('/articles/:id/history', async (ctx) => {
    const events = audit.AuditEvent.forRecord(Article, idOf(ctx))
    ctx.body = await events.findAll({ include: 'context', order: [['id', 'DESC']], limit: 20 })
  })

  const koa = new Koa()
  koa.keys = ['only for a demo']
  return koa
    .use(auditContext({ user: (ctx) => ctx.session?.user }))
    .use(session({ key: 'session' }, koa))
    .use(async (ctx, next) => {
      if (ctx.method !== 'GET' && ctx.path !== '/login' && !ctx.session?.user) ctx.throw(401)
      await next()
    })
    .use(bodyParser())
    .use(router.routes())
}
