import { EventEmitter, once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { amendContext, currentContext, withChangeReason, withContext } from './context.js'
import { requestContext } from './request.js'
import type { RequestOptions } from './request-options.js'

type Handler = (req: http.IncomingMessage, res: http.ServerResponse) => unknown

/** A server without a framework. */
async function listen(handler: Handler) {
  const server = http.createServer(handler)
  onTestFinished(() => {
    server.close()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return (path: string, init?: RequestInit) =>
    fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, init)
}

const factsOf = (req: http.IncomingMessage, res: http.ServerResponse) => ({
  req,
  res,
  url: req.url ?? '',
  ip: () => req.socket.remoteAddress,
  sessionId: () => undefined,
  id: undefined,
  setId: () => undefined,
})

/** The user is the path. */
function serve(handler: Handler, options: RequestOptions<http.IncomingMessage> = { user: byPath }) {
  const inContext = requestContext(options)
  return listen((req, res) => inContext(req, factsOf(req, res), () => handler(req, res)))
}

const byPath = (req: http.IncomingMessage) => req.url?.slice(1)
const metadata = () => currentContext()?.metadata
const user = () => metadata()?.user_id

describe('the context of a request', () => {
  test('has the path without its query, and texts of 2,000 characters at most', async () => {
    let seen: unknown
    const ask = await serve((_req, res) => {
      seen = metadata()
      res.end()
    }, {})
    const long = `/${'x'.repeat(3_000)}`
    await ask(`${long}?token=hush`, { headers: { 'user-agent': long } })
    expect(seen).toMatchObject({
      url: long.slice(0, 2_000),
      user_agent: long.slice(0, 2_000),
      client_ip: '127.0.0.1',
    })
  })

  test('keeps what was opened around the whole server, and nothing of another request', async () => {
    const seen: unknown[] = []
    const waiting: (() => void)[] = []
    const ask = await withContext({ service: 'shop' }, () =>
      serve((_req, res) => {
        res.on('finish', () => seen.push({ ...metadata() }))
        // whoever comes second ends both
        if (waiting.push(() => res.end()) === 2) for (const end of waiting) end()
      }),
    )
    await Promise.all([ask('/anna'), ask('/bob')])
    expect(seen).toMatchObject([
      { service: 'shop', user_id: 'anna', url: '/anna' },
      { service: 'shop', user_id: 'bob', url: '/bob' },
    ])
  })

  test('is not that of another request which asked for this one', async () => {
    const inner = await serve((_req, res) => res.end(String(user())))
    const outer = await serve(async (_req, res) => res.end(await (await inner('/')).text()))
    expect(await (await outer('/anna')).text()).toBe('undefined')
  })

  test('is not that of another request where its method has none', async () => {
    const seen: unknown[] = []
    const inContext = requestContext({ methods: ['POST'], user: byPath })
    let goOn = () => {}
    const bus = new EventEmitter()
    const waiting = once(bus, 'waiting')
    const ask = await listen((req, res) => {
      const go = () =>
        inContext(req, factsOf(req, res), () => {
          seen.push([req.url, user()])
          if (req.method === 'POST') goOn()
          res.end()
        })
      if (req.method === 'POST') return go()
      goOn = go
      bus.emit('waiting')
    })
    const late = ask('/bob')
    await waiting
    await ask('/anna', { method: 'POST' })
    await late
    expect(seen).toEqual([
      ['/anna', 'anna'],
      ['/bob', undefined],
    ])
  })

  test('lets a block inside emit for itself', async () => {
    const seen: unknown[] = []
    const ask = await serve((req, res) => {
      req.on('checked', () => seen.push(metadata()?.change_reason))
      withChangeReason('import', () => req.emit('checked'))
      req.emit('checked')
      res.end()
    })
    await ask('/anna')
    expect(seen).toEqual(['import', undefined])
  })

  test('is amended for everything that comes after', async () => {
    let seen: unknown
    const ask = await serve(async (req, res) => {
      for await (const _ of req) amendContext({ user_id: 'bob' })
      res.on('finish', () => {
        seen = user()
      })
      res.end()
    })
    await ask('/anna', { method: 'POST', body: 'x' })
    expect(seen).toBe('bob')
  })
})
