import type { Context } from 'koa'
import { describe, expect, test } from 'vitest'
import { ask, serve, shop } from '../../express/test/support.js'
import {
  amendContext,
  auditContext,
  type KoaContextOptions,
  withChangeReason,
} from '../src/index.js'
import { frameworks } from './frameworks.js'

const it = await shop()
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const fail = () => {
  throw new Error('no')
}

describe.each(frameworks)('%s', (_, Koa) => {
  const writing = async (ctx: Context) => {
    await it.note(`${ctx.state.requestId}`)
    ctx.body = ''
  }
  const audited = (options?: KoaContextOptions) => new Koa().use(auditContext(options))

  /** What stands in the log of one request. */
  async function logged(options?: KoaContextOptions, request: Parameters<typeof ask>[1] = {}) {
    const { headers } = await ask(
      `${await serve(audited(options).use(writing).callback())}/a/b?c=d`,
      request,
    )
    const [entry] = await it.entries()
    const { what, user, error, metadata = {} } = entry ?? {}
    return { ...metadata, what, user, error, metadata, id: headers['x-request-id'] }
  }

  test('by itself it records from where, and by which request', async () => {
    const { id, metadata, user, error } = await logged(undefined, {
      headers: { 'user-agent': 'test/1', 'x-forwarded-for': '9.9.9.9' },
    })
    expect(id).toMatch(uuid)
    expect({ metadata, user, error }).toEqual({
      metadata: {
        source: 'web',
        request_id: id,
        method: 'GET',
        url: '/a/b',
        client_ip: '127.0.0.1',
        user_agent: 'test/1',
      },
      user: null,
      error: null,
    })
  })

  test('methods: those alone have a context', async () => {
    const methods = ['post']
    expect(await logged({ methods, metadata: { a: 1 } })).toMatchObject({ what: 'undefined' })
    expect(await logged({ methods, metadata: { a: 1 } })).not.toHaveProperty('a')
    expect(await logged({ methods, metadata: { a: 1 } }, { method: 'POST' })).toHaveProperty('a', 1)
  })

  test.each<[unknown, string | null, string | undefined]>([
    ['anna', 'anna', undefined],
    [7, '7', undefined],
    [7n, '7', undefined],
    [0, '0', undefined],
    [{ id: 7, username: 'anna', email: 'a@b' }, '7', 'anna'],
    [{ id: { toString: () => '65f0' }, email: 'a@b' }, '65f0', 'a@b'],
    [{ username: 'anna' }, null, 'anna'],
    ['', null, undefined],
    [false, null, undefined],
    [null, null, undefined],
  ])('user: %o', async (answer, user, username) => {
    const entry = await logged({ user: () => answer as never })
    expect([entry.user, entry.metadata.username, entry.error]).toEqual([user, username, null])
  })

  test('metadata adds, overrules and leaves out; of the request or not, now or later', async () => {
    expect(await logged({ metadata: { source: 'api', user_agent: undefined } })).toMatchObject({
      metadata: { source: 'api', method: 'GET' },
    })
    const metadata = (ctx: Context) => ({
      host: ctx.hostname,
      path: () => ctx.path,
      url: undefined,
    })
    const entry = await logged({ metadata })
    expect(entry).toMatchObject({ host: '127.0.0.1', path: '/a/b' })
    expect(entry).not.toHaveProperty('url')
    expect(await logged({ metadata: () => undefined })).toMatchObject({ error: null })
  })

  test('ip: honours app.proxy; ip and userAgent: false leave out', async () => {
    const headers = { 'x-forwarded-for': '9.9.9.9', 'user-agent': 'test/1' }
    const app = audited().use(writing)
    app.proxy = true
    await ask(await serve(app.callback()), { headers })
    expect((await it.entries())[0]?.metadata.client_ip).toBe('9.9.9.9')
    const none = await logged({ ip: false, userAgent: false }, { headers })
    expect(none).not.toHaveProperty('client_ip')
    expect(none).not.toHaveProperty('user_agent')
  })

  describe('the request id', () => {
    const by = (id: string) => ({ headers: { 'x-request-id': id } })

    test('is the header if it is sane and trusted, on ctx.state.requestId and on the response', async () => {
      const sane = `${'x'.repeat(198)}/~`
      expect(await logged({}, by(sane))).toMatchObject({ request_id: sane, what: sane, id: sane })
      for (const insane of ['x'.repeat(201), 'a b', 'é', '']) {
        const { id, metadata, what } = await logged({}, by(insane))
        expect(id).toMatch(uuid)
        expect([metadata.request_id, what]).toEqual([id, id])
      }
      expect((await logged({ trustRequestId: false }, by('abc'))).id).toMatch(uuid)
    })

    test('is what the option says, in place of the header', async () => {
      expect(await logged({ requestId: (ctx) => ctx.path }, by('abc'))).toMatchObject({
        request_id: '/a/b',
        id: '/a/b',
      })
      expect((await logged({ requestId: () => undefined }, by('abc'))).id).toMatch(uuid)
    })

    test.each([
      ['by-a-logger', 'by-a-logger'],
      [41, '41'],
      [{ not: 'an id' }, 'abc'],
    ])('that somebody has given before stays: %o', async (before, id) => {
      for (const place of ['state', 'req'] as const) {
        const app = new Koa().use((ctx, next) => {
          Object.assign(ctx[place], place === 'req' ? { id: before } : { requestId: before })
          return next()
        })
        app.use(auditContext()).use(writing)
        const { headers } = await ask(await serve(app.callback()), by('abc'))
        const [entry] = await it.entries()
        expect([entry?.metadata.request_id, headers['x-request-id']]).toEqual([id, id])
      }
    })

    test('is where a logger behind looks for it', async () => {
      const app = audited().use((ctx) => {
        ctx.body = (ctx.req as { readonly id?: string }).id
      })
      expect((await ask(await serve(app.callback()), by('abc'))).text).toBe('abc')
    })

    test('is on the response of what failed, too', async () => {
      const app = audited().use(() => {
        throw new Error('no')
      })
      app.silent = true
      const { status, headers } = await ask(await serve(app.callback()), by('abc'))
      expect([status, headers['x-request-id']]).toEqual([500, 'abc'])
    })
  })

  describe('a function that fails', () => {
    test.each<[string, KoaContextOptions, string]>([
      ['user', { user: fail }, 'user_id: no'],
      ['user', { user: (async () => fail()) as never }, 'user_id: the function returned a promise'],
      // biome-ignore lint/suspicious/noThenProperty: as the queries of Knex and Drizzle
      ['user', { user: () => ({ then: fail }) as never }, 'user_id: the function returned a prom'],
      ['metadata', { metadata: fail }, 'metadata: no'],
      [
        'metadata',
        { metadata: (async () => fail()) as never },
        'metadata: the function returned a promise',
      ],
      ['metadata', { metadata: () => 'x' as never }, 'metadata: the function returned "x"'],
      ['requestId', { requestId: fail }, 'requestId: no'],
      ['requestId', { requestId: (async () => fail()) as never }, 'requestId: the function retur'],
    ])('%s: the request goes on, and it is said once (%o)', async (_, options, error) => {
      it.errors.length = 0
      const app = audited(options).use(async (ctx) => {
        await it.note('one')
        await it.note('two')
        await withChangeReason('because', () => it.note('three'))
        ctx.body = ctx.state.requestId
      })
      const { status, text } = await ask(await serve(app.callback()))
      expect([status, text]).toEqual([200, expect.stringMatching(uuid)])
      const entries = await it.entries()
      expect(entries.map(({ what }) => what)).toEqual(['one', 'two', 'three'])
      for (const entry of entries) {
        expect(entry).toMatchObject({ error: expect.stringContaining(error), user: null })
        expect(entry.metadata).toMatchObject({ source: 'web', url: '/', request_id: text })
      }
      expect(it.errors.map(({ message }) => message)).toEqual([expect.stringContaining(error)])
    })

    test('user: as soon as it answers, it is known', async () => {
      const app = audited({ user: (ctx) => ctx.state.user.id }).use(async (ctx) => {
        await it.note('before')
        ctx.state.user = { id: 7, username: 'anna' }
        await it.note('after')
        ctx.body = ''
      })
      await ask(await serve(app.callback()))
      const [before, after] = await it.entries()
      expect(before).toMatchObject({ user: null, error: expect.stringContaining('user_id: ') })
      expect(after).toMatchObject({ user: '7', error: null })
    })
  })

  test('amendContext after a login, withChangeReason in a handler', async () => {
    const app = audited().use(async (ctx) => {
      await it.note('before')
      amendContext({ user_id: 7 })
      await withChangeReason('refund', () => it.note('inside'))
      ctx.res.on('finish', () => it.note('finish'))
      ctx.body = ''
    })
    const finished = it.written('finish')
    await ask(await serve(app.callback()))
    await finished
    const entries = await it.entries()
    expect(entries.map(({ what, user, metadata }) => [what, user, metadata.change_reason])).toEqual(
      [
        ['before', null, undefined],
        ['inside', '7', 'refund'],
        ['finish', '7', undefined],
      ],
    )
  })

  describe('mounted twice', () => {
    test('the same one: once', async () => {
      let asked = 0
      const ours = auditContext({ user: () => `user ${++asked}` })
      const app = new Koa().use(ours).use(ours).use(writing)
      const { headers } = await ask(await serve(app.callback()))
      const [entry] = await it.entries()
      expect(entry?.user).toBe('user 1')
      expect(headers['x-request-id']).toBe(entry?.metadata.request_id)
    })

    test('two: one id, and the inner one adds', async () => {
      const app = audited({ user: (ctx) => ctx.get('x-user'), metadata: { a: 1, b: 1 } })
      app.use((_ctx, next) => it.note('outside').then(next))
      const inner = auditContext({ user: () => undefined, ip: false, metadata: { b: 2 } })
      app.use(inner).use((ctx, next) => {
        ctx.res.on('finish', () => it.note('finish'))
        return next()
      })
      app.use(writing)
      const finished = it.written('finish')
      const { headers } = await ask(await serve(app.callback()), { headers: { 'x-user': 'anna' } })
      await finished
      const [outside, ...inside] = await it.entries()
      const id = headers['x-request-id']
      expect(outside).toMatchObject({ user: 'anna', metadata: { a: 1, b: 1, request_id: id } })
      for (const each of inside) {
        expect(each).toMatchObject({ user: 'anna', metadata: { a: 1, b: 2, request_id: id } })
      }
      expect(inside.map(({ what }) => what)).toEqual([id, 'finish'])
    })
  })
})

test('options that are wrong are refused, and a secret is not shown', () => {
  const wrong: [object, string][] = [
    [{ usr: fail }, 'no option "usr". Did you mean "user"?'],
    [{ user: 'anna' }, 'the option user is "anna". Give a function of the request.'],
    [{ requestId: 7 }, 'the option requestId is 7. Give a function of the request.'],
    [{ trustRequestId: 'no' }, 'trustRequestId: "no". Give true or false.'],
    [{ metadata: [] }, 'the option metadata is []. Give an object, or a function'],
    [{ methods: 'POST' }, "the option methods is \"POST\". Give a list such as ['POST', 'PUT']."],
    [{ session: true }, 'the option session has no secret. Give { secret }'],
    [{ session: { secret: '' } }, 'the option session has no secret. Give { secret }'],
  ]
  for (const [options, message] of wrong) expect(() => auditContext(options)).toThrow(message)
  expect(() => auditContext({ session: 'hush' as never })).not.toThrow('hush')
})
