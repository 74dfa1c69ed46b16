import type { Request, RequestHandler } from 'express'
import { describe, expect, test } from 'vitest'
import { amendContext, auditContext, currentContext, withContext } from '../src/index.js'
import { frameworks } from './frameworks.js'
import { ask, serve, shop } from './support.js'

const it = await shop()
const user = (req: Request) => req.get('x-user')
const as = (name: string) => ({ headers: { 'x-user': name } })

describe.each(frameworks)('%s', (_, express) => {
  const note =
    (text: string): RequestHandler =>
    (__, res, next) => {
      it.note(text).then(() => res.end(), next)
    }

  test('somebody who logs in as another one is that one from then on; who logs out stays', async () => {
    const app = express().use(auditContext({ user: (req) => (req as { who?: string }).who }))
    app.use(async (req, res, next) => {
      const known = req as { who?: string | undefined }
      try {
        known.who = 'anna'
        currentContext()
        await it.note('visit')
        known.who = 'ben'
        await it.note('login')
        known.who = undefined
        await it.note('logout')
        amendContext({ user_id: 'cleo' })
        known.who = 'ben'
        await it.note('said')
        res.end()
      } catch (error) {
        next(error)
      }
    })
    await ask(await serve(app))
    expect(await it.told()).toEqual([
      ['visit', 'anna'],
      ['login', 'ben'],
      ['logout', 'ben'],
      ['said', 'cleo'],
    ])
  })

  test('who has no name does not have that of another one', async () => {
    let who: object = { id: 1, username: 'anna' }
    const app = express().use(auditContext({ user: () => who }))
    app.use(async (_req, res) => {
      await it.note('first')
      who = { id: 2 }
      await it.note('second')
      res.end()
    })
    await ask(await serve(app))
    expect(
      (await it.entries()).map(({ metadata: { user_id, username } }) => [user_id, username]),
    ).toEqual([
      [1, 'anna'],
      [2, ''],
    ])
  })

  test('what a request without a context adds is its own, not that of all', async () => {
    await withContext({ source: 'server' }, async () => {
      const app = express().use(auditContext({ methods: ['POST'] }))
      app.get('/callback', (__, res) => {
        amendContext({ user_id: 'anna' })
        res.end()
      })
      app.post('/order', note('order'))
      const url = await serve(app)
      await ask(`${url}/callback`)
      await ask(`${url}/order`, { method: 'POST' })
    })
    expect(await it.told()).toEqual([['order', null]])
  })

  test('a second middleware names its own user, not the first with another name', async () => {
    const app = express()
      .use(auditContext({ user: () => ({ id: 1, username: 'anna' }) }))
      .use(auditContext({ user: () => ({ id: 99 }) }))
      .use(note('x'))
    await ask(await serve(app))
    const [entry] = await it.entries()
    expect(entry?.metadata).toMatchObject({ user_id: 99, username: '' })
  })

  test.each<[string, unknown, string]>([
    ['a long one', 'u'.repeat(2_000), 'too many'],
    ['an object', { id: { $oid: 'x' } }, 'names no user'],
    ['a promise in it', { id: Promise.resolve(7) }, 'the function returned a promise'],
    ['a function', { id: () => 7 }, 'names no user'],
    ['no number', Number.NaN, 'names no user'],
    ['a list', { id: [7] }, 'names no user'],
  ])('a user that cannot be is said, and nobody else: %s', async (__, given, message) => {
    const app = express()
      .use(auditContext({ user: () => given as never }))
      .use(note('x'))
    expect((await ask(await serve(app))).status).toBe(200)
    const [entry] = await it.entries()
    expect(entry).toMatchObject({ user: null, error: expect.stringContaining(message) })
    expect(it.errors.splice(0)).toHaveLength(1)
  })

  test('whatever fails while a context is made, the request goes on', async () => {
    const metadata = () => ({
      get tenant(): string {
        throw new Error('no')
      },
    })
    const app = express()
    app.set('trust proxy', () => {
      throw new Error('no')
    })
    app.use((req, __, next) => {
      Object.defineProperty(req, 'id', { get: () => 'fixed' })
      next()
    })
    app.use(auditContext({ metadata })).use(note('x'))
    const headers = { 'x-forwarded-for': '1.1.1.1, garbage' }
    const answer = await ask(await serve(app), { headers })
    expect(answer).toMatchObject({ status: 200, headers: { 'x-request-id': 'fixed' } })
    expect((await it.entries())[0]).toMatchObject({
      error: expect.stringContaining('metadata: no'),
    })
    it.errors.splice(0)
  })

  test('what a failing function says is one line', async () => {
    const app = express().use(
      auditContext({
        user: () => {
          throw new Error('bad\nauditrum: all is well\r')
        },
      }),
    )
    await ask(await serve(app.use(note('x'))))
    expect((await it.entries())[0]?.error).toBe('user_id: bad auditrum: all is well ')
    it.errors.splice(0)
  })

  test('a url has no authority, query or session in it', async () => {
    const url = new URL(await serve(express().use(auditContext()).use(note('x'))))
    for (const path of ['http://u:secret@host/a/b?c=secret', '/a/b;jsessionid=secret?x']) {
      await ask(url.href, { path })
    }
    expect((await it.entries()).map(({ metadata }) => metadata.url)).toEqual(['/a/b', '/a/b'])
  })

  test('a queue that lets the next one go on when one has finished, with the middleware behind it', async () => {
    const audited = auditContext({ user })
    const waiting: (() => void)[] = []
    let isBusy = false
    const limit: RequestHandler = (_req, res, next) => {
      const go = () => {
        isBusy = true
        res.on('finish', () => {
          isBusy = false
          waiting.shift()?.()
        })
        next()
      }
      if (isBusy) waiting.push(go)
      else go()
    }
    const app = express().use(audited, limit, audited)
    app.use((req, res, next) => {
      it.note(String(user(req))).then(() => res.end(), next)
    })
    const url = await serve(app)
    await Promise.all(['a', 'b', 'c', 'd'].map((name) => ask(url, as(name))))
    for (const [what, who] of await it.told()) expect(who).toBe(what)
  })
})

test('a promise that outlives its request does not keep it', async () => {
  const express = frameworks[0]?.[1]
  if (!express) return
  const kept: Promise<unknown>[] = []
  let request: WeakRef<object> | undefined
  const app = express().use(auditContext({ user: (req) => req.get('x-user') }))
  app.use((req, res) => {
    request = new WeakRef(req)
    kept.push(Promise.resolve().then(() => currentContext()))
    res.end()
  })
  const url = await serve(app)
  await ask(url, as('anna'))
  const { setFlagsFromString } = await import('node:v8')
  const { runInNewContext } = await import('node:vm')
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  await expect
    .poll(
      () => {
        collect()
        return request?.deref()
      },
      { timeout: 10_000 },
    )
    .toBeUndefined()
  expect(await Promise.all(kept)).toMatchObject([{ metadata: { user_id: 'anna' } }])
})
