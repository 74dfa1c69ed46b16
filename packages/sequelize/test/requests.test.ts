import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, expect, test } from 'vitest'
import { withContext } from '../src/index.js'
import { expectClean, newest, shop, version } from './support.js'

const REQUESTS = 5_000
const CONNECTIONS = 5

test.runIf(version === newest)(
  '5,000 requests at once on a pool of 5: every event has its own user',
  async () => {
    const { sequelize, User, Order, audit } = await shop({
      pool: { max: CONNECTIONS, acquire: 600_000 },
    })

    /** The ways in which a request writes; each row's note is the user. */
    const ways: ((user: string) => Promise<unknown>)[] = [
      (note) => Order.create({ note }),
      (note) => Order.bulkCreate([{ note }, { note }]),
      (note) => sequelize.query('insert into orders (note) values (?)', { replacements: [note] }),
      (note) =>
        sequelize.transaction(async (transaction) => {
          const order = await Order.create({ note }, { transaction })
          await sequelize.transaction({ transaction }, (inner) =>
            Order.create({ note }, { transaction: inner }),
          )
          await order.destroy({ transaction })
        }),
      async (note) => {
        const transaction = await sequelize.transaction()
        await Order.create({ note }, { transaction })
        await transaction.rollback()
        await Order.create({ note })
      },
      async (note) => {
        await expect(
          sequelize.query('insert into orders (id) values ($1)', { bind: [note] }),
        ).rejects.toThrow()
        await User.findOrCreate({ where: { fullName: note } })
      },
    ]
    let arrived = 0
    let begin = () => {}
    const allArrived = new Promise<void>((resolve) => {
      begin = resolve
    })
    const server = createServer((request, response) => {
      const n = Number(request.url?.slice(1))
      const user = `user ${n}`
      const write = async () => {
        if (++arrived === REQUESTS) begin()
        await allArrived
        await Order.count()
        await ways[n % ways.length]?.(user)
      }
      // every tenth has no user, and writes nevertheless
      const done = n % 10 === 9 ? write() : withContext({ user_id: user, source: 'web' }, write)
      done.then(
        () => response.end('done'),
        (error) => response.writeHead(500).end(String(error)),
      )
    })
    await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)))
    afterAll(() => server.close())
    const { port } = server.address() as AddressInfo

    const answers: Promise<string>[] = []
    for (let n = 0; n < REQUESTS; n++) {
      answers.push(fetch(`http://127.0.0.1:${port}/${n}`).then((response) => response.text()))
      // as many at a time as the socket has room for
      while (n - arrived >= 200) await new Promise((resolve) => setTimeout(resolve, 1))
    }
    expect([...new Set(await Promise.all(answers))]).toEqual(['done'])

    const events = await audit.AuditEvent.findAll({
      attributes: ['userId', 'oldData', 'newData'],
      raw: true,
    })
    const wrong = events.filter(({ userId, oldData, newData }) => {
      const row = (newData ?? oldData) as { note?: string; full_name?: string }
      const user = row.note ?? row.full_name ?? ''
      return userId !== (Number(user.slice(5)) % 10 === 9 ? null : user)
    })
    expect(wrong).toEqual([])
    const perRequest = [1, 2, 1, 3, 1, 1]
    const written = Array.from({ length: REQUESTS }, (_, n) => perRequest[n % ways.length] ?? 0)
    expect(events).toHaveLength(written.reduce((sum, each) => sum + each))
    await expectClean(sequelize, CONNECTIONS)
  },
)
