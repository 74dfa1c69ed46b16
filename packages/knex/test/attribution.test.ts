import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { supportedVersions } from '@auditrum/testkit'
import { testServer } from '@auditrum/testkit/vitest'
import { expect, test } from 'vitest'
import { withContext } from '../src/index.js'
import { shop } from './support.js'

// the load is that of Knex and pg, which are the same for all versions
const isNewest = testServer().version === supportedVersions.at(-1)
const REQUESTS = 5_000
const AT_ONCE = 250

test.runIf(isNewest)(
  '5,000 requests on a pool of 5: every event has the user of its own request',
  async () => {
    const it = await shop({ pool: { min: 0, max: 5 } })
    const { knex } = it
    const ways: ((note: string) => PromiseLike<unknown>)[] = [
      (note) => knex('orders').insert({ note }),
      (note) => knex.transaction((trx) => trx('orders').insert({ note })),
      (note) => knex.raw('insert into orders (note) values (?)', [note]),
      async (note) => {
        const trx = await knex.transaction()
        await trx.select(1)
        await trx.transaction((inner) => inner('orders').insert({ note }))
        await trx.commit()
      },
      (note) => knex.batchInsert('orders', [{ note }]),
    ]
    const server = createServer((request, response) => {
      const user = (request.url ?? '').slice(1)
      withContext({ user_id: user, source: 'web' }, async () => {
        await ways[Number(user) % ways.length]?.(user)
        response.end()
      }).catch((error) => response.writeHead(500).end(String(error)))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo

    let next = 0
    const client = async () => {
      for (let user = next++; user < REQUESTS; user = next++) {
        const response = await fetch(`http://127.0.0.1:${port}/${user}`)
        expect(await response.text()).toBe('')
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, client))
    server.close()

    const { rows } = await it.database.query(`
    select count(*)::int as events, count(distinct user_id)::int as users,
      count(*) filter (where user_id is distinct from new_data ->> 'note')::int as wrong
    from auditrum.auditlog`)
    expect(rows).toEqual([{ events: REQUESTS, users: REQUESTS, wrong: 0 }])
    const settings = await Promise.all(
      Array.from({ length: 5 }, () =>
        knex.raw(`select current_setting('auditrum.context', true) as setting, pg_sleep(0.1)`),
      ),
    )
    for (const { rows } of settings) expect(rows[0].setting ?? '').toBe('')
  },
)
