import { expect, test } from 'vitest'
import { shop } from './support.js'

test('the command works on this server: install, read, the past, undo', async () => {
  const it = await shop()
  const said = async (line: string) => {
    const { code, stdout, stderr } = await it.shell(`auditrum ${line}`)
    expect({ line, code, stderr: code === 0 ? '' : stderr }).toEqual({ line, code: 0, stderr: '' })
    return stdout
  }
  expect(await said('plan --check')).toContain('= public.orders')
  expect(await said('status')).toContain('The trail is healthy.')
  expect(await said("history orders --since '1 hour ago'")).toContain('status: new -> paid')
  expect(await said('blame orders 42 status')).toContain('bob')
  expect(await said('as-of orders now --id 42')).toContain('"status": "paid"')
  const { events } = await it.audit.page({ table: 'orders', limit: 1 })
  expect(await said(`as-of orders event:${Number(events[0]?.id) - 1} --id 42`)).toContain('"new"')
  expect(await said(`revert ${events[0]?.id}`)).toContain('done')
  expect(await said('as-of orders now --id 42')).toContain('"status": "new"')
})
