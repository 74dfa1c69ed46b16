import { type Queryable, rowsOf } from '../queryable.js'
import { sql } from '../sql/generated.js'
import { render } from '../sql/template.js'
import { type CapabilityCode, capabilities, capabilityCodes } from './capabilities.js'

/** One thing that a role may do, and by what. */
export interface Right {
  readonly role: string
  readonly capability: CapabilityCode
  /** Such as `TRIGGER on public.orders`, or `owner of public.orders (as migrations)`: by SET ROLE. */
  readonly how: string
}

/** A line of the report: a capability, and who has it. */
export interface RightsLine {
  readonly capability: CapabilityCode
  /** In words, behind "may". */
  readonly label: string
  /** By role: by what it may; empty where it may not. */
  readonly roles: Readonly<Record<string, readonly string[]>>
}

/** The functions that `let_read` and `let_maintain` grant: they hold the only lists of them. */
export const readingFunctions = granted('functions/let_read')
export const keepingFunctions = granted('functions/let_maintain')

/** Asks the catalogue what roles may do. */
export async function readRights(
  queryable: Queryable,
  schema: string,
  roles: readonly string[],
  server: number,
): Promise<readonly Right[]> {
  const asked = JSON.stringify(roles)
  const [found] = await rowsOf<{ rights: string }>(queryable, render('keep/rights', schema), [
    asked,
    JSON.stringify(readingFunctions),
    JSON.stringify(keepingFunctions),
  ])
  const rights: Right[] = JSON.parse(found?.rights ?? '[]')
  const further = [
    'keep/reach',
    ...(server < 150_000 ? [] : (['keep/parameters'] as const)),
  ] as const
  for (const name of further) {
    const [more] = await rowsOf<{ rights: string }>(queryable, render(name, schema), [asked])
    rights.push(...(JSON.parse(more?.rights ?? '[]') as Right[]))
  }
  return rights
}

/**
 * The rights as a table. Who is a superuser, or owns the log, has what follows from it, too.
 *
 * @param owner of the log.
 */
export function reportOf(
  rights: readonly Right[],
  roles: readonly string[],
  owner: string,
): readonly RightsLine[] {
  const all = (role: string, capability: CapabilityCode): readonly string[] => {
    const own = rights.filter((each) => each.role === role)
    const superuser = own.filter((right) => right.capability === 'superuser')
    if (superuser.length > 0) return superuser.map(({ how }) => how)
    if (role === owner && followsFromOwning.has(capability)) return ['owner of the log']
    return shortened(own.filter((right) => right.capability === capability).map(({ how }) => how))
  }
  return Object.freeze(
    capabilityCodes.map((capability) =>
      Object.freeze({
        capability,
        label: capabilities[capability].label,
        roles: Object.freeze(
          Object.fromEntries(roles.map((role) => [role, Object.freeze(all(role, capability))])),
        ),
      }),
    ),
  )
}

/** Readers may call a hundred functions: that is one thing to know. */
function shortened(how: readonly string[]): readonly string[] {
  const calls = how.filter((each) => each.startsWith('EXECUTE on '))
  if (calls.length <= 3) return how
  return [...how.filter((each) => !calls.includes(each)), `EXECUTE on ${calls.length} functions`]
}

const followsFromOwning: ReadonlySet<CapabilityCode> = new Set([
  'write_events',
  'write_partitions',
  'write_views',
  'truncate_log',
  'event_ids',
  'call_functions',
  'attach_capture',
  'create_in_log',
  'read_keys',
  'lock_log',
  'maintain_log',
  'read_log',
])

function granted(name: 'functions/let_read' | 'functions/let_maintain'): readonly string[] {
  const [, list = ''] = /ARRAY\[([^\]]*)\]/.exec(sql[name]) ?? []
  return Object.freeze([...list.matchAll(/'(\w+)'/g)].map(([, each]) => String(each)))
}
