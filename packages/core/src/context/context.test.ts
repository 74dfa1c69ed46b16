import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import ts from 'typescript'
import { describe, expect, test, vi } from 'vitest'
import {
  amendContext,
  changeReason,
  currentContext,
  withChangeReason,
  withContext,
} from './context.js'
import { contextEnvironment } from './environment.js'
import { payloadOf } from './payload.js'
import { type StoredContext, storedContext } from './store.js'

const metadata = () => currentContext()?.metadata
const here = () => storedContext() as StoredContext
const sent = (first = true) => JSON.parse(payloadOf(here(), first).text)

/** Whatever is asked of it throws. */
const untouchable = new Proxy(
  {},
  {
    getPrototypeOf() {
      throw new Error('not this one')
    },
    get() {
      throw new Error('not this one')
    },
  },
)

describe('a context', () => {
  test('reaches what its block starts, and ends with it', async () => {
    expect(currentContext()).toBeUndefined()
    const result = await withContext({ user_id: 7 }, async () => {
      await sleep(1)
      return metadata()
    })
    expect(result).toEqual({ user_id: 7 })
    expect(currentContext()).toBeUndefined()
    expect(withContext({}, () => 'a value')).toBe('a value')
  })

  test('inside another inherits and adds, under the same root', () => {
    withContext({ user_id: 7, source: 'web' }, () => {
      const outer = currentContext()
      withContext({ source: 'job' }, () => {
        const inner = currentContext()
        expect(inner?.metadata).toEqual({ user_id: 7, source: 'job' })
        expect(inner?.rootId).toBe(outer?.id)
        expect(inner?.id).not.toBe(outer?.id)
      })
      expect(metadata()).toEqual({ user_id: 7, source: 'web' })
    })
  })

  test('joins the reasons of its blocks', async () => {
    await withChangeReason('import', () =>
      withContext({ user_id: 7 }, () =>
        withChangeReason('row 12', async () =>
          expect(metadata()).toEqual({ user_id: 7, change_reason: 'import -> row 12' }),
        ),
      ),
    )
  })

  test('can be amended for the rest of it, and inner blocks see that', async () => {
    await withContext({ source: 'web' }, async () => {
      const inner = withChangeReason('login', async () => {
        await sleep(2)
        return metadata()
      })
      expect(amendContext({ user_id: 7 })).toBe(true)
      expect(await inner).toEqual({ source: 'web', user_id: 7, change_reason: 'login' })
    })
    expect(amendContext({ user_id: 8 })).toBe(false)
  })

  test('is that of a query which starts when it is awaited, outside of the block that returns it', async () => {
    const lazy = () => ({
      // biome-ignore lint/suspicious/noThenProperty: as the builders of Knex and Drizzle
      then(done: (value: unknown) => unknown) {
        done(metadata())
      },
    })
    expect(await withContext({ user_id: 7 }, lazy)).toEqual({ user_id: 7 })
    expect(await withContext({ user_id: 7 }, () => withContext({ user_id: 8 }, lazy))).toEqual({
      user_id: 8,
    })
    expect(await withContext({ user_id: 7 }, lazy).then(() => metadata() as never)).toBeUndefined()
  })

  test('without a reason is that around it', () => {
    for (const none of ['', null, undefined]) {
      expect(withContext({ user_id: 7 }, () => withChangeReason(none, metadata))).toEqual({
        user_id: 7,
      })
    }
  })

  test('is amended, not the block in it that only gives a reason', () => {
    withContext({ source: 'web' }, () => {
      withChangeReason('login', () => {
        withChangeReason('by form', () => amendContext({ user_id: 7, change_reason: 'by mail' }))
        expect(metadata()).toEqual({ source: 'web', user_id: 7, change_reason: 'login' })
      })
      expect(metadata()).toEqual({ source: 'web', user_id: 7 })
      withContext({ user_id: 8 }, () => amendContext({ user_id: 9 }))
      expect(metadata()).toEqual({ source: 'web', user_id: 7 })
    })
  })

  test('is that of each step of a generator', async () => {
    function* steps() {
      yield metadata()
      return metadata()
    }
    const generator = withContext({ user_id: 7 }, steps)
    expect([generator.next().value, generator.next().value]).toEqual([
      { user_id: 7 },
      { user_id: 7 },
    ])
    async function* rows(this: void) {
      yield metadata()
      await null
      yield metadata()
    }
    const nightly = changeReason('nightly')(rows, {} as never)
    const seen: unknown[] = []
    for await (const each of nightly()) seen.push(each, metadata())
    expect(seen).toEqual([
      { change_reason: 'nightly' },
      undefined,
      { change_reason: 'nightly' },
      undefined,
    ])
  })

  test('names nobody where the inner block names no user: not the one around it', () => {
    for (const user_id of [Number.NaN, {}, Symbol('a')]) {
      withContext({ user_id: 'anna', source: 'web' }, () =>
        withContext({ user_id: user_id as never }, () =>
          expect(currentContext()?.metadata).toEqual({ source: 'web' }),
        ),
      )
    }
  })

  test('leaves out what names no user, and says so', () => {
    const wrong = [Promise.resolve(7), { id: 7 }, ['anna'], true, Symbol('anna'), untouchable]
    for (const user_id of wrong) {
      withContext({ user_id: user_id as never, source: 'web' }, () => {
        const { metadata, error } = sent() as unknown as Record<string, unknown>
        expect(metadata).toEqual({ source: 'web' })
        expect(error).toMatch(/^user_id: (it is a promise; await it|.* names no user)/)
      })
    }
    withContext({ note: Promise.resolve(1) }, () => expect(sent().metadata).toEqual({}))
  })

  test('warns once of a key that is meant to be a well-known one', async () => {
    const warnings: string[] = []
    const hear = ({ message }: Error) => warnings.push(message)
    process.on('warning', hear)
    withContext({ userId: 7 }, () => expect(metadata()).toEqual({ userId: 7 }))
    withContext({ userId: 8, changeReason: 'x' }, () => undefined)
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', hear)
    expect(warnings).toHaveLength(2)
    expect(warnings[0]).toMatch(/"userId".*Did you mean "user_id"\?$/)
  })

  test('refuses what is no metadata and no reason', () => {
    for (const wrong of ['x', null, [], 7]) {
      expect(() => withContext(wrong as never, () => 1)).toThrow('Give an object')
      expect(() => amendContext(wrong as never)).toThrow('Give an object')
    }
    expect(() => withContext({}, 5 as never)).toThrow('number to run, not a function')
    expect(() => withChangeReason(5 as never, () => 1)).toThrow('says why')
    expect(() => changeReason(undefined as never)).toThrow('says why')
  })
})

