import { expect, test } from 'vitest'
import { undoing } from './support.js'

const on = undoing()

test('it is done by the rights and under the policies of whoever undoes', async () => {
  const { database } = on
  const role = await database.role()
  const user = await role.client()
  await database.tracked(
    'owned',
    `create table owned (id int primary key, owner text, v int);
    create table parts (id int primary key, owned int references owned, v int);
    insert into owned values (1, '${role.name}', 1), (2, 'other', 1); insert into parts values (1, 1, 1);
    alter table owned enable row level security; alter table parts enable row level security;
    create policy own on owned using (owner = current_user);
    create policy own on parts using (exists (select from owned where owned.id = parts.owned and owner = current_user));
    grant select, insert, update on owned, parts to ${role.name}`,
  )
  await database.track('parts')
  const transaction = await database.transaction('update owned set v = 2')
  const audit = database.audit.on(user)
  await expect(audit.revert({ transaction })).rejects.toMatchObject({ code: 'AUDITRUM_SCHEMA' })
  await database.query(`select auditrum.let_read('${role.name}')`)
  await expect(audit.revert({ transaction })).rejects.toMatchObject({
    conflicts: [{ objectId: '2', column: null, present: null }],
  })
  await audit.revert({ transaction }, { onConflict: 'skip' })
  expect(await database.select('select id, v from owned order by id')).toEqual([
    { id: 1, v: 1 },
    { id: 2, v: 2 },
  ])
  // a policy that looks at the parent finds it
  const removal = await database.transaction('delete from parts; delete from owned where id = 1')
  await audit.revert({ transaction: removal })
  expect(await database.select('select id from parts')).toEqual([{ id: 1 }])

  const insert = await database.event(`insert into owned values (3, '${role.name}', 1)`)
  await expect(audit.revert({ event: insert.id })).rejects.toMatchObject({
    code: 'AUDITRUM_SCHEMA',
    message: expect.stringContaining('permission denied for table owned'),
  })
})

test('a row to which others may refer that row security hides is not deleted', async () => {
  const { database } = on
  const role = await database.role()
  const user = await role.client()
  await database.query(`
    create table rooms (id int primary key);
    create table beds (id int primary key, room int references rooms on delete cascade, owner text);
    alter table beds enable row level security; create policy own on beds using (owner = current_user);
    grant select, insert, update, delete on rooms, beds to ${role.name};
    select auditrum.let_read('${role.name}')`)
  for (const name of ['rooms', 'beds']) await database.track(name)
  const event = await database.event(() => user.query('insert into rooms values (1)'))
  await database.query(`insert into beds values (7, 1, 'somebody else')`)
  const audit = database.audit.on(user)
  await expect(audit.revert({ event: event.id })).rejects.toMatchObject({
    code: 'AUDITRUM_CONFLICT',
    message: expect.stringContaining('rows that row security hides may refer to it'),
  })
  const { steps } = await audit.revert({ event: event.id }, { onConflict: 'skip' })
  expect(steps).toMatchObject([{ outcome: 'skipped' }])
  expect(await database.select('select id from beds')).toEqual([{ id: 7 }])
  await audit.revert({ event: event.id }, { onConflict: 'force' })
  expect(await database.select('select id from beds')).toEqual([])
})

test("the application's triggers fire, under its search_path; what they change is said", async () => {
  const { database } = on
  await database.query(`
    create schema app;
    create table app.counts (n int); insert into app.counts values (0);
    create table app.things (id int primary key, v int, touched int not null default 0);
    create function app.touch() returns trigger language plpgsql as $$
      begin new.touched := old.touched + 1; update counts set n = n + 1; return new; end $$;
    create function app.keep() returns trigger language plpgsql as $$
      begin if old.id = 2 then return null; end if; return old; end $$;
    create trigger touch before update on app.things for each row execute function app.touch();
    create trigger keep before delete on app.things for each row execute function app.keep()`)
  await database.track('app.things')
  const client = await database.client()
  await client.query('set search_path = app')
  const run = (text: string) => database.recorded(() => client.query(text))
  const inserted = await run('insert into things values (1, 1), (2, 2)')
  const [update] = await run('update things set v = 5 where id = 1')
  const audit = database.audit.on(client)
  const { steps, omitted } = await audit.revert({ event: String(update?.id) })
  expect(steps).toMatchObject([{ outcome: 'done', columns: ['v', 'touched'] }])
  expect(omitted).toMatchObject([{ why: 'trigger', columns: ['touched'] }])
  expect(await database.select('select * from app.things order by id')).toEqual([
    { id: 1, v: 1, touched: 2 },
    { id: 2, v: 2, touched: 0 },
  ])
  expect(await database.select('select n from app.counts')).toEqual([{ n: 2 }])
  const undone = await audit.revert({ event: String(inserted[1]?.id) })
  expect(undone).toMatchObject({ steps: [{ outcome: 'skipped' }], omitted: [{ why: 'kept' }] })
})

test('where contexts must be signed, an unsigned one is left as it is', async () => {
  const { database } = on
  await database.tracked('signed', 'create table signed (id int primary key)')
  const event = await database.event('insert into signed values (1)')
  await database.query(`select auditrum.sign_contexts(repeat('k', 32))`)
  try {
    const undo = await database.event(() => database.audit.revert({ event: event.id }))
    expect(undo).toMatchObject({ operation: 'delete', context_error: null, metadata: null })
  } finally {
    await database.query('select auditrum.sign_contexts(null)')
  }
})
