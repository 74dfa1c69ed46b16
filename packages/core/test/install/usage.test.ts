import { testDatabase } from '@auditrum/testkit/vitest'
import { expect, test } from 'vitest'
import {
  Auditrum,
  AuditrumError,
  migrationSql,
  type Queryable,
  schemaSql,
  track,
  trackAll,
  trackingSql,
  waive,
} from '../../src/index.js'

const nobody: Queryable = {
  query: () => Promise.reject(new Error('nothing is to be asked of the database')),
}

/** As plain JavaScript calls it, where no compiler says no. */
const js = (value: unknown) => value as never
const audit = (options: unknown) => () => new Auditrum(nobody, js(options))

test.for<[string, () => unknown, RegExp]>([
  [
    'a table by its name',
    audit({ tables: ['orders'] }),
    /^tables\[0\] is "orders".*track\("orders"\)/,
  ],
  [
    'a list in the list',
    audit({ tables: [[track('orders')]] }),
    /Spread a list into the one around/,
  ],
  ['tables that are no list', audit({ tables: {} }), /^tables: \{\} is no list/],
  [
    'null among the tables',
    audit({ tables: [null] }),
    /^tables\[0\] is null, which declares nothing/,
  ],
  [
    'an entry without a table',
    audit({ tables: [{ kind: 'track' }] }),
    /cannot be named by undefined/,
  ],
  [
    'an entry with a misspelt option',
    audit({ tables: [{ ...track('a'), options: { onyl: ['b'] } }] }),
    /Did you mean "only"\?/,
  ],
  [
    'a misspelt option',
    audit({ table: [track('orders')] }),
    /has no option "table"\. Did you mean "tables"\?/,
  ],
  ['null as options', audit(null), /^Auditrum was given null as its options/],
  ['a schema that is no name', audit({ schema: 1 }), /schema called 1/],
  ['an app that is no name', audit({ app: 5 }), /^app: 5 names no app/],
  ['an unknown image', audit({ image: 'half' }), /^image: "half" is no image/],
  ['a time that is none', audit({ lockTimeout: '2s' }), /^lockTimeout: "2s"/],
  [
    'a time that PostgreSQL cannot wait',
    audit({ lockTimeout: 1e12 }),
    /^lockTimeout: 1000000000000 is no time to wait\. Give milliseconds, 1 to 2147483647\./,
  ],
  [
    'a reader that cannot read',
    audit({ reader: {} }),
    /^The option reader is .*not a Queryable\. Give a pg\.Pool/,
  ],
  ['no Queryable', () => new Auditrum(js(undefined)), /is undefined, not a Queryable/],
  ['track with null', () => track('orders', js(null)), /has the options null\. Give an object/],
  ['track with a string', () => track('orders', js('x')), /has the options "x"\. Give an object/],
  [
    'a schema that is a number',
    () => track(js({ schema: 1, table: 'x' })),
    /cannot be named by \{"schema":1/,
  ],
  [
    'a misspelt schema',
    () => track(js({ shema: 'a', table: 'x' })),
    /Write 'orders', 'schema\.orders'/,
  ],
  ['a table that is a bigint', () => track(js(1n)), /cannot be named by 1/],
  ['trackAll of a string', () => trackAll(js('public')), /was given "public"\. Give an object/],
  ['trackAll of a number', () => trackAll(js({ schema: 1 })), /given schema: 1/],
  [
    'trackAll except a string',
    () => trackAll(js({ except: 'a' })),
    /given except: "a"\. Give a list/,
  ],
  [
    'trackAll except a table elsewhere',
    () => trackAll({ except: ['billing.a'] }),
    /excepts billing\.a, which is in another/,
  ],
  [
    'trackAll with a misspelt option',
    () => trackAll(js({ exept: ['a'] })),
    /Did you mean "except"\?/,
  ],
  ['a waiver without a reason', () => waive('a', ' '), /has the reason " "\. Say in words/],
  [
    'a waiver with no reason at all',
    () => (waive as (table: string) => unknown)('a'),
    /has the reason undefined/,
  ],
  ['trackingSql of a name', () => trackingSql(js('orders')), /trackingSql is "orders"/],
  [
    'trackingSql of a schema',
    () => trackingSql(js(trackAll())),
    /was given a trackAll\. .*migration\(\)/,
  ],
  [
    'trackingSql with a misspelt option',
    () => trackingSql(track('a'), js({ shcema: 'x' })),
    /Did you mean "schema"\?/,
  ],
  ['schemaSql of a name', () => schemaSql(js('audit')), /schemaSql was given "audit"/],
  [
    'migrationSql of nothing',
    () => migrationSql(js(undefined)),
    /was given undefined\. Give what plan\(\)/,
  ],
])('%s is refused at the call', ([, call, message]) => {
  let error: unknown
  try {
    call()
  } catch (thrown) {
    error = thrown
  }
  expect(error).toBeInstanceOf(AuditrumError)
  expect(error).toMatchObject({
    code: expect.stringMatching(/^AUDITRUM_(DECLARATION|USAGE)$/),
    message: expect.stringMatching(message),
  })
})

test('a connection string is no Queryable, and is not repeated', () => {
  const call = () => new Auditrum(js('postgres://user:password@host/database'))
  expect(call).toThrow(/is a string, not a Queryable\. Give a pg\.Pool/)
  expect(call).not.toThrow(/password/)
})

test.for<[string, (it: Auditrum) => Promise<unknown>, RegExp]>([
  [
    'sync',
    (it) => it.sync(js({ dryrun: true })),
    /sync has no option "dryrun"\. Did you mean "dryRun"\?/,
  ],
  [
    'plan',
    (it) => it.plan(js({ prunne: true })),
    /plan has no option "prunne"\. Did you mean "prune"\?/,
  ],
  [
    'migration',
    (it) => it.migration(js({ dryRun: true })),
    /migration has no option "dryRun"\. Its options are prune/,
  ],
  [
    'uninstall, of sync',
    (it) => it.uninstall(js({ dryRun: true })),
    /uninstall has no option "dryRun"/,
  ],
  ['uninstall', (it) => it.uninstall(js({ keeplog: true })), /Did you mean "keepLog"\?/],
  ['createPartitions', (it) => it.createPartitions(js({ month: 5 })), /Did you mean "months"\?/],
  [
    'sync, a flag that is text',
    (it) => it.sync(js({ dryRun: 'false' })),
    /given dryRun: "false"\. Give true or false/,
  ],
  ['sync, null', (it) => it.sync(js(null)), /sync was given null as its options/],
])('what is no option is refused, before anything is done: %s', async ([, call, message]) => {
  const it = new Auditrum(nobody, { tables: [track('orders')] })
  await expect(call(it)).rejects.toMatchObject({
    code: 'AUDITRUM_USAGE',
    message: expect.stringMatching(message),
  })
})

test('undefined is as good as left out', async () => {
  const database = await testDatabase()
  await database.query('create table orders (id integer primary key)')
  const columns: string[] | undefined = undefined
  const it = new Auditrum(database, {
    schema: undefined,
    app: undefined,
    image: undefined,
    reader: undefined,
    lockTimeout: undefined,
    tables: [track('orders', { exclude: columns, when: { insert: 'true', delete: undefined } })],
  })
  expect(await it.sync({ prune: undefined, dryRun: undefined })).toMatchObject({
    installed: ['public.orders'],
  })
  await it.uninstall({ keepLog: undefined })
  expect(await it.createPartitions({ months: undefined })).toEqual([])
})

test('a driver whose answers have no rows is told so', async () => {
  const driver = { query: async () => [{ pid: 1 }] }
  await expect(new Auditrum(js(driver)).status()).rejects.toMatchObject({
    code: 'AUDITRUM_USAGE',
    message: expect.stringMatching(/did not resolve to \{ rows \}\. Wrap the driver/),
  })
})
