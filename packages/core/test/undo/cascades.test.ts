import { expect, test } from 'vitest'
import { undoing } from './support.js'

const on = undoing()

/** Tables `over` and `under` with a reference that has some actions, in a schema of their own. */
async function family(name: string, actions: string, rows: string, key = 'primary key (id)') {
  const { database } = on
  await database.query(`
    create schema ${name};
    create table ${name}.over (id int primary key, n text, code text unique);
    create table ${name}.under (id int, over_id int references ${name}.over ${actions}, v int default 0, ${key});
    ${rows.replaceAll('@', `${name}.`)}`)
  for (const table of ['over', 'under']) await database.track(`${name}.${table}`)
  const state = () =>
    database.select(
      `select 'o' || o::text as row from ${name}.over as o union all select 'u' || u::text from ${name}.under as u order by 1`,
    )
  const before = await state()
  return {
    state,
    before,
    /** Undoes what some SQL did, by the method and by its script. */
    async undoes(sql: string) {
      const transaction = await database.transaction(sql.replaceAll('@', `${name}.`))
      const after = await state()
      const undo = await database.recorded(() => database.audit.revert({ transaction }))
      expect(await state()).toEqual(before)
      await database.audit.revert({ transaction: String(undo[0]?.transaction_id) })
      expect(await state()).toEqual(after)
      const { sql: script } = await database.audit.revert({ transaction }, { dryRun: true })
      await (await database.client()).query(script)
      expect(await state()).toEqual(before)
    },
  }
}

test.for(['cascade', 'set null'])(
  'a key that another row has taken meanwhile, on delete %s',
  async (action) => {
    const { undoes } = await family(
      `taken_${action.replace(' ', '_')}`,
      `on update cascade on delete ${action}`,
      `insert into @over values (14, 'a'), (3, 'c'); insert into @under values (1, 14), (2, 3)`,
    )
    await undoes(`update @over set id = 8 where id = 14; insert into @over values (14, 'new')`)
    // the row has gone elsewhere since, so that no cascade brings it back
    await undoes(`
      update @over set id = 8 where id = 14; update @under set over_id = 3 where id = 1; insert into @over values (14, 'new')`)
    await undoes(`
      insert into @over values (5, 'b'); update @under set over_id = 5 where id = 1;
      update @over set id = 8 where id = 14; insert into @over values (15, 'new')`)
  },
)

test('keys that were passed on from row to row', async () => {
  const { undoes } = await family(
    'passed',
    'on update cascade',
    `insert into @over values (1, 'one'), (5, 'five'); insert into @under values (1, 1), (2, 5)`,
  )
  await undoes('update @over set id = 10 where id = 1; update @over set id = 1 where id = 5')
  await undoes(`
    update @over set id = 10 where id = 1; update @over set id = 1 where id = 5;
    update @under set v = v + 1; insert into @under values (3, 1); delete from @under where id = 1`)
})

test('references that are part of the key', async () => {
  const { undoes } = await family(
    'identifying',
    'on update cascade on delete cascade',
    `insert into @over values (1, 'one'), (5, 'five'); insert into @under values (1, 1), (2, 5), (3, 5)`,
    'primary key (over_id, id)',
  )
  await undoes(`
    update @over set id = 10 where id = 1; update @over set id = 1 where id = 5; update @under set v = 7 where id < 3`)
  await undoes('update @under set over_id = 1 where id = 3; update @over set id = 9 where id = 1')
})

test('a key to which others refer who would lose the reference is not given back', async () => {
  const { state } = await family(
    'loose',
    'on update set null',
    `insert into @over values (1, 'one'), (2, 'two'); insert into @under values (1, 1), (2, 2)`,
  )
  const { database } = on
  const transaction = await database.transaction('update loose.over set id = 8 where id = 1')
  await database.query('update loose.under set over_id = 8 where id = 2')
  const after = await state()
  await expect(database.audit.revert({ transaction })).rejects.toMatchObject({
    conflicts: [{ table: 'over', objectId: '8', referrer: 'loose.under (over_id)' }],
  })
  expect(await state()).toEqual(after)
})

test('a reference that no order brings back is refused, also in the script', async () => {
  const { state } = await family(
    'tangled',
    'on update cascade on delete cascade',
    `insert into @over values (14, 'a'), (5, 'b'); insert into @under values (1, 14), (2, 5)`,
  )
  const { database } = on
  const transaction = await database.transaction(`
    update tangled.over set id = 8 where id = 14; insert into tangled.over values (14, 'new'), (6, 'new');
    update tangled.under set over_id = 6 where id = 1`)
  const after = await state()
  await expect(database.audit.revert({ transaction })).rejects.toMatchObject({
    code: 'AUDITRUM_CONFLICT',
    message: expect.stringContaining('tangled.under 1: the key that it is to refer to again'),
  })
  expect(await state()).toEqual(after)
  const { sql } = await database.audit.revert({ transaction }, { dryRun: true })
  await (await database.client()).query(sql)
  expect((await state()).filter(({ row }) => String(row).startsWith('u'))).toEqual([
    { row: 'u(1,6,0)' },
    { row: 'u(2,5,0)' },
  ])
})

test('what a row has become is refused where no trigger of the tables explains it', async () => {
  const { before, state } = await family(
    'upset',
    'on update cascade on delete cascade',
    `insert into @over values (1, 'one'); insert into @under values (1, 1), (2, 1)`,
  )
  const { database } = on
  // not undone itself, but reached by a cascade
  await database.query(`
    create table upset.aside (over_id int references upset.over on update cascade); insert into upset.aside values (1);
    create function upset.meddle() returns trigger language plpgsql as $$
      begin delete from upset.under where id = 1; return null; end $$`)
  const transaction = await database.transaction(
    'update upset.over set id = 8; update upset.under set v = 5',
  )
  const after = await state()
  await database.query(
    'create trigger meddle after update on upset.aside for each row execute function upset.meddle()',
  )
  await expect(database.audit.revert({ transaction })).rejects.toMatchObject({
    code: 'AUDITRUM_CONFLICT',
    message: expect.stringContaining('Nothing was undone: upset.under 1 would be deleted'),
  })
  await expect(
    database.query('select * from auditrum.revert(transaction => $1)', [transaction]),
  ).rejects.toThrow(/upset.under 1 would be deleted/)
  expect(await state()).toEqual(after)
  const { omitted } = await database.audit.revert({ transaction }, { onConflict: 'force' })
  expect(omitted).toMatchObject([{ objectId: '1', why: 'kept' }])

  await database.query('drop trigger meddle on upset.aside; insert into upset.under values (1, 1)')
  expect(await state()).toEqual(before)
})
