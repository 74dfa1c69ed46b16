import { isPlainObject } from '../options.js'
import { isLog, parseEntry } from './entry.js'

interface Said {
  readonly id: number
  readonly previous: string | null
}

interface Round {
  readonly incarnation: number
  /** `xmin:xmax:` and what was running. */
  readonly snapshot: string
  readonly sequence: string
}

/** Where a chain begins, and where it goes on in another cluster. */
export type BaseEntry = Said &
  Round & { readonly system: string | null } & (
    | { readonly kind: 'start'; readonly log: string }
    | { readonly kind: 'rebase'; readonly more: true }
  )

/** A block of events. */
export interface BlockEntry extends Said, Round {
  readonly kind: 'block'
  readonly more: boolean
  readonly events: number
  /** The greatest id of them; null of none. */
  readonly last: string | null
  readonly root: string
  /** What the tables of these events were called, by the ids by which the log knows them. */
  readonly tables: Readonly<Record<string, string>>
}

/** What retention took: blocks in a row, or of one the events that a bitmap in base64 names. */
export interface RetireEntry extends Said {
  readonly kind: 'retire'
  readonly purge: string
  /** The hash of the record of this purge, as hex. */
  readonly record: string
  readonly events: number
  readonly retired: readonly {
    readonly block: number
    readonly to?: number
    readonly events: number
    readonly which?: string
  }[]
}

/** What events were redacted to: none where none of those that an erasure met was sealed. */
export interface RedactEntry extends Said {
  readonly kind: 'redact'
  readonly erasure: string
  /** The hash of the record of this erasure, as hex. */
  readonly record: string
  readonly events: number
  readonly redacted: readonly {
    readonly event: string
    readonly block: number
    readonly place: number
    readonly columns: readonly string[]
    readonly leaf: string
  }[]
}

/** An entry of the chain that has the form of its kind: its members are what they should be. */
export type Entry = BaseEntry | BlockEntry | RetireEntry | RedactEntry

/**
 * What an entry of the chain says; undefined where it has not the form of its kind, to the letter: whoever
 * owns the log may have written anything there, and that says nothing. `read_entry` in SQL is the same.
 */
export function readEntry(id: number, text: string): Entry | undefined {
  const entry = parseEntry(text)
  const form = typeof entry?.kind === 'string' ? forms.get(entry.kind) : undefined
  if (entry?.id !== id || !form?.(entry) || jsonbText(entry) !== text) return undefined
  const said = entry as unknown as Entry
  return amendsEarlierOnes(said) ? said : undefined
}

function amendsEarlierOnes(entry: Entry): boolean {
  if (entry.kind === 'redact') return entry.redacted.every(({ block }) => block < entry.id)
  if (entry.kind !== 'retire') return true
  return entry.retired.every(({ block, to = block }) => block <= to && to < entry.id)
}

type Check = (value: unknown) => boolean

const isText: Check = (value) => typeof value === 'string' && !/[\0\p{Surrogate}]/u.test(value)
const isWhole: Check = (value) => Number.isSafeInteger(value)
const isCount = (least: number, most = Number.MAX_SAFE_INTEGER): Check => {
  return (value) => isWhole(value) && least <= (value as number) && (value as number) <= most
}
const isBigint = (least: 0 | 1, most = 2n ** 63n - 1n): Check => {
  return (value) =>
    typeof value === 'string' &&
    /^(0|[1-9]\d{0,19})$/.test(value) &&
    BigInt(value) >= least &&
    BigInt(value) <= most
}
const isTransaction = isBigint(0, 2n ** 64n - 1n)
const isHash: Check = (value) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
const isBase64: Check = (value) =>
  typeof value === 'string' && Buffer.from(value, 'base64').toString('base64') === value
const isOrNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value)
const isListOf =
  (check: Check, least: number): Check =>
  (value) =>
    Array.isArray(value) && value.length >= least && value.every(check)