describe('a value that is a function', () => {
  test('is asked at the first write of each transaction until it answers; the answer stays', () => {
    let user: number | undefined
    let calls = 0
    const user_id = () => {
      calls++
      return user
    }
    withContext({ source: 'web', user_id }, () => {
      const first = sent()
      expect(first.metadata).toEqual({ source: 'web' })
      expect(sent(false)).toEqual(first)
      expect(calls).toBe(1)
      user = 7
      const second = sent()
      expect(second).toMatchObject({ root: first.root, metadata: { source: 'web', user_id: 7 } })
      expect(second.id).not.toBe(first.id)
      user = 8
      expect(sent()).toEqual(second)
      expect(calls).toBe(2)
      withContext({ source: 'job' }, () => expect(metadata()).toMatchObject({ user_id: 7 }))
    })
  })

  test('that answers in an inner block answers for the outer one as well', () => {
    let user: string | null = null
    withContext({ user_id: () => user }, () => {
      withChangeReason('login', () => {
        user = 'anna'
        expect(sent().metadata.user_id).toBe('anna')
        user = 'bob'
      })
      expect(sent().metadata.user_id).toBe('anna')
    })
  })

  test('may ask for the context itself', () => {
    withContext({ user_id: () => String(currentContext()?.metadata.source), source: 'web' }, () =>
      expect(sent().metadata).toEqual({ user_id: 'web', source: 'web' }),
    )
  })

  test.each([
    [
      'throws',
      () => {
        throw new Error('no session')
      },
      'no session',
    ],
    ['returns a promise', async () => 7, 'promise'],
  ])('that %s is said in the error, and the rest is sent', (_, user_id, error) => {
    withContext({ source: 'web', user_id } as never, () =>
      expect(sent()).toMatchObject({
        metadata: { source: 'web' },
        error: expect.stringContaining(error),
      }),
    )
  })
})

