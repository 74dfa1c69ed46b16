import { beforeAll, expect, test } from 'vitest'
import { type Shop, shop } from '../support.js'

let it: Shop
beforeAll(async () => {
  it = await shop()
})

test('a log is sealed, verified, and tampered with', async () => {
  expect(await it.cli(['verify-chain'])).toMatchObject({ code: 3, stdout: '' })
  expect(await it.cli(['seal'])).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('enable-hash-chain'),
  })
  expect(await it.cli(['enable-hash-chain', '--dry-run'])).toMatchObject({
    code: 0,
    stdout: 'SELECT "auditrum".enable_sealing();\n',
  })
  expect(await it.cli(['enable-hash-chain'])).toMatchObject({ code: 0, stdout: '' })
  expect((await it.cli(['enable-hash-chain'])).stderr).toBe('It is enabled already.\n')
  const { rows } = await it.pool.query('select count(*)::int as events from auditrum.audit_event')
  const { events } = rows[0]
  expect(JSON.parse((await it.cli(['seal', '--json'])).stdout)).toEqual({ blocks: 1, events })
  expect((await it.cli(['seal'])).stderr).toBe('Nothing is new.\n')

  const fine = { code: 0, stdout: `chain OK: ${events} events verified\n` }
  expect(await it.cli(['verify-chain'])).toMatchObject(fine)
  expect(await it.cli(['verify-chain', '--independent', '--jobs', '2'])).toMatchObject(fine)
  await it.shell('auditrum digest --new-key key.pem')
  await it.shell('auditrum digest --key key.pem --to digests/')
  const outside = ['verify-chain', '--digest', 'digests', '--public-key', 'key.pub']
  expect(await it.cli(outside)).toMatchObject({ ...fine, stderr: '' })

  await it.pool.query(`update auditrum.audit_event set db_user = 'x' where id = 3`)
  expect(await it.cli(['verify-chain'])).toMatchObject({
    code: 1,
    stdout: `edited    Event 3, of block 1, or its context is not what was sealed.\nchain BROKEN: 1 problem, ${events - 1} events verified\n`,
  })
  expect(JSON.parse((await it.cli(['verify-chain', '--json'])).stdout)).toMatchObject({
    ok: false,
    problems: [{ kind: 'edited', event: '3', block: '1' }],
  })
  expect(await it.cli(['verify-chain', '--digest', '.', '--public-key', 'key.pub'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('holds no digest'),
  })
  expect((await it.cli(['verify-chain', '--digest', 'nowhere'])).code).toBe(2)
  expect(await it.cli(['prove', '5', '--digest', 'digests'])).toMatchObject({
    code: 2,
    stderr: 'auditrum: A folder was named where a file is read. Name a file in it.\n',
  })
})

test('again and again, until it is told to stop', async () => {
  await it.pool.query('update orders set total = total + 1 where id = 42')
  const { code, stderr } = await it.shell(
    'timeout 4 auditrum seal --every 1s; echo "ended with $?" >&2',
  )
  expect(code).toBe(0)
  expect(stderr).toMatch(/^1 event sealed, in 1 block\.\n[\s\S]*ended with 124\n$/)
  expect(await it.audit.verifyChain()).toMatchObject({ pending: 0 })
})
