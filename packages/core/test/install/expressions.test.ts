import { beforeAll, describe, expect, test } from 'vitest'
import { Auditrum, type TrackOptions, track } from '../../src/index.js'
import { type AuditedDatabase, auditedDatabase } from '../support.js'

let database: AuditedDatabase
beforeAll(async () => {
  database = await auditedDatabase()
  await database.query(`
    create table orders (id integer primary key, status text, total numeric, "Full Name" text);
  `)
})

describe('when', () => {
  test.for([
    [
      'OLD in an insert',
      { insert: `OLD.status = 'x'` },
      /when\.insert of public\.orders.*cannot be evaluated.*NEW alone \(an insert has no OLD\)/,
    ],
    [
      'NEW in a delete',
      { delete: `NEW.status = 'x'` },
      /when\.delete of public\.orders.*cannot be evaluated.*OLD alone \(a delete has no NEW\)/,
    ],
    ['the whole OLD in an insert', { insert: 'OLD IS NULL' }, /when\.insert/],
    ['a column of neither', { insert: `status = 'x'` }, /cannot be evaluated/],
    ['a comment that swallows what follows', 'true /*', /cannot be evaluated/],
    ['a parenthesis that closes ours', 'true) --', /cannot be evaluated/],
    ['a semicolon', 'true;', /cannot be evaluated/],
    ['a second command', 'true); drop table orders; select (true', /cannot be evaluated/],
  ] as const)('is refused with %s', async ([, when, message]) => {
    const audit = new Auditrum(database, { tables: [track('orders', { when })] })
    await expect(audit.sync()).rejects.toMatchObject({
      code: 'AUDITRUM_DECLARATION',
      message: expect.stringMatching(message),
    })
  })

  test('may end in a comment that ends with its line, and ask what its operation has', async () => {
    await database.tracked('commented', 'create table commented (id integer primary key)', {
      when: {
        insert: 'NEW.id > 1 --',
        update: 'OLD.id < NEW.id /* upwards */',
        delete: 'OLD.id > 1',
      },
    })
    expect(await database.recorded('insert into commented values (1), (2)')).toHaveLength(1)
    expect(await database.recorded('delete from commented')).toMatchObject([
      { object_id: '2', drift: null },
    ])
  })
})

describe('label', () => {
  test.for([
    'status',
    'Full Name',
    `status || ' of ' || id`,
    'coalesce("Full Name", orders.status)',
    'orders::text',
    'total -- as agreed',
  ])('may be %o', async (label) => {
    await database.track('orders', { label })
  })

  test.for([
    [
      'a column that is not there',
      'stauts',
      /neither a column nor SQL over the row.*Did you mean status\?/,
    ],
    [
      'an expression over none',
      'nix || 1',
      /"nix" does not exist.*Its columns are id, status, total, Full Name/,
    ],
    ['no SQL', 'status ||', /neither a column nor SQL/],
    ['an aggregate', 'max(status)', /neither a column nor SQL/],
    ['several rows', 'generate_series(1, 2)', /neither a column nor SQL/],
  ] as const)('is refused where it is %s', async ([, label, message]) => {
    const audit = new Auditrum(database, { tables: [track('orders', { label })] })
    await expect(audit.sync()).rejects.toMatchObject({
      code: 'AUDITRUM_DECLARATION',
      message: expect.stringMatching(message),
    })
  })

  test('needs no right to read the table', async () => {
    await database.query('create table private (id integer primary key, name text)')
    const role = await database.role()
    const owner = await role.client()
    await database.query(`
      grant create on database ${database.name} to ${role.name};
      grant trigger on private to ${role.name};
    `)
    const audit = new Auditrum(owner, {
      schema: 'its_log',
      tables: [track('private', { label: 'upper(name)' })],
    })
    expect(await audit.sync()).toMatchObject({ installed: ['public.private'] })
  })
})

describe('the function track in the database', () => {
  test.for([
    ['select auditrum.track(null)', /There is no table to track.*null/],
    [`select auditrum.track(to_regclass('nix'))`, /There is no table to track/],
    [`select auditrum.track('orders', null)`, /is null, not a JSON object/],
    [`select auditrum.track('orders', '[1]')`, /is \[1\], not a JSON object/],
    [`select auditrum.track('orders', '"x"')`, /is "x", not a JSON object/],
    [`select auditrum.track('orders', '{}', null)`, /The app that declares public\.orders is null/],
    [`select auditrum.track('orders', '{"exclude": "a"}')`, /has 'exclude': "a"/],
    [`select auditrum.track('orders', '{"mask": []}')`, /has 'mask': \[\]/],
    [`select auditrum.track('orders', '{"only": [1]}')`, /has 'only': \[1\]/],
    [`select auditrum.track('orders', '{"meta": {"a": 1}}')`, /has 'meta': \{"a": 1\}/],
    [`select auditrum.track('orders', '{"ignore": null}')`, /has 'ignore': null/],
    [`select auditrum.track('orders', '{"image": 7}')`, /has the image 7/],
    [
      `select auditrum.track('orders', '{"requireContext": "user"}')`,
      /has 'requireContext': "user"/,
    ],
    [`select auditrum.track('orders', '{"label": ""}')`, /has 'label': ""/],
    [`select auditrum.track('orders', '{"when": true}')`, /has 'when': true/],
    [`select auditrum.track('orders', '{"when": {}}')`, /has 'when': \{\}/],
    [`select auditrum.track('orders', '{"when": {"truncate": "true"}}')`, /has 'when'/],
  ] as const)('refuses %s in sentences', async ([sql, message]) => {
    await expect(database.query(sql)).rejects.toMatchObject({
      code: 'AU002',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(/\.$/),
    })
  })

  test('asks for the nearest name', async () => {
    for (const [declaration, hint] of [
      ['{"ignore": ["stauts"]}', 'Did you mean status?'],
      ['{"exlude": ["status"]}', `Did you mean 'exclude'?`],
    ]) {
      await expect(
        database.query('select auditrum.track($1, $2)', ['orders', declaration]),
      ).rejects.toMatchObject({ code: 'AU002', hint })
    }
  })

  test('takes false for what is not required', async () => {
    await database.query('create table free (id integer primary key)')
    await database.query(`select auditrum.track('free', '{"requireContext": false}')`)
    expect(await database.recorded('insert into free values (1)')).toHaveLength(1)
    const options: TrackOptions = { requireContext: false }
    expect(await new Auditrum(database, { tables: [track('free', options)] }).sync()).toMatchObject(
      { unchanged: ['public.free'] },
    )
  })
})