/** With these members and no others. */
const isOf =
  (members: Readonly<Record<string, Check>>): Check =>
  (value) =>
    isPlainObject(value) &&
    Object.keys(value).length === Object.keys(members).length &&
    Object.entries(members).every(
      ([name, check]) => Object.hasOwn(value, name) && check(value[name]),
    )

const isNames: Check = (value) =>
  isPlainObject(value) && Object.entries(value).every(([id, name]) => isText(id) && isText(name))

/** As PostgreSQL writes it: from the first transaction that was running to the first that had not begun. */
const isSnapshot: Check = (value) => {
  const [, first = '', end = '', list = ''] =
    typeof value === 'string' ? (/^(\d+):(\d+):([\d,]*)$/.exec(value) ?? []) : []
  const running = list === '' ? [] : list.split(',')
  if (![first, end, ...running].every(isTransaction)) return false
  let least = BigInt(first)
  if (least === 0n || BigInt(end) < least) return false
  for (const [place, id] of running.entries()) {
    if (BigInt(id) < least || (place > 0 && BigInt(id) === least) || BigInt(id) >= BigInt(end)) {
      return false
    }
    least = BigInt(id)
  }
  return true
}

const common = {
  v: isCount(1, 1),
  id: isCount(0),
  kind: isText,
  previous: isHash,
  at: isWhole,
  by: isText,
}
const integer = 2 ** 31 - 1
const round = {
  incarnation: isCount(0, integer),
  snapshot: isSnapshot,
  sequence: isBigint(0),
}
const isRetired: Check = (value) =>
  [{}, { to: isCount(0) }, { which: isBase64 }].some((reach) =>
    isOf({ block: isCount(0), events: isCount(1), ...reach })(value),
  )
const isRedacted = isOf({
  event: isBigint(1),
  block: isCount(0),
  place: isCount(0, integer),
  columns: isListOf(isText, 0),
  leaf: isHash,
})
const block = {
  ...common,
  ...round,
  more: (value: unknown) => typeof value === 'boolean',
  events: isCount(0, 100_000),
  last: isOrNull(isBigint(1)),
  root: isHash,
  tables: isNames,
}
const redact = {
  ...common,
  erasure: isBigint(0),
  record: isHash,
  events: isCount(0),
  columns: isListOf(isText, 0),
  redacted: isListOf(isRedacted, 0),
}

const start = {
  ...common,
  previous: (value: unknown) => value === null,
  ...round,
  log: isLog,
  system: isOrNull(isText),
}
/** In the place of a chain that was broken, in whatever way. */
const anew = {
  reason: isText,
  former: isOf({ log: isOrNull(isText), entries: isCount(0), last: isOrNull(isHash) }),
}

const forms: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['start', (value) => [{}, anew].some((members) => isOf({ ...start, ...members })(value))],
  [
    'rebase',
    isOf({ ...common, ...round, system: isOrNull(isText), more: (value) => value === true }),
  ],
  [
    'block',
    (value) =>
      isOf(block)(value) &&
      ((value as BlockEntry).last === null) === ((value as BlockEntry).events === 0),
  ],
  [
    'retire',
    isOf({
      ...common,
      purge: isBigint(0),
      record: isHash,
      events: isCount(1),
      retired: isListOf(isRetired, 1),
    }),
  ],
  [
    'redact',
    (value) =>
      isOf(redact)(value) &&
      ((value as RedactEntry).events === 0) === ((value as RedactEntry).redacted.length === 0),
  ],
])

/** As PostgreSQL writes jsonb, which is what an entry was: members by the length of their names, then by these. */
function jsonbText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(jsonbText).join(', ')}]`
  if (!isPlainObject(value)) return JSON.stringify(value)
  const names = Object.keys(value).map((name) => Buffer.from(name))
  names.sort((one, other) => one.length - other.length || one.compare(other))
  const members = names.map((name) => {
    const text = name.toString()
    return `${JSON.stringify(text)}: ${jsonbText(value[text])}`
  })
  return `{${members.join(', ')}}`
}
