import fc from 'fast-check'

const thrown = () => {
  throw new Error('no\nvalue')
}

const hostile = new Proxy(
  {},
  {
    get: thrown,
    ownKeys: thrown,
    getOwnPropertyDescriptor: thrown,
    getPrototypeOf: thrown,
    has: thrown,
  },
)

function cycle(): unknown {
  const one: Record<string, unknown> = { a: 1 }
  one.self = [one]
  return one
}

const nested = (depth: number) => {
  let value: unknown = 1
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value }
  return value
}

/** What people put into strings, and what nobody should. */
export const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc
    .array(
      fc.constantFrom(
        ...[
          '\0',
          '\ud800',
          '\udc00',
          '\ud83d\ude00',
          '\ufffd',
          '\uffff',
          '\\',
          '\\u0000',
          '\\ud800',
        ],
        ...["'", '"', '$$', '\n', '\r', '\u2028', '\u202e', '\x7f', '\x1b', 'é', 'a', '{', ':'],
      ),
      { maxLength: 6 },
    )
    .map((parts) => parts.join('')),
)

const scalar: fc.Arbitrary<unknown> = fc.oneof(
  text,
  text,
  fc.double(),
  fc.integer(),
  fc.constantFrom<unknown>(
    ...[null, undefined, true, false, -0, Number.NaN, Number.POSITIVE_INFINITY, 1e308, 5e-324],
    ...[2 ** 53, 7n, Symbol('s'), '', '0', 'x'.repeat(70_000), 'é'.repeat(12_000)],
    ...[new Date(0), new Date(Number.NaN), /x/, Object(7), Object('s'), Object(true), Object(7n)],
    ...[new Map([[1, 2]]), new Set([1]), new Error('e'), Buffer.from('abc'), new Float64Array(2)],
    ...[Promise.resolve(7), hostile, thrown, () => undefined, () => null, () => 'late'],
    ...[() => Promise.resolve(7), () => hostile, cycle(), nested(500), nested(20_000)],
    ...[Array(9_000).fill(1e300), Object.create(null), { toJSON: thrown }, { toJSON: () => 7 }],
    ...[
      { toJSON: () => undefined },
      Object.defineProperty({}, 'a', { get: thrown, enumerable: true }),
    ],
  ),
)

const keys = fc.oneof(
  fc.constantFrom(
    ...['user_id', 'user_id', 'change_reason', 'change_reason', 'source', 'request_id'],
    ...['__proto__', 'constructor', 'toJSON', 'hasOwnProperty', 'length', '', '0', '-1'],
    ...['v', 'id', 'root', 'metadata', 'error', 'a\0', 'a\ufffd', '\ud800'],
  ),
  text,
)

const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.array(fc.tuple(keys, tie('value')), { maxLength: 3 }).map(withKeys),
  ),
}))

/** An object with these keys, `__proto__` among them, and the later of two that are equal. */
export function withKeys(
  entries: readonly (readonly [string, unknown])[],
): Record<string, unknown> {
  const result = {}
  for (const [key, value] of entries) {
    Object.defineProperty(result, key, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    })
  }
  return result
}

/** The metadata of one block. */
export const metadata: fc.Arbitrary<Record<string, unknown>> = fc
  .tuple(
    fc.array(fc.tuple(keys, value), { maxLength: 4 }).map(withKeys),
    fc.integer({ min: 0, max: 19 }),
    fc.boolean(),
  )
  .map(([object, n, inherited]) => {
    if (n === 0) {
      Object.defineProperty(object, 'getter', { get: thrown, enumerable: true, configurable: true })
    }
    if (n === 1) Object.defineProperty(object, Symbol('s'), { value: 1, enumerable: true })
    if (n === 2) return Object.freeze(object)
    if (n === 3) return Object.assign(Object.create(inherited ? { user_id: 'none' } : null), object)
    return object
  })
