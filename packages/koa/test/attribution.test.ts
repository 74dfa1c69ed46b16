import http from 'node:http'
import { testServer } from '@auditrum/testkit/vitest'
import { bodyParser } from '@koa/bodyparser'
import Router from '@koa/router'
import type { Context } from 'koa'
import { expect, test } from 'vitest'
import { ask, attributed, insert, json, serve, shop } from '../../express/test/support.js'
import { auditContext } from '../src/index.js'
import { frameworks } from './frameworks.js'

const userOf = (ctx: Context) => (ctx.request.body as { user: string } | undefined)?.user ?? ''
const isNewest = testServer().version === '18'

test.runIf(isNewest)('5,000 requests of as many users, 200 at once on a pool of 5', async () => {
  const [, Koa] = frameworks[0]
  const it = await shop()
  const router = new Router()
  router.post('/plain', async (ctx) => {
    await it.pool.query(insert, [userOf(ctx)])
    ctx.body = ''
  })
  router.post('/callback', (ctx) => {
    ctx.body = ''
    return new Promise<void>((done, failed) => {
      it.pool.query(insert, [userOf(ctx)], (error) => (error ? failed(error) : done()))
    })
  })
  router.post('/transaction', async (ctx) => {
    const client = await it.pool.connect()
    await client.query('begin')
    await client.query('select 1')
    await client.query(insert, [userOf(ctx)])
    await client.query('commit')
    client.release()
    ctx.body = ''
  })
  router.post('/finish', (ctx) => {
    ctx.res.on('finish', () => it.note(userOf(ctx)))
    ctx.body = ''
  })
  const app = new Koa()
  app.use(auditContext({ user: userOf }))
  app.use(bodyParser()).use(router.routes())
  const url = await serve(app.callback())
  const agent = new http.Agent({ keepAlive: true, maxSockets: 200 })
  const ways = ['plain', 'callback', 'transaction', 'finish']
  await Promise.all(
    Array.from({ length: 5_000 }, async (_, n) => {
      const user = `user ${n}`
      const way = ways[n % ways.length]
      const done = way === 'finish' ? it.written(user) : undefined
      const body = JSON.stringify({ user })
      const { status } = await ask(`${url}/${way}`, { method: 'POST', agent, headers: json, body })
      expect(status).toBe(200)
      await done
    }),
  )
  agent.destroy()
  expect(await attributed(it)).toEqual({ events: 5_000, users: 5_000, wrong: 0, left: [] })
})
