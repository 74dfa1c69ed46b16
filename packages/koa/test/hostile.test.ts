import { describe, expect, test } from 'vitest'
import { ask, serve } from '../../express/test/support.js'
import { auditContext } from '../src/index.js'
import { frameworks } from './frameworks.js'

describe.each(frameworks)('%s', (name, Koa) => {
  test('an error that is thrown to several requests has the id of none', async () => {
    const busy = Object.assign(new Error('busy'), { status: 503, expose: true })
    const app = new Koa({}).use(auditContext({ methods: ['POST'] })).use(() => {
      throw busy
    })
    app.silent = true
    const url = await serve(app.callback())
    const headers = { 'x-request-id': 'post-of-anna' }
    const post = await ask(url, { method: 'POST', headers })
    expect(post).toMatchObject({ status: 503, headers })
    const get = await ask(url)
    expect(get.status).toBe(503)
    expect(get.headers['x-request-id']).toBeUndefined()
  })

  test('errors with headers of their own, and states that the application has replaced, are answered', async () => {
    const failures: ((ctx: { state: unknown }) => void)[] = [
      () => {
        throw Object.assign(new Error('429'), { headers: new Headers({ 'retry-after': '7' }) })
      },
      (ctx) => {
        ctx.state = null
        throw new Error('no state')
      },
      (ctx) => {
        ctx.state = { requestId: 'a\u0100b\r\n' }
        throw new Error('odd state')
      },
    ]
    // Koa 2 itself cannot answer with a Headers
    for (const failure of failures.slice(name === 'Koa 2' ? 1 : 0)) {
      const heard: unknown[] = []
      const app = new Koa().use(auditContext()).use(failure as never)
      app.on('error', (error) => heard.push(error))
      const { status, headers } = await ask(await serve(app.callback()))
      expect([status, typeof headers['x-request-id'], heard.length]).toEqual([500, 'string', 1])
    }
  })

  test('what next() gives goes on to whoever is in front', async () => {
    const seen: unknown[] = []
    const app = new Koa()
      .use(async (ctx, next) => {
        seen.push(await next())
        ctx.body = ''
      })
      .use(auditContext())
      .use(async () => 'value')
    await ask(await serve(app.callback()))
    expect(seen).toEqual(['value'])
  })
})
