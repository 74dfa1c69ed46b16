import { withContext } from '@auditrum/pg'
import { beforeAll, describe, expect, test } from 'vitest'
import { installed, type Shop, shop } from '../support.js'

const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u
const hostile = '\u001b[31mred\u001b]0;title\u0007\u202etxt.exe\u2028next\r\nline\u009b2J'

describe('what people typed into the application', async () => {
  let it: Shop
  beforeAll(async () => {
    it = await shop()
    await withContext({ user_id: hostile, source: hostile, change_reason: hostile }, () =>
      it.pool.query('insert into orders values (1, 7, $1, $1, 1)', [hostile]),
    )
  })

  test.each([
    ['history orders 1 --format rich'],
    ['history orders 1 --format text'],
    ['history orders 1 --format json'],
    ['blame orders 1 --format rich'],
    ['blame orders 1 --format text'],
    ['blame orders 1 --json'],
    ['as-of orders now --format table'],
    ['as-of orders now --format json'],
    ['as-of orders now --format jsonl'],
  ])('%s shows it without acting on it', async (line) => {
    const { code, stdout, stderr } = await it.shell(`auditrum ${line}`)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('title')
    expect(stdout.replaceAll('\n', '')).not.toMatch(CONTROL)
    if (line.includes('json')) expect(stdout).toContain(JSON.stringify(hostile).slice(1, 9))
  })

  test('in a message of the database, too', async () => {
    const { code, stderr } = await it.cli(['blame', hostile, '1'])
    expect(code).toBe(2)
    expect(stderr.replaceAll('\n', '')).not.toMatch(CONTROL)
  })
})

describe('tables', async () => {
  let it: Shop
  beforeAll(async () => {
    it = await shop()
    await it.pool.query(
      `
      create table wide (id integer primary key, ${Array.from({ length: 30 }, (_, at) => `column_${at} text default 'value ${at}'`)});
      select auditrum.track('wide', '{}');
      insert into wide default values`.replace('default values', '(id) values (1)'),
    )
    await withContext(
      { user_id: '株式会社'.repeat(5), change_reason: 'words and '.repeat(30) },
      () =>
        it.pool.query(
          `insert into orders values (1, 7, repeat('number ', 30), repeat('x', 500), 1)`,
        ),
    )
  })

  test.each([80, 200])('fit a terminal of %i columns, and show everything', async (columns) => {
    for (const line of [
      'history --format rich',
      'blame orders 1 --format rich',
      'blame wide 1 --format rich',
      'as-of orders now --format table',
      'as-of wide now --format table',
      'status',
    ]) {
      const { stdout } = await it.shell(`auditrum ${line}`, { COLUMNS: String(columns) })
      const widest = Math.max(...stdout.split('\n').map(width))
      expect(widest, line).toBeLessThan(columns)
      if (line.includes('wide')) expect(stdout).toContain('value 29')
    }
  })

  test('have no limit in a pipe', async () => {
    const { stdout } = await it.shell('auditrum blame orders 1 number --format rich')
    expect(stdout).toContain('words and '.repeat(30).trim())
  })
})

describe('colours', async () => {
  let it: Shop
  beforeAll(async () => {
    it = await shop()
  })

  test('are none where the output is no terminal', async () => {
    const { stdout } = await it.cli(['blame', 'orders', '42', '--format', 'rich'])
    expect(stdout).not.toContain('\u001b')
  })

  describe.skipIf(!installed('script'))('on a terminal', () => {
    const typed = (line: string) =>
      it.shell(`script -qec "stty cols 90; ${line}" /dev/null < /dev/null`, { TERM: 'xterm' })

    test('are there, and the table without being asked for', async () => {
      const { stdout } = await typed('auditrum blame orders 42')
      expect(stdout).toContain('\u001b[36mstatus\u001b[39m')
      expect(stdout).toMatch(/column.*value.*since/)
    })

    test('are none with NO_COLOR or --no-color', async () => {
      for (const line of [
        'NO_COLOR=1 auditrum blame orders 42',
        'auditrum blame orders 42 --no-color',
        'auditrum --no-color blame orders 42',
      ]) {
        const { stdout } = await typed(line)
        expect(stdout).toContain('Payment received')
        expect(stdout).not.toContain('\u001b')
      }
    })

    test('progress is said where it takes long, and gone afterwards', async () => {
      const client = await it.database.client()
      await client.query('begin; lock auditrum.audit_event')
      const said = typed('auditrum history')
      await new Promise((resolve) => setTimeout(resolve, 2500))
      await client.query('commit')
      expect((await said).stdout).toMatch(/Reading the log[\s\S]*Payment received/)
      const { stdout } = await it.shell(
        `script -qec "auditrum history --quiet" /dev/null < /dev/null`,
      )
      expect(stdout).not.toContain('Reading the log')
    })
  })
})

test('a pipe that is closed early ends the command without a word', async () => {
  const it = await shop()
  await it.pool.query(
    `insert into orders select n, 7, n, repeat('x', 1000), 1 from generate_series(1000, 3000) n`,
  )
  const { stdout, stderr } = await it.shell('auditrum history --all --json | head -n 1')
  expect(stdout.split('\n')).toHaveLength(2)
  expect(stderr).toBe('')
})

/** Columns on a terminal: what is East Asian takes two. */
function width(line: string): number {
  return [...line].reduce((sum, each) => sum + (/[\u2e80-\u9fff]/.test(each) ? 2 : 1), 0)
}
