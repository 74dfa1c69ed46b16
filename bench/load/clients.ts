// The clients: so many requests at once, each of somebody else, and what they are told.
import { Agent, request as send } from 'node:http'
import type pg from 'pg'
import { eventsOf, type Outcome, type Request, randomRequest } from './work.ts'

/** What was told, in numbers. */
export interface Told {
  readonly requests: number
  readonly left: number
  /** Events of what was said to be committed. */
  readonly events: number
}

/** Sends requests until so many events are said to be committed. */
export async function load(
  port: number,
  book: Book,
  { events, clients }: { readonly events: number; readonly clients: number },
): Promise<Told> {
  const agent = new Agent({ keepAlive: true, maxSockets: clients })
  let requests = 0
  let left = 0
  const client = async () => {
    while (book.events < events) {
      const request = randomRequest(requests++)
      const outcomes = await ask(agent, port, request)
      if (!outcomes) left++
      await book.enter(request, outcomes ?? [])
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
  agent.destroy()
  await book.close()
  return { requests, left, events: book.events }
}

/** What the client of a request is told; undefined where it is gone before. */
function ask(agent: Agent, port: number, request: Request): Promise<Outcome[] | undefined> {
  return new Promise((resolve, reject) => {
    const body = JSON.stringify(request.steps)
    const sent = send({
      agent,
      port,
      host: '127.0.0.1',
      method: 'POST',
      path: `/${request.way}`,
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        'x-request-id': request.id,
        'x-user': request.actor,
      },
    })
    let isGone = false
    sent.on('error', (error) => (isGone ? resolve(undefined) : reject(error)))
    sent.on('response', (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part) => {
        text += part
      })
      response.on('error', () => resolve(undefined))
      response.on('end', () => {
        if (response.statusCode === 200) resolve(JSON.parse(text) as Outcome[])
        else reject(new Error(`${request.id} was answered ${response.statusCode}: ${text}`))
      })
    })
    sent.end(body)
    if (request.leavesAfter === undefined) return
    setTimeout(() => {
      isGone = true
      sent.destroy()
    }, request.leavesAfter).unref()
  })
}

const PAGE = 2_000

/** What the clients were told, kept in a table that is not recorded. */
export class Book {
  events = 0
  #rows: (readonly [string, number, string, number, Outcome])[] = []
  #writing: Promise<unknown> = Promise.resolve()
  readonly #client: pg.Client

  constructor(client: pg.Client) {
    this.#client = client
  }

  async enter({ id, actor, steps }: Request, outcomes: readonly Outcome[]): Promise<void> {
    for (const [n, step] of steps.entries()) {
      const outcome = outcomes[n] ?? 'unknown'
      const events = eventsOf(step)
      if (outcome === 'committed') this.events += events
      this.#rows.push([id, n, actor, events, outcome])
    }
    if (this.#rows.length >= PAGE) await this.#write()
  }

  async close(): Promise<void> {
    await this.#write()
  }

  async #write(): Promise<void> {
    const rows = this.#rows
    this.#rows = []
    this.#writing = this.#writing.then(() =>
      this.#client.query(
        'insert into told select * from unnest($1::text[], $2::int[], $3::text[], $4::int[], $5::text[])',
        [0, 1, 2, 3, 4].map((column) => rows.map((row) => row[column])),
      ),
    )
    await this.#writing
  }
}
