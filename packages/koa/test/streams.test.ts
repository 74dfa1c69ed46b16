import { EventEmitter, once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import { PassThrough, Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { bodyParser } from '@koa/bodyparser'
import upload from '@koa/multer'
import Router from '@koa/router'
import type { Context, Next } from 'koa'
import type { StorageEngine } from 'multer'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ask, json, serve, shop } from '../../express/test/support.js'
import { auditContext, withChangeReason } from '../src/index.js'
import { frameworks } from './frameworks.js'

const it = await shop()
const user = (ctx: Context) => ctx.get('x-user')
const anna = { 'x-user': 'anna' }
const bob = { 'x-user': 'bob' }
const post = { method: 'POST', headers: anna }

describe.each(frameworks)('%s', (_, Koa) => {
  const audited = () => new Koa().use(auditContext({ user }))

  test.each(['in front of', 'behind'])('%s the body parser, and a router', async (place) => {
    const app = new Koa()
    const ours = auditContext({ user })
    const parser = bodyParser({ enableTypes: ['json', 'form', 'text'] })
    for (const each of place === 'behind' ? [parser, ours] : [ours, parser]) app.use(each)
    const router = new Router().post('/', async (ctx) => {
      await it.note(JSON.stringify(ctx.request.body))
      ctx.body = ''
    })
    const url = await serve(app.use(router.routes()).callback())
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    const text = { 'content-type': 'text/plain' }
    await ask(url, { ...post, headers: { ...anna, ...json }, body: '{"a":1}' })
    await ask(url, { ...post, headers: { ...anna, ...form }, body: 'a=2' })
    await ask(url, { ...post, headers: { ...anna, ...text }, body: 'x'.repeat(90_000) })
    expect(await it.told()).toEqual([
      ['{"a":1}', 'anna'],
      ['{"a":"2"}', 'anna'],
      [`"${'x'.repeat(90_000)}"`, 'anna'],
    ])
  })

  test("what listens to the request's and the response's events", async () => {
    const app = audited().use(async (ctx) => {
      ctx.req.once('data', () => it.note('data'))
      ctx.req.on('end', () => it.note('end'))
      ctx.res.on('finish', () => it.note('finish'))
      ctx.res.on('close', () => it.note('close'))
      await once(ctx.req, 'end')
      ctx.body = ''
    })
    const what = ['close', 'data', 'end', 'finish']
    const done = Promise.all(what.map(it.written))
    await ask(await serve(app.callback()), { ...post, body: 'x' })
    await done
    expect((await it.told()).toSorted()).toEqual(what.map((each) => [each, 'anna']))
  })

  const writing = () =>
    new Writable({
      write: (_chunk, _encoding, done) => void it.note('chunk').then(() => done(), done),
      final: (done) => void it.note('final').then(() => done(), done),
    })

  test.each<[string, (req: http.IncomingMessage) => Promise<unknown>]>([
    [
      'for await',
      async (req) => {
        for await (const _ of req) await it.note('chunk')
        await it.note('final')
      },
    ],
    ['pipeline', (req) => pipeline(req, writing())],
    ['pipe', (req) => once(req.pipe(writing()), 'finish')],
  ])('a body read by %s', async (_, read) => {
    const app = audited().use(async (ctx) => {
      await read(ctx.req)
      ctx.body = ''
    })
    await ask(await serve(app.callback()), { ...post, body: 'x'.repeat(300_000) })
    const told = await it.told()
    expect(told.length).toBeGreaterThan(2)
    expect(told.at(-1)).toEqual(['final', 'anna'])
    expect(told.filter(([, who]) => who !== 'anna')).toEqual([])
  })

  test('a streamed upload through multer, from its callbacks', async () => {
    const storage: StorageEngine = {
      _handleFile(_req, { stream }, done) {
        stream.once('data', () => it.note('data'))
        stream.on('end', () => it.note('file').then(() => done(null, {}), done))
      },
      _removeFile: (_req, _file, done) => done(null),
    }
    const uploads = upload({
      storage,
      fileFilter: (_req, _file, done) => void it.note('filter').then(() => done(null, true)),
    })
    const app = audited()
      .use(uploads.single('file'))
      .use(async (ctx) => {
        await it.note('handler')
        ctx.body = ''
      })
    const body = new FormData()
    body.set('file', new Blob(['x'.repeat(300_000)]), 'x.txt')
    const data = it.written('data')
    expect((await fetch(await serve(app.callback()), { ...post, body })).status).toBe(200)
    await data
    expect((await it.told()).toSorted()).toEqual(
      ['data', 'file', 'filter', 'handler'].map((what) => [what, 'anna']),
    )
  })

  test('an event emitter that is older than the request: whoever emits is the actor', async () => {
    const bus = new EventEmitter()
    const heard = it.written('heard')
    bus.on('ordered', () => it.note('heard'))
    const app = audited().use((ctx) => {
      bus.emit('ordered')
      ctx.body = ''
    })
    await ask(await serve(app.callback()), { headers: anna })
    await heard
    expect(await it.told()).toEqual([['heard', 'anna']])
  })

  test('a timer that fires after the response', async () => {
    const later = it.written('later')
    const app = audited().use((ctx) => {
      ctx.res.on('close', () => setTimeout(() => it.note('later'), 5))
      ctx.body = ''
    })
    await ask(await serve(app.callback()), { headers: anna })
    await later
    expect(await it.told()).toEqual([['later', 'anna']])
  })

  test("a handler that fails, a middleware that catches, and the application's error event", async () => {
    const told = it.written('event: no')
    const app = audited()
      .use(async (_ctx, next) => {
        try {
          await next()
        } catch (error) {
          await it.note(`caught: ${(error as Error).message}`)
          throw error
        }
      })
      .use(async () => {
        await it.note('handler')
        throw new Error('no')
      })
    app.on('error', (error: Error) => it.note(`event: ${error.message}`))
    const { status, headers } = await ask(await serve(app.callback()), { headers: anna })
    await told
    expect(status).toBe(500)
    const entries = await it.entries()
    expect(entries.map(({ what, user }) => [what, user])).toEqual([
      ['handler', 'anna'],
      ['caught: no', 'anna'],
      ['event: no', 'anna'],
    ])
    expect(entries[2]?.metadata.request_id).toBe(headers['x-request-id'])
  })

  test('a client that goes away in the middle of an upload', async () => {
    const app = audited().use((ctx) => {
      ctx.respond = false
      ctx.req.once('data', () => it.note('data').then(() => request.destroy()))
      ctx.req.on('aborted', () => it.note('aborted'))
      ctx.req.on('error', () => it.note('error'))
      ctx.req.on('close', () => it.note('request closed'))
      ctx.res.on('close', () => it.note('response closed'))
    })
    app.silent = true
    const what = ['aborted', 'data', 'error', 'request closed', 'response closed']
    const done = Promise.all(what.map(it.written))
    const request = http.request(await serve(app.callback()), {
      ...post,
      headers: { ...anna, 'content-length': 1_000_000 },
    })
    request.on('error', () => undefined).write('x'.repeat(1_000))
    await done
    const entries = await it.entries()
    expect(entries.map(({ what, user }) => [what, user]).toSorted()).toEqual(
      what.map((each) => [each, 'anna']),
    )
    expect(entries.map(({ metadata }) => metadata.client_ip)).toEqual(what.map(() => '127.0.0.1'))
  })

  test('users in turn on one socket, every fifth of them anonymous', async () => {
    const ports = new Set<number | undefined>()
    const app = audited()
      .use(bodyParser())
      .use(async (ctx) => {
        ports.add(ctx.req.socket.remotePort)
        ctx.res.on('finish', () => it.note(`finish ${ctx.path.slice(1)}`))
        await it.note(`handle ${ctx.path.slice(1)}`)
        ctx.body = ''
      })
    const url = await serve(app.callback())
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    const numbers = Array.from({ length: 20 }, (_, n) => n)
    const done = Promise.all(numbers.map((n) => it.written(`finish ${n}`)))
    for (const n of numbers) {
      const headers = { ...json, ...(n % 5 && { 'x-user': `user ${n}` }) }
      await ask(`${url}/${n}`, { method: 'POST', agent, headers, body: '{}' })
    }
    await done
    agent.destroy()
    expect(ports.size).toBe(1)
    const told = await it.told()
    expect(told).toHaveLength(40)
    for (const [what, who] of told) {
      const n = Number(what.slice(7))
      expect(who).toBe(n % 5 ? `user ${n}` : null)
    }
  })

  test('server-sent events, of two users at once', async () => {
    const app = audited().use((ctx) => {
      const events = new PassThrough()
      ctx.type = 'text/event-stream'
      ctx.body = events
      const send = async () => {
        for (let n = 1; n <= 3; n++) {
          await sleep(2)
          await it.note(`${user(ctx)} ${n}`)
          events.write(`data: ${n}\n\n`)
        }
        events.end()
      }
      send()
    })
    const url = await serve(app.callback())
    const [answer] = await Promise.all([ask(url, { headers: anna }), ask(url, { headers: bob })])
    expect(answer.text).toBe('data: 1\n\ndata: 2\n\ndata: 3\n\n')
    const told = await it.told()
    expect(told).toHaveLength(6)
    for (const [what, who] of told) expect(what.slice(0, -2)).toBe(who)
  })

  test('a streamed body that writes as it is read', async () => {
    async function* exported(ctx: Context) {
      for (let n = 1; n <= 40; n++) {
        await it.note(`${user(ctx)} ${n}`)
        yield 'x'.repeat(10_000)
      }
    }
    const app = audited().use((ctx) => {
      ctx.body = Readable.from(exported(ctx))
    })
    const url = await serve(app.callback())
    const answers = await Promise.all([anna, bob].map((headers) => ask(url, { headers })))
    expect(answers.map(({ text }) => text.length)).toEqual([400_000, 400_000])
    const told = await it.told()
    expect(told).toHaveLength(80)
    for (const [what, who] of told) expect(what.split(' ')[0]).toBe(who)
  })

  test('HEAD and OPTIONS', async () => {
    const app = audited().use(async (ctx) => {
      await it.note(ctx.method)
      ctx.body = ''
    })
    const url = await serve(app.callback())
    await ask(url, { method: 'HEAD', headers: anna })
    await ask(url, { method: 'OPTIONS', headers: anna })
    const entries = await it.entries()
    expect(entries.map(({ what, user, metadata }) => [what, user, metadata.method])).toEqual([
      ['HEAD', 'anna', 'HEAD'],
      ['OPTIONS', 'anna', 'OPTIONS'],
    ])
  })

  test('HTTP/2: requests at once on one connection', async () => {
    const app = audited().use(async (ctx) => {
      ctx.req.once('data', () => it.note(`data ${user(ctx)}`))
      await once(ctx.req, 'end')
      await it.note(`end ${user(ctx)}`)
      ctx.body = ctx.state.requestId
    })
    const server = http2.createServer(app.callback()).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const session = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    onTestFinished(() => {
      session.close()
      server.close()
    })
    await Promise.all(
      ['anna', 'bob', 'carl'].map(async (name) => {
        const data = it.written(`data ${name}`)
        const stream = session.request({ ':method': 'POST', ':path': '/', 'x-user': name })
        stream.end('x')
        const [headers] = await once(stream, 'response')
        expect((await stream.setEncoding('utf8').toArray()).join('')).toBe(headers['x-request-id'])
        await data
      }),
    )
    const told = await it.told()
    expect(told).toHaveLength(6)
    for (const [what, who] of told) expect(what.split(' ')[1]).toBe(who)
  })

  describe("a middleware that calls back in somebody else's context", () => {
    const ours = auditContext({ user })
    // as a session store does that shares one connection: whoever reads the answers goes on with all
    function shared() {
      const waiting: (() => void)[] = []
      const full = new EventEmitter()
      return {
        full: once(full, 'full'),
        wait: (ctx: Context, next: Next) =>
          user(ctx) === 'carl'
            ? next()
            : new Promise<void>((done, failed) => {
                if (waiting.push(() => void next().then(done, failed)) === 2) full.emit('full')
              }),
        goOn() {
          for (const each of waiting.splice(0)) each()
        },
      }
    }

    test.each([
      ['behind it', []],
      ['on both sides of it', [auditContext({ user })]],
      ['on both sides of it, the same', [ours]],
    ])('and ours %s', async (_, front) => {
      const { full, wait, goOn } = shared()
      const app = new Koa()
      for (const each of [...front, wait, ours]) app.use(each)
      app.use(async (ctx) => {
        if (user(ctx) === 'carl') withChangeReason("carl's", goOn)
        await it.note(user(ctx))
        ctx.body = ''
      })
      const url = await serve(app.callback())
      const early = [ask(url, { headers: anna }), ask(url)]
      await full
      await ask(url, { headers: { 'x-user': 'carl' } })
      await Promise.all(early)
      const entries = await it.entries()
      expect(entries.map(({ what }) => what).toSorted()).toEqual(['', 'anna', 'carl'])
      for (const { what, user, metadata } of entries) {
        expect([user ?? '', metadata.change_reason]).toEqual([what, undefined])
      }
    })
  })
})
