import { beforeAll, expect, test } from 'vitest'
import { type Shop, shop } from '../support.js'

let it: Shop
beforeAll(async () => {
  it = await shop()
})

test('erase says what would go, takes it, warns of what is still there, and leaves a record', async () => {
  const { rows } = await it.pool.query(
    `select object_id as id from auditrum.auditlog where table_name = 'customers' limit 1`,
  )
  const args = ['erase', 'customers', String(rows[0].id)]
  const dry = await it.cli([...args, '--dry-run'])
  expect(dry).toMatchObject({ code: 0 })
  expect(dry.stdout).toMatch(/^would erase .*name.*\nwould change \d+ events? and 0 contexts\n$/)
  expect(await it.cli(args)).toMatchObject({ code: 2, stdout: '' })

  await it.cli(['enable-hash-chain'])
  await it.cli(['seal'])
  const erased = await it.cli([...args, '--reason', 'request 118', '--by', 'dpo'])
  expect(erased).toMatchObject({ code: 0 })
  expect(erased.stdout).toMatch(
    /^erased .*name.*\nchanged \d+ events? and 0 contexts\nentry of the chain: 2\n$/,
  )
  expect(erased.stderr).toMatch(/still in its table.*\n.*VACUUM FULL auditrum\.audit_event_/)
  expect((await it.cli(['verify-chain'])).stdout).toMatch(/chain OK.*\n\d+ of them redacted\n/)
  expect(
    (await it.pool.query('select user_id, change_reason from auditrum.erasures')).rows,
  ).toEqual([{ user_id: 'dpo', change_reason: 'request 118' }])
  expect((await it.cli(['history', 'customers', String(rows[0].id)])).stdout).toMatch(/erased/)
  const blamed = (await it.cli(['blame', 'customers', String(rows[0].id)])).stdout
  expect(blamed).toMatch(/name: erased/)
  // masked when it was written: there was nothing to erase
  expect(blamed).toMatch(/email: masked/)
  expect(await it.cli([...args, '--reason', 'r'])).toMatchObject({ stdout: '' })

  for (const wrong of [['customers'], ['customers', '1', '--user', '1'], []])
    expect(await it.cli(['erase', ...wrong, '--reason', 'r'])).toMatchObject({
      code: 2,
      stdout: '',
    })
})

test('compare and as-of say where what would differ was erased', async () => {
  const { rows } = await it.pool.query(`update customers set name = 'Eve' returning id`)
  const id = String(rows[0].id)
  const then = `event:${(await it.audit.page({ limit: 1 })).events[0]?.id}`
  await it.pool.query(`update customers set name = 'Adam'`)
  const compare = ['compare', 'customers', then, '--id', id]
  expect((await it.cli(compare)).stdout).toContain('name: Eve -> Adam')
  await it.cli(['erase', 'customers', id, '--columns', 'name', '--reason', 'request 121'])
  expect(await it.cli(compare)).toMatchObject({
    stdout: '',
    stderr: expect.stringMatching(/^Nothing differs of what is known\..*were erased since/s),
  })
  expect((await it.cli(['as-of', 'customers', then, '--id', id])).stderr).toMatch(
    /Missing, or of another time: .*name.*\. Their changes are not recorded, or were erased since/,
  )
})

test('what finds no row says that its key may have been erased', async () => {
  const before = String((await it.audit.page({ limit: 1 })).events[0]?.id)
  await it.pool.query('delete from order_items where position = 2')
  const asOf = ['as-of', 'order_items', `event:${before}`, '--id', '[42, 2]']
  expect((await it.cli(asOf)).code).toBe(0)
  const erase = ['erase', 'order_items', '[42, 2]', '--object-id', '--reason', 'request 120']
  expect(await it.cli(erase)).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/The log knows the row by another key now: md5 0{8}[0-9a-f]{24}/),
  })
  expect(await it.cli(erase)).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/There is nothing to erase.*were erased up to 20/s),
  })
  const lost = await it.cli(asOf)
  expect(lost).toMatchObject({ code: 1, stdout: '' })
  expect(lost.stderr).toMatch(/^auditrum: The log knows of no row .* were erased up to 20/)
  for (const [command, code, notFound] of [
    ['history', 0, 'There is no such event'],
    ['blame', 1, 'The log has no change of a row'],
  ] as const) {
    const missed = await it.cli([command, 'order_items', '[42, 2]'])
    expect(missed).toMatchObject({ code, stdout: '' })
    expect(missed.stderr).toMatch(
      new RegExp(`^auditrum: ${notFound}.*\\. Keys of rows .* were erased up to 20`),
    )
    // no key of this table was
    expect((await it.cli([command, 'orders', '43'])).stderr).toMatch(new RegExp(`^${notFound}`))
  }
  expect((await it.cli(['as-of', 'order_items', 'now', '--id', '[42, 2]'])).stderr).toBe(
    'order_items had no row [42, 2] then.\n',
  )
})

test('what was changed behind its back is not erased', async () => {
  await it.cli(['seal'])
  await it.pool.query(`update auditrum.audit_event set new = new || '{"status": "forged"}'
    where id = (select max(id) from auditrum.auditlog where table_name = 'orders' and object_id = '42' and new_data is not null)`)
  const refused = await it.cli(['erase', 'orders', '42', '--reason', 'request 119'])
  expect(refused).toMatchObject({ code: 1, stdout: '' })
  expect(refused.stderr).toMatch(/not what was sealed.*verify-chain/)
})