describe('what is hostile in metadata is left out and said, and fails nothing:', () => {
  test.each<[string, () => Record<string, unknown>]>([
    [
      'a getter that throws',
      () => ({
        get note() {
          throw new Error('not this one')
        },
      }),
    ],
    ['a proxy that throws', () => ({ note: untouchable })],
  ])('%s', (_, hostile) => {
    withContext(Object.defineProperties({}, Object.getOwnPropertyDescriptors(hostile())), () => {
      amendContext({ user_id: 'anna' })
      expect(sent()).toMatchObject({
        metadata: { user_id: 'anna' },
        error: expect.stringMatching(/^note: /),
      })
      expect(amendContext(hostile())).toBe(true)
      expect(sent().metadata).toEqual({ user_id: 'anna' })
    })
  })

  test('numbers that jsonb would write out beyond what it may hold, and no text like one', () => {
    withContext({ user_id: 7, text: '1e+99999', sizes: Array(500).fill(1e300) }, () => {
      expect(sent().metadata).toEqual({ user_id: 7, text: '1e+99999' })
      expect(sent().error).toMatch(/^sizes: its \d+ bytes are too many/)
    })
  })

  test('a key "__proto__" is one like any other', () => {
    const hostile = JSON.parse('{"__proto__": {"user_id": "anna"}}')
    withContext({ source: 'web' }, () => {
      amendContext(hostile)
      expect(JSON.stringify(sent().metadata)).toBe(
        '{"source":"web","__proto__":{"user_id":"anna"}}',
      )
    })
  })
})

describe('what is sent', () => {
  test('keeps its id while the metadata is the same', () => {
    withContext({ user_id: 7 }, () => {
      const first = sent()
      expect(first).toEqual({
        v: 1,
        id: currentContext()?.id,
        root: currentContext()?.id,
        metadata: { user_id: 7 },
      })
      amendContext({ user_id: 7 })
      expect(sent()).toEqual(first)
      amendContext({ user_id: 8 })
      expect(sent()).toMatchObject({ root: first.root, metadata: { user_id: 8 } })
      expect(sent().id).not.toBe(first.id)
    })
  })

  test('leaves out what JSON cannot hold, and says so', () => {
    const cycle: Record<string, unknown> = {}
    cycle.self = cycle
    const trap = {
      toJSON: () => {
        throw new Error('gone')
      },
    }
    withContext({ user_id: 7, big: 10n, cycle, trap, nothing: undefined, nan: Number.NaN }, () => {
      const { metadata, error } = sent()
      expect(metadata).toEqual({ user_id: 7, nan: null })
      for (const name of ['big: ', 'cycle: ', 'trap: gone']) expect(error).toContain(name)
    })
  })

  test('leaves out the largest values where it is too large, and keeps who and why', () => {
    const body = 'é'.repeat(12_000)
    withContext({ user_id: 7, change_reason: 'import', body }, () => {
      const payload = payloadOf(here(), true)
      expect(JSON.parse(payload.text)).toMatchObject({
        metadata: { user_id: 7, change_reason: 'import' },
        error: expect.stringContaining('body: its 72'),
      })
      expect(payload.text.length).toBeLessThan(1_000)
    })
  })

  test('is at most 65,536 bytes of ASCII, and JSON that jsonb takes, whatever it holds', () => {
    const anything = fc.dictionary(
      fc.string({ unit: 'binary' }),
      fc.oneof(
        fc.anything({ withBigInt: true, withDate: true, withMap: true, withTypedArray: true }),
        fc.string({
          unit: fc.constantFrom('\0', '\ud800', '\udc00', '\\', 'u0000', '"', 'é', '😀'),
        }),
        fc.string({ minLength: 20_000, maxLength: 90_000 }),
      ),
    )
    fc.assert(
      fc.property(anything, (values) =>
        withContext(values, () => {
          const { text } = payloadOf(here(), true)
          expect(text).toMatch(/^[\x20-\x7e]*$/)
          expect(text.length).toBeLessThanOrEqual(65_536)
          expect(JSON.stringify(JSON.parse(text))).not.toMatch(
            /(?<!\\)(\\\\)*\\u(0000|d[89a-f][0-9a-f]{2})/,
          )
        }),
      ),
      { numRuns: 40 },
    )
  })

  test('replaces NUL and lone surrogates, and nothing else', () => {
    const value = 'a\0b \ud800 c \\u0000 \\\\ud800 😀'
    withContext({ value, 'k\0': 1 }, () =>
      expect(sent().metadata).toEqual({
        value: 'a\ufffdb \ufffd c \\u0000 \\\\ud800 😀',
        'k\ufffd': 1,
      }),
    )
  })
})

