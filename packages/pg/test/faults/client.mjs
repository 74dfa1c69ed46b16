// A client in a process of its own, to be killed: says each number that it was told was committed.
import { auditrum, withContext } from '@auditrum/pg'
import pg from 'pg'

const [url, name, round] = process.argv.slice(2)
const pool = new pg.Pool({ connectionString: url, max: 2 })
auditrum(pool, { maintain: false })
for (let number = 0; ; number++) {
  const key = `${round} ${name} ${number}`
  await withContext({ user_id: name }, async () => {
    const client = await pool.connect()
    await client.query('begin')
    await client.query('insert into transfers (number, writer) values ($1, $2)', [key, name])
    for (const id of [1 + (number % 10), 11 + (number % 10)]) {
      const text = 'update accounts set balance = balance + $3, writer = $2 where id = $1'
      await client.query(text, [id, name, id <= 10 ? 1 : -1])
    }
    await client.query('commit')
    client.release()
  })
  process.stdout.write(`${key}\n`)
}
