// A process in which OpenTelemetry instruments pg, before or after auditrum() sees the pool. Prints
// the spans as JSON. Run by opentelemetry.test.ts.
const [url, order, comments, pipeline] = process.argv.slice(2)
const { AsyncLocalStorage } = require('node:async_hooks')
const { context, ROOT_CONTEXT } = require('@opentelemetry/api')
const { registerInstrumentations } = require('@opentelemetry/instrumentation')
const { PgInstrumentation } = require('@opentelemetry/instrumentation-pg')
const {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} = require('@opentelemetry/sdk-trace-base')

const exporter = new InMemorySpanExporter()
const tracerProvider = new BasicTracerProvider({
  spanProcessors: [new SimpleSpanProcessor(exporter)],
})
const storage = new AsyncLocalStorage()
context.setGlobalContextManager({
  active: () => storage.getStore() ?? ROOT_CONTEXT,
  with: (active, fn, self, ...args) => storage.run(active, () => fn.apply(self, args)),
  bind: (active, target) =>
    typeof target === 'function' ? (...args) => storage.run(active, () => target(...args)) : target,
  enable() {
    return this
  },
  disable() {
    return this
  },
})
const instrument = () =>
  registerInstrumentations({
    tracerProvider,
    instrumentations: [
      new PgInstrumentation({
        requireParentSpan: false,
        addSqlCommenterCommentToQueries: comments === 'comments',
      }),
    ],
  })

if (order === 'before') instrument()
const pg = require('pg')
const { auditrum, withContext } = require('@auditrum/pg')

async function main() {
  const pool = new pg.Pool({ connectionString: url, max: 2, pipeline: pipeline === 'pipeline' })
  auditrum(pool, { maintain: false })
  if (order === 'after') {
    await pool.query('select 1')
    instrument()
    require('pg')
  }
  const insert = 'insert into orders (note) values ($1) returning note'
  const results = [
    await withContext({ user_id: 'anna' }, () => pool.query(insert, ['a'])),
    await withContext({ user_id: 'ben' }, () =>
      pool.query(`insert into orders (note) values ('b') returning note`),
    ),
    await withContext({ user_id: 'cleo' }, () =>
      pool.query({ text: insert, values: ['c'], rowMode: 'array' }),
    ),
    await new Promise((resolve, reject) => {
      withContext({ user_id: 'dora' }, () =>
        pool.query(insert, ['d'], (error, result) => (error ? reject(error) : resolve(result))),
      )
    }),
  ]
  const failed = await withContext({ user_id: 'emil' }, () =>
    pool.query('insert into orders (nothing) values (1)'),
  ).catch(({ code }) => code)
  await pool.end()
  const spans = exporter.getFinishedSpans()
  console.log(
    JSON.stringify({
      rows: results.map(({ rows }) => rows[0].note ?? rows[0][0]),
      failed,
      statements: spans
        .map(({ attributes }) => attributes['db.statement'] ?? attributes['db.query.text'])
        .filter(Boolean),
      queries: spans.filter(({ name }) => name.startsWith('pg.query')).length,
    }),
  )
}
main()