describe('@changeReason', () => {
  const source = `class Accounts {
    name = 'x'
    @changeReason('Bulk update for compliance')
    bulk(suffix) { return this.name + suffix + ': ' + currentContext().metadata.change_reason }
  }
  return new Accounts()`

  test.each([
    ['of the standard', false],
    ["of TypeScript's experimentalDecorators", true],
  ])('as a decorator %s', (_, experimentalDecorators) => {
    const target = ts.ScriptTarget.ES2022
    const { outputText } = ts.transpileModule(source, {
      compilerOptions: { target, experimentalDecorators },
    })
    const make = new Function('changeReason', 'currentContext', outputText)
    const accounts = make(changeReason, currentContext)
    expect(accounts.bulk('y')).toBe('xy: Bulk update for compliance')
    expect(accounts.bulk.name).toBe('bulk')
  })

  test('is refused on what is no method', () => {
    expect(() => changeReason('r')({}, 'name', { get: () => 1 })).toThrow('no method')
  })
})

describe('the environment of another program', () => {
  test('has the context in PGOPTIONS, escaped, behind what was there', () => {
    const environment = contextEnvironment(
      { change_reason: 'fix of\ta \\ row' },
      { PGOPTIONS: '-c work_mem=1MB', HOME: '/' },
    )
    expect(environment.HOME).toBe('/')
    const [, option] =
      /^-c work_mem=1MB -c auditrum\.context=(\S+\\ .*)$/.exec(environment.PGOPTIONS ?? '') ?? []
    expect(JSON.parse(String(option).replaceAll(/\\(.)/g, '$1'))).toMatchObject({
      metadata: { change_reason: 'fix of\ta \\ row' },
    })
  })

  test('inherits from the one that it is made in, which it replaces', () => {
    const outer = contextEnvironment(
      { source: 'deploy', change_reason: 'release 7' },
      { PGOPTIONS: '-c work_mem=1MB' },
    )
    const inner = contextEnvironment({ change_reason: 'migration\n12' }, outer)
    const [before, after] = [outer, inner].map(({ PGOPTIONS = '' }) => {
      const [, ...found] = PGOPTIONS.split('-c auditrum.context=')
      expect(found).toHaveLength(1)
      return JSON.parse(String(found[0]).replaceAll(/\\(.)/gs, '$1'))
    })
    expect(inner.PGOPTIONS).toMatch(/^-c work_mem=1MB -c auditrum/)
    expect(after.root).toBe(before.root)
    expect(after.id).not.toBe(before.id)
    expect(after.metadata).toEqual({
      source: 'deploy',
      change_reason: 'release 7 -> migration\n12',
    })
  })

  test('of a program that was started with one, is around its own', () => {
    const { PGOPTIONS } = contextEnvironment({ user_id: 7, change_reason: 'release 7' }, {})
    vi.stubEnv('PGOPTIONS', PGOPTIONS)
    try {
      expect(currentContext()).toBeUndefined()
      withContext({ change_reason: 'step 1' }, () => {
        const inner = currentContext()
        expect(inner?.metadata).toEqual({ user_id: 7, change_reason: 'release 7 -> step 1' })
        expect(PGOPTIONS).toContain(`"root":"${inner?.rootId}"`)
      })
      // what is learnt in one block is not for the next
      withChangeReason('step 2', () => amendContext({ user_id: 8 }))
      withChangeReason('step 3', () => expect(currentContext()?.metadata.user_id).toBe(7))
    } finally {
      vi.unstubAllEnvs()
    }
  })

  test.each([
    '{"v":1}',
    'nonsense',
    '{"v":2,"id":1}',
    's1 1 x {"v":1,"id":"a","root":"b","metadata":[]}',
  ])('begins anew where what it is made in carries %s', (payload) => {
    const PGOPTIONS = `-c auditrum.context=${payload.replaceAll(' ', '\\ ')}`
    const { PGOPTIONS: options } = contextEnvironment({ source: 'cron' }, { PGOPTIONS })
    expect(options).toMatch(/^-c auditrum\.context=\{"v":1,\S+"metadata":\{"source":"cron"\}\}$/)
  })

  test('is refused where it would not fit, or would not be whole', () => {
    expect(() => contextEnvironment({ note: 'x'.repeat(8_192) }, {})).toThrow('shorter context')
    expect(() => contextEnvironment({ big: 1n }, {})).toThrow('cannot be stored whole')
  })
})
