import fc from 'fast-check'

/** A row of the table that is declared; null for what a statement does not have. */
export type Row = Readonly<Record<string, unknown>>

/** The columns that are no keys; a value of each is like no other. */
export const others = ['a', 'b', 'E x', 'doc', 'n', 'flag'] as const

/** A condition, and what it says of a write: undefined where it cannot be evaluated. */
export interface Condition {
  readonly when: unknown
  says(old: Row | null, now: Row | null): boolean | null | undefined
}

const or = (a: unknown, b: unknown) => (a || b ? true : a === false && b === false ? false : null)

/** Conditions that have to be taken. */
const conditions: readonly Condition[] = [
  { when: 'OLD.flag OR NEW.flag', says: (old, now) => or(old?.flag, now?.flag) },
  { when: 'false', says: () => false },
  { when: 'true -- a comment', says: () => true },
  {
    when: { update: 'NEW.n > OLD.n' },
    says: (old, now) => !old || !now || Number(now.n) > Number(old.n),
  },
  { when: { insert: 'NEW.flag' }, says: (old, now) => (old ? true : (now?.flag as boolean)) },
  { when: { delete: 'NOT OLD.flag' }, says: (old, now) => (now ? true : !old?.flag) },
  {
    when: 'NEW."E x" IS DISTINCT FROM OLD."E x"',
    says: (old, now) => old?.['E x'] !== now?.['E x'],
  },
  // of no row nothing is divided
  { when: `coalesce(NEW.id, OLD.id) / 0 = 1`, says: () => undefined },
]

/** What writes this is meant to be refused: SQL that does something. */
const trap = 'create table public.trap ()'

/** Conditions that have to be refused. */
const wrongConditions: readonly unknown[] = [
  ...['NEW.nix', 'true;', 'select', ' ', 'flag', 'true) --', 7, {}, { truncate: 'true' }, null],
  ...[{ insert: 'OLD.flag' }, { delete: 'NEW.flag' }, 'NEW.n', 'max(NEW.n) = 1', 'true /*'],
  ...[`true); ${trap}; select (true`, `true) limit 0; ${trap}; --`, `true\n) limit 0; ${trap}; --`],
]

const labels: readonly unknown[] = [
  ...['a', 'E x', `a || ' of ' || id`, `coalesce(doc ->> 'x', b)`, 'n::text', 'id'],
  ...['nix', '', 7, 'max(a)', '(select 1)', 'pg_sleep(9)::text', 'a ||', 'generate_series(1, 2)'],
  ...[`a)::text <> ''; ${trap}; select (a`, `a\n)::text from t; ${trap}; --`],
]

const column = fc.oneof(
  { weight: 30, arbitrary: fc.constantFrom<string>(...others) },
  { weight: 1, arbitrary: fc.constantFrom('id', 'part', 'nix', '', 'A', 'ctid') },
)
const columns = fc.oneof(
  { weight: 30, arbitrary: fc.array(column, { minLength: 1, maxLength: 3 }) },
  { weight: 1, arbitrary: fc.constantFrom<unknown>([], 'a', null, 7, [7], [null], {}, [['a']]) },
)
/** Something in one case of so many. */
const once = <Value>(times: number, arbitrary: fc.Arbitrary<Value>) =>
  fc.oneof({ weight: times - 1, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary })

/** Options as somebody may write them, and the condition among them. */
export const declared = fc
  .record({
    only: once(3, columns),
    exclude: once(3, columns),
    ignore: once(3, columns),
    mask: once(3, columns),
    meta: once(3, columns),
    image: once(3, fc.constantFrom<unknown>('full', 'changed', 'changed', 'changed', 'half')),
    requireContext: once(3, fc.constantFrom<unknown>(true, 'actor', 'reason', false, 'user')),
    label: once(4, fc.constantFrom(...labels)),
    condition: once(3, fc.constantFrom(...conditions)),
    wrong: once(12, fc.constantFrom(...wrongConditions)),
    misspelt: once(30, fc.constantFrom('onyl', 'Exclude', '__proto__')),
  })
  .map(({ condition, wrong, misspelt, ...options }) => {
    const when = wrong === undefined ? condition?.when : wrong
    const given = Object.entries({ ...options, when, ...(misspelt && { [misspelt]: ['a'] }) })
    return {
      options: Object.fromEntries(given.filter(([, value]) => value !== undefined)),
      condition,
      isWrong: wrong !== undefined,
    }
  })
