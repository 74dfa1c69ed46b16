import type { Database, Role } from '@auditrum/testkit'
import { testDatabase } from '@auditrum/testkit/vitest'
import { expect, test } from 'vitest'
import { Auditrum, track } from '../../src/index.js'

test('try', async () => {
  const database = await testDatabase()
  const app = await database.role()
  const admin = await database.role()
  await database.query('create table orders (id integer primary key, status text); grant select, insert, update, delete on orders to ' + app.name)
  const audit = new Auditrum(database, { tables: [track('orders')] })
  await audit.sync()
  const done = await audit.harden({ appRole: app.name, adminRole: admin.name })
  console.log(done.changes, done.gaps, JSON.stringify(done.rights, null, 1))
  const again = await audit.harden({ appRole: app.name, adminRole: admin.name })
  console.log(again.changes)
  console.log(await audit.status())
})
