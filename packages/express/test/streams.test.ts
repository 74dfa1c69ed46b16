import { EventEmitter, once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { NextFunction, Request, Response } from 'express'
import multer from 'multer'
import { describe, expect, test } from 'vitest'
import { auditContext, withChangeReason, withContext } from '../src/index.js'
import { frameworks } from './frameworks.js'
import { ask, json, serve, shop } from './support.js'

const it = await shop()
const user = (req: Request) => req.get('x-user')
const anna = { 'x-user': 'anna' }
const bob = { 'x-user': 'bob' }
const post = { method: 'POST', headers: anna }

describe.each(frameworks)('%s', (name, express) => {
  const audited = () => express().use(auditContext({ user }))

  test.each(['in front of', 'behind'])('%s the body parsers', async (place) => {
    const app = express()
    const parsers = [express.json(), express.urlencoded({ extended: false }), express.text()]
    const ours = auditContext({ user })
    app.use(place === 'behind' ? [...parsers, ours] : [ours, ...parsers])
    app.post('/', async (req, res) => {
      await it.note(JSON.stringify(req.body))
      res.end()
    })
    const url = await serve(app)
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
    const app = audited().post('/', (req, res) => {
      req.once('data', () => it.note('data'))
      req.on('end', () => it.note('end').then(() => res.end()))
      res.on('finish', () => it.note('finish'))
      res.on('close', () => it.note('close'))
    })
    const done = Promise.all(['data', 'end', 'finish', 'close'].map(it.written))
    await ask(await serve(app), { ...post, body: 'x' })
    await done
    const told = await it.told()
    expect(told.toSorted()).toEqual(
      ['close', 'data', 'end', 'finish'].map((what) => [what, 'anna']),
    )
  })

  const writing = () =>
    new Writable({
      write: (_chunk, _encoding, done) => void it.note('chunk').then(() => done(), done),
      final: (done) => void it.note('final').then(() => done(), done),
    })

  test.each<[string, (req: Request) => Promise<unknown>]>([
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
    const app = audited().post('/', async (req, res) => {
      await read(req)
      res.end()
    })
    await ask(await serve(app), { ...post, body: 'x'.repeat(300_000) })
    const told = await it.told()
    expect(told.length).toBeGreaterThan(2)
    expect(told.at(-1)).toEqual(['final', 'anna'])
    expect(told.filter(([, who]) => who !== 'anna')).toEqual([])
  })

  test('a streamed upload through multer, from its callbacks', async () => {
    const storage: multer.StorageEngine = {
      _handleFile(_req, { stream }, done) {
        stream.once('data', () => it.note('data'))
        stream.on('end', () => it.note('file').then(() => done(null, {}), done))
      },
      _removeFile: (_req, _file, done) => done(null),
    }
    const upload = multer({
      storage,
      fileFilter: (_req, _file, done) => void it.note('filter').then(() => done(null, true)),
    })
    const app = audited().post('/', upload.single('file'), async (_req, res) => {
      await it.note('handler')
      res.end()
    })
    const body = new FormData()
    body.set('file', new Blob(['x'.repeat(300_000)]), 'x.txt')
    const data = it.written('data')
    expect((await fetch(await serve(app), { ...post, body })).status).toBe(200)
    await data
    expect((await it.told()).toSorted()).toEqual(
      ['data', 'file', 'filter', 'handler'].map((what) => [what, 'anna']),
    )
  })

  test('an event emitter that is older than the request: whoever emits is the actor', async () => {
    const bus = new EventEmitter()
    const heard = it.written('heard')
    bus.on('ordered', () => it.note('heard'))
    const app = audited().get('/', (_req, res) => {
      bus.emit('ordered')
      res.end()
    })
    await ask(await serve(app), { headers: anna })
    await heard
    expect(await it.told()).toEqual([['heard', 'anna']])
  })

  test('a timer that fires after the response', async () => {
    const later = it.written('later')
    const app = audited().get('/', (_req, res) => {
      res.on('close', () => setTimeout(() => it.note('later'), 5))
      res.end()
    })
    await ask(await serve(app), { headers: anna })
    await later
    expect(await it.told()).toEqual([['later', 'anna']])
  })

  test("work that a request starts, and that is not the user's", async () => {
    const nobody = { source: 'job', user_id: null, username: null }
    const app = express().use(auditContext({ user: () => ({ id: 7, username: 'anna' }) }))
    app.get('/', async (_req, res) => {
      await it.note('request')
      await withContext(nobody, () => it.note('job'))
      res.end()
    })
    await ask(await serve(app))
    const [request, job] = await it.entries()
    expect(request).toMatchObject({ user: '7', metadata: { source: 'web', username: 'anna' } })
    expect(job).toMatchObject({ user: null, metadata: { ...request?.metadata, ...nobody } })
  })

  test('a handler that fails, and the error handler', async () => {
    const app = audited().get('/', async (_req, _res, next) => {
      await it.note('handler')
      if (name === 'Express 4')
        next(new Error('no')) // 5 takes the rejection
      else throw new Error('no')
    })
    app.use(async (error: Error, _req: Request, res: Response, _next: NextFunction) => {
      await it.note(error.message)
      res.status(500).end()
    })
    const { status, headers } = await ask(await serve(app), { headers: anna })
    expect(status).toBe(500)
    const entries = await it.entries()
    expect(entries.map(({ what, user }) => [what, user])).toEqual([
      ['handler', 'anna'],
      ['no', 'anna'],
    ])
    expect(entries[1]?.metadata.request_id).toBe(headers['x-request-id'])
  })

  test('a client that goes away in the middle of an upload', async () => {
    const app = audited().post('/', (req, res) => {
      req.once('data', () => it.note('data').then(() => request.destroy()))
      req.on('aborted', () => it.note('aborted'))
      req.on('error', () => it.note('error'))
      req.on('close', () => it.note('request closed'))
      res.on('close', () => it.note('response closed'))
    })
    const what = ['aborted', 'data', 'error', 'request closed', 'response closed']
    const done = Promise.all(what.map(it.written))
    const request = http.request(await serve(app), {
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
    const app = audited().post('/:n', express.text(), async (req, res) => {
      ports.add(req.socket.remotePort)
      res.on('finish', () => it.note(`finish ${req.params.n}`))
      await it.note(`handle ${req.params.n}`)
      res.end()
    })
    const url = await serve(app)
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    const numbers = Array.from({ length: 20 }, (_, n) => n)
    const done = Promise.all(numbers.map((n) => it.written(`finish ${n}`)))
    for (const n of numbers) {
      const headers = { 'content-type': 'text/plain', ...(n % 5 && { 'x-user': `user ${n}` }) }
      await ask(`${url}/${n}`, { method: 'POST', agent, headers, body: 'x' })
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

  test('two requests that were sent at once on one socket', async () => {
    const app = audited().get('/:user', async (req, res) => {
      if (user(req) === 'anna') await sleep(5)
      await it.note(`for ${user(req)}`)
      res.on('finish', () => it.note(`done ${user(req)}`))
      res.end('.')
    })
    const url = new URL(await serve(app))
    const done = Promise.all(['done anna', 'done bob'].map(it.written))
    const socket = net.connect(Number(url.port), url.hostname)
    for (const name of ['anna', 'bob']) {
      socket.write(`GET /${name} HTTP/1.1\r\nhost: x\r\nx-user: ${name}\r\n\r\n`)
    }
    await done
    socket.destroy()
    const told = await it.told()
    expect(told.toSorted()).toEqual([
      ['done anna', 'anna'],
      ['done bob', 'bob'],
      ['for anna', 'anna'],
      ['for bob', 'bob'],
    ])
  })

  test('server-sent events, of two users at once', async () => {
    const app = audited().get('/', async (req, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      for (let n = 1; n <= 3; n++) {
        await sleep(2)
        await it.note(`${user(req)} ${n}`)
        res.write(`data: ${n}\n\n`)
      }
      res.end()
    })
    const url = await serve(app)
    const [answer] = await Promise.all([ask(url, { headers: anna }), ask(url, { headers: bob })])
    expect(answer.text).toBe('data: 1\n\ndata: 2\n\ndata: 3\n\n')
    const told = await it.told()
    expect(told).toHaveLength(6)
    for (const [what, who] of told) expect(what.slice(0, -2)).toBe(who)
  })

  test('HEAD and OPTIONS', async () => {
    const app = audited()
      .get('/', (req, res) => it.note(req.method).then(() => res.end()))
      .options('/', (req, res) => it.note(req.method).then(() => res.end()))
    const url = await serve(app)
    await ask(url, { method: 'HEAD', headers: anna })
    await ask(url, { method: 'OPTIONS', headers: anna })
    const entries = await it.entries()
    expect(entries.map(({ what, user, metadata }) => [what, user, metadata.method])).toEqual([
      ['HEAD', 'anna', 'HEAD'],
      ['OPTIONS', 'anna', 'OPTIONS'],
    ])
  })

  describe("a middleware that calls back in somebody else's context", () => {
    const ours = auditContext({ user })
    // as a session store does that shares one connection: whoever reads the answers goes on with all
    function shared() {
      const waiting: NextFunction[] = []
      const full = new EventEmitter()
      return {
        full: once(full, 'full'),
        wait(req: Request, _res: Response, next: NextFunction) {
          if (user(req) === 'carl') next()
          else if (waiting.push(next) === 2) full.emit('full')
        },
        goOn() {
          for (const next of waiting.splice(0)) next()
        },
      }
    }

    test.each([
      ['behind it', []],
      ['on both sides of it', [auditContext({ user })]],
      ['on both sides of it, the same', [ours]],
    ])('and ours %s', async (_, front) => {
      const { full, wait, goOn } = shared()
      const app = express().use(...front, wait, ours)
      app.get('/', async (req, res) => {
        if (user(req) === 'carl') withChangeReason("carl's", goOn)
        await it.note(user(req) ?? '')
        res.end()
      })
      const url = await serve(app)
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
