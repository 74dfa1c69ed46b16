import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Auditrum } from '../../src/index.js'
import { auditedDatabase } from '../support.js'

/** A write to one of three tables: groups, members that belong to a group, and notes on members. */
interface Write {
  readonly kind: 'insert' | 'update' | 'move' | 'rekey' | 'delete' | 'truncate'
  readonly table: 'groups' | 'members' | 'notes'
  readonly id: number
  readonly other: number
}

const write: fc.Arbitrary<Write> = fc.record({
  kind: fc.oneof(
    { weight: 5, arbitrary: fc.constant('insert' as const) },
    { weight: 5, arbitrary: fc.constant('update' as const) },
    { weight: 3, arbitrary: fc.constant('move' as const) },
    { weight: 2, arbitrary: fc.constant('rekey' as const) },
    { weight: 3, arbitrary: fc.constant('delete' as const) },
    { weight: 1, arbitrary: fc.constant('truncate' as const) },
  ),
  table: fc.constantFrom('groups' as const, 'members' as const, 'notes' as const),
  id: fc.integer({ min: 1, max: 4 }),
  other: fc.integer({ min: 1, max: 4 }),
})

/** A write with a number that no other one has. */
function sqlOf({ kind, table, id, other }: Write, fresh: number): string {
  const above = { groups: 'groups', members: 'groups', notes: 'members' }[table]
  const parent = `(select max(id) from ${above} where id <= ${other})`
  switch (kind) {
    case 'insert':
      return `insert into ${table} values (${id}, ${parent}, ${other}, ${fresh}) on conflict do nothing`
    case 'update':
      return `update ${table} set v = v + ${other} where id <= ${id}`
    case 'move':
      return `update ${table} set parent = ${parent} where id = ${id}`
    case 'rekey':
      // to a key that nobody has had: values that are exchanged are refused
      return `update ${table} set id = ${fresh + 10} where id = ${id}`
    case 'delete':
      return `delete from ${table} where id >= ${id} and id % 2 = ${other % 2}`
    case 'truncate':
      return `truncate ${table} cascade`
  }
}

test('each transaction, newest first, is undone exactly, and undone again', {
  timeout: 300_000,
}, async () => {
  const database = await auditedDatabase()
  const audit = new Auditrum(database)
  const state = async () =>
    (
      await database.query(`
        select 'groups' as name, g::text as row from groups as g union all select 'members', m::text from members as m
        union all select 'notes', n::text from notes as n order by 1, 2`)
    ).rows
  const newest = async () => (await audit.page({ limit: 1 })).events[0]?.transactionId ?? null

  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(write, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 6 }),
      fc.constantFrom('full' as const, 'changed' as const),
      fc.constantFrom('cascade', 'set null'),
      async (program, image, action) => {
        await database.query(`
          drop table if exists notes, members, groups;
          create table groups (id int primary key, parent int references groups on delete ${action} on update cascade, v int, tag int unique);
          create table members (id int primary key, parent int references groups on delete ${action} on update cascade, v int, tag int unique);
          create table notes (id int primary key, parent int references members on delete ${action} on update cascade, v int, tag int)`)
        for (const name of ['groups', 'members', 'notes']) await database.track(name, { image })
        const states: { readonly transaction: string; readonly before: unknown[] }[] = []
        let fresh = 0
        for (const writes of program) {
          const before = await state()
          const last = await newest()
          const statements = writes.map((each) => sqlOf(each, ++fresh))
          await database.query(['begin', ...statements, 'commit'].join('; '))
          const transaction = await newest()
          if (transaction !== last && transaction !== null) states.push({ transaction, before })
        }
        for (const { transaction, before } of states.reverse()) {
          const after = await state()
          const last = await newest()
          await audit.revert({ transaction })
          expect(await state()).toEqual(before)
          const undo = await newest()
          // nothing of it may be left to be undone
          if (undo === last || undo === null) continue
          await audit.revert({ transaction: undo })
          expect(await state()).toEqual(after)
          await audit.revert({ transaction })
          expect(await state()).toEqual(before)
        }
      },
    ),
    { numRuns: 12 },
  )
})
