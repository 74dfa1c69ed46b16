import fc from 'fast-check'

/** A value, and how it is shown: what is hostile cannot be printed. */
interface Named {
  readonly name: string
  readonly value: unknown
}

/** The metadata of one block. */
export class Block {
  readonly metadata: Record<string, unknown>
  readonly #name: string

  constructor(name: string, metadata: Record<string, unknown>) {
    this.#name = name
    this.metadata = metadata
  }

  [fc.toStringMethod](): string {
    return this.#name
  }
}

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

function nested(depth: number): unknown {
  let value: unknown = 1
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value }
  return value
}

const getter = (name: string) =>
  Object.defineProperty({}, name, { get: thrown, enumerable: true, configurable: true })

const constants: Readonly<Record<string, unknown>> = {
  null: null,
  undefined: undefined,
  true: true,
  false: false,
  '-0': -0,
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '1e308': 1e308,
  '5e-324': 5e-324,
  '1e21': 1e21,
  '2 ** 53': 2 ** 53,
  '7n': 7n,
  'a symbol': Symbol('s'),
  "''": '',
  "'1e+9999'": '1e+9999',
  '70,000 x': 'x'.repeat(70_000),
  '12,000 é': 'é'.repeat(12_000),
  '9,000 large numbers': Array(9_000).fill(1e300),
  '30,000 strings': Array(15_000).fill('\0'),
  'a date': new Date(0),
  'an invalid date': new Date(Number.NaN),
  'a regular expression': /x/,
  'Object(7)': Object(7),
  "Object('s')": Object('s'),
  'Object(7n)': Object(7n),
  'a map': new Map([[1, 2]]),
  'an error': new Error('e\0\n'),
  'a buffer': Buffer.from('abc'),
  'a promise': Promise.resolve(7),
  'a hostile proxy': hostile,
  'a function that throws': thrown,
  'a function without an answer': () => undefined,
  'a function with an answer': () => 'late',
  'a function with a promise': () => Promise.resolve(7),
  'a function with a hostile answer': () => hostile,
  'a cycle': cycle(),
  'nested 500 deep': nested(500),
  'nested 1,000 deep': nested(1_000),
  'nested 20,000 deep': nested(20_000),
  'no prototype': Object.create(null),
  'a toJSON that throws': { toJSON: thrown },
  'a toJSON': { toJSON: () => 7 },
  'a toJSON of undefined': { toJSON: () => undefined },
  'a getter that throws': getter('a'),
}

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc
    .array(
      fc.constantFrom(
        ...['\0', '\ud800', '\udc00', '\u{1f600}', '\ufffd', '\uffff', '\\', '\\u0000', '\\ud800'],
        ...["'", '"', '$$', '\n', '\r', '\u2028', '\u202e', '\x7f', '\x1b', 'é', 'a', '{', ':'],
      ),
      { maxLength: 6 },
    )
    .map((parts) => parts.join('')),
)

const named = <Value>(arbitrary: fc.Arbitrary<Value>): fc.Arbitrary<Named> =>
  arbitrary.map((value) => ({ name: fc.stringify(value), value }))

const keys = fc.oneof(
  fc.constantFrom(
    ...['user_id', 'user_id', 'change_reason', 'change_reason', 'source', 'request_id'],
    ...['__proto__', 'constructor', 'toJSON', 'hasOwnProperty', 'length', '', '0', '-1'],
    ...['v', 'id', 'root', 'metadata', 'error', 'a\0', 'a\ufffd', '\ud800'],
  ),
  text,
)

const { value } = fc.letrec<{ value: Named }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(...Object.entries(constants).map(([name, value]) => ({ name, value }))),
    named(text),
    named(fc.double()),
    fc.array(tie('value'), { maxLength: 3 }).map((values) => ({
      name: `[${values.map(({ name }) => name).join(', ')}]`,
      value: values.map(({ value }) => value),
    })),
    fc.array(fc.tuple(keys, tie('value')), { maxLength: 3 }).map(withNames),
  ),
}))

function withNames(entries: readonly (readonly [string, Named])[]) {
  return {
    name: `{ ${entries.map(([key, { name }]) => `${fc.stringify(key)}: ${name}`).join(', ')} }`,
    value: withKeys(entries.map(([key, { value }]) => [key, value])),
  }
}

/** An object with these keys, `__proto__` among them, and the later of two that are equal. */
export function withKeys(entries: readonly (readonly [string, unknown])[]) {
  const result: Record<string, unknown> = {}
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

/** What objects may be besides their keys. */
const makings: Readonly<Record<string, (object: object) => object>> = {
  'as it is': (object) => object,
  frozen: (object) => Object.freeze(object),
  'with a getter that throws': (object) =>
    Object.defineProperties(object, Object.getOwnPropertyDescriptors(getter('getter'))),
  'with a symbol as a key': (object) => Object.assign(object, { [Symbol('s')]: 1 }),
  'without a prototype': (object) => withPrototype(object, null),
  'with inherited keys': (object) => withPrototype(object, { user_id: 'none' }),
}

const withPrototype = (object: object, prototype: object | null) =>
  Object.create(prototype, Object.getOwnPropertyDescriptors(object)) as object

export const block: fc.Arbitrary<Block> = fc
  .tuple(
    fc.array(fc.tuple(keys, value), { maxLength: 4 }).map(withNames),
    fc.constantFrom(...Object.entries(makings)),
  )
  .map(
    ([object, [how, make]]) =>
      new Block(
        `${object.name} ${how}`,
        // of a copy: smaller cases are made of the same object
        make(withPrototype(object.value, Object.prototype)) as Record<string, unknown>,
      ),
  )
