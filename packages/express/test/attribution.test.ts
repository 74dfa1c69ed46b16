import http from 'node:http'
import { testServer } from '@auditrum/testkit/vitest'
import type { Request } from 'express'
import { expect, test } from 'vitest'
import { auditContext } from '../src/index.js'
import { frameworks } from './frameworks.js'
import { ask, attributed, insert, json, serve, shop } from './support.js'

const isNewest = testServer().version === '18'

test.runIf(isNewest)('5,000 requests of as many users, 200 at once on a pool of 5', async () => {
  const [, express] = frameworks[0]
  const it = await shop()
  const app = express()
  app.use(auditContext({ user: (req: Request) => req.body?.user }), express.json())
  app.post('/plain', async (req, res) => {
    await it.pool.query(insert, [req.body.user])
    res.end()
  })
  app.post('/callback', (req, res, next) => {
    it.pool.query(insert, [req.body.user], (error) => (error ? next(error) : res.end()))
  })
  app.post('/transaction', async (req, res) => {
    const client = await it.pool.connect()
    await client.query('begin')
    await client.query('select 1')
    await client.query(insert, [req.body.user])
    await client.query('commit')
    client.release()
    res.end()
  })
  app.post('/finish', (req, res) => {
    res.on('finish', () => it.note(req.body.user))
    res.end()
  })
  const url = await serve(app)
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
