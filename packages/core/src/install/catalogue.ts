import { quoteTable, type TableName } from '../declare/table.js'
import { type Queryable, rowsOf } from '../queryable.js'
import { render } from '../sql/template.js'

/** What the catalogue knows of the log and of the tables that matter: plain data, one snapshot. */
export interface Catalogue {
  /** `server_version_num`. */
  readonly server: number
  readonly role: string
  readonly mayCreateSchema: boolean
  /** Null before the log was installed. */
  readonly schema: {
    readonly owner: string
    /** Whether this role owns it, or both are superusers. */
    readonly mayInstall: boolean
    /** Other roles that may create objects in it, quoted. */
    readonly creators: readonly string[]
    /** Relations and functions in it that belong to somebody else. */
    readonly foreign: readonly { readonly name: string; readonly owner: string }[]
    readonly comment: string | null
    readonly isEmpty: boolean
  } | null
  /** Whoever but the owner may change the log, or call what writes it. */
  readonly writers: readonly {
    readonly kind: 'TABLE' | 'SEQUENCE' | 'FUNCTION'
    readonly object: string
    /** Quoted, or PUBLIC. */
    readonly role: string
    readonly privileges: string
  }[]
  /** Tables and views in the log's schema. */
  readonly relations: readonly string[]
  /** md5 of the body of each function in the log's schema, capture functions left out. */
  readonly functions: Readonly<Record<string, string>>
  readonly captures: readonly Capture[]
  /** The oid of each declared name, null where there is no such table. */
  readonly declared: Readonly<Record<string, string | null>>
  /** Of the schemas that are declared whole, those that exist. */
  readonly schemas: readonly string[]
  /** The oid of each name that is waived or excepted, null where there is no such table. */
  readonly named: Readonly<Record<string, string | null>>
  /** The oids of all tables in the schemas that are declared whole. */
  readonly swept: readonly string[]
  /** Declared and tracked tables by oid. */
  readonly tables: Readonly<Record<string, Table>>
}

/** A capture function, and what it says of itself. */
export interface Capture {
  readonly id: number
  /** The oid of its table; null where no trigger calls it any more. */
  readonly table: string | null
  /** Tables that left its tree (detached, NO INHERIT) and kept its triggers. */
  readonly strays: readonly string[]
  readonly stamp: Stamp | null
  readonly source: string
  readonly securityDefiner: boolean
  readonly settings: readonly string[] | null
  /** md5 of the function that labels the table's rows; null where there is none. */
  readonly label: string | null
}

/** What `track()` in the database notes on the function it writes. */
export interface Stamp {
  readonly app: string
  readonly declaration: Readonly<Record<string, unknown>>
  readonly key: readonly string[]
  readonly columns: readonly string[]
  readonly source: string
  readonly settings: readonly string[]
  readonly template: string
  /** As of {@link Capture}, null for none; older stamps lack it. */
  readonly label?: string | null
  /** The name that the table had then; older stamps lack it. */
  readonly table?: { readonly schema: string; readonly table: string }
  /** When the function was last written, as ISO 8601; older stamps lack it. */
  readonly writtenAt?: string
}

export interface Table {
  readonly schema: string
  readonly table: string
  /** `pg_class.relkind`: r for a table, p for a partitioned one. */
  readonly kind: string
  readonly isTemporary: boolean
  readonly isPartition: boolean
  /** The oids of the tables it inherits from, also at second hand. */
  readonly above: readonly string[]
  readonly mayTrigger: boolean
  /** Types that a function of somebody else's makes into json: it would run as the log's owner. */
  readonly foreignCasts: readonly string[]
  readonly columns: readonly string[]
  readonly columnList: readonly string[]
  readonly key: readonly string[]
  /** The table itself, then its partitions and children. */
  readonly tree: readonly Branch[]
}

interface Branch {
  readonly name: string
  readonly isPartition: boolean
  /** Those of our triggers that it carries, by name. */
  readonly triggers: Readonly<Record<string, Trigger>>
  /** AFTER ROW triggers of the application that fire before ours. */
  readonly earlier: readonly string[]
}

interface Trigger {
  readonly capture: number
  /** `pg_trigger.tgtype`. */
  readonly type: number
  /** `pg_trigger.tgenabled`. */
  readonly enabled: string
  readonly isConditional: boolean
}

/** Reads the catalogue. Needs no privilege on anything, and takes no lock. */
export async function readCatalogue(
  queryable: Queryable,
  schema: string,
  {
    tables = [],
    schemas = [],
    names = [],
  }: {
    readonly tables?: readonly string[]
    readonly schemas?: readonly string[]
    readonly names?: readonly TableName[]
  } = {},
): Promise<Catalogue> {
  const [row] = await rowsOf<{ catalogue: string }>(
    queryable,
    render('install/catalogue', schema),
    [
      JSON.stringify(tables),
      JSON.stringify(schemas),
      JSON.stringify(names.map((name) => [quoteTable(name), name.schema ?? null, name.table])),
    ],
  )
  const { captures, ...catalogue } = JSON.parse(row?.catalogue ?? '{}')
  return {
    ...catalogue,
    captures: captures.map((capture: Capture & { stamp: string | null }) => ({
      ...capture,
      stamp: parseStamp(capture.stamp),
    })),
  }
}

/** What to run where the database is not as declared: `sync`, and as whom, where this role may not. */
export function syncOf({ schema }: Catalogue): string {
  return schema && !schema.mayInstall ? `sync as ${schema.owner}` : 'sync'
}

/** Every table that an application could track, without partitions and children. */
export async function readTableNames(
  queryable: Queryable,
  schema: string,
): Promise<readonly { readonly schema: string; readonly table: string }[]> {
  return rowsOf(queryable, render('install/table_names', schema), [])
}

function parseStamp(comment: string | null): Stamp | null {
  try {
    const stamp = JSON.parse(comment ?? 'null')
    return typeof stamp?.source === 'string' ? stamp : null
  } catch {
    // a comment that somebody has written over ours
    return null
  }
}
