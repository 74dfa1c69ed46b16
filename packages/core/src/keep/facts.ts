import { type Queryable, rowsOf } from '../queryable.js'
import { render } from '../sql/template.js'
import { keepingFunctions, readingFunctions } from './rights.js'

/** A role, as it is in the database. */
interface KnownRole {
  readonly name: string
  readonly isSuperuser: boolean
}

/** Rights that somebody else than the owner has on an object of the log, and should not. */
export interface Grant {
  readonly kind: 'SCHEMA' | 'TABLE' | 'SEQUENCE' | 'ROUTINE'
  /** Quoted, with its schema. */
  readonly name: string
  /** Quoted, or PUBLIC. */
  readonly grantee: string
  /** Whether it is what `let_read` gives, and nothing else. */
  readonly isReading: boolean
  /** Quoted; those that are not the owner. */
  readonly grantors: readonly string[] | null
}

/** A recorded table that the application owns. */
export interface OwnedTable {
  /** Quoted, with its schema, like all names here. */
  readonly name: string
  readonly owner: string
  readonly sequences: readonly string[]
  readonly captures: readonly string[]
}

/** What sql/keep/hardening.sql finds. */
export interface Facts {
  readonly server: number
  /** Of this connection. */
  readonly role: string
  readonly isSuperuser: boolean
  /** Who owns the log now. */
  readonly holder: string
  /** Whether this role has the rights of the holder. */
  readonly mayChange: boolean
  /** Who is to own the log; null where there is no such role. */
  readonly owner: KnownRole | null
  readonly app: KnownRole | null
  readonly admin: KnownRole | null
  /** The roles that the application's is a member of, or can become. */
  readonly memberOf: readonly string[]
  /** Those of them that are superusers. */
  readonly superusers: readonly string[]
  /** Against whom the log was hardened before. */
  readonly settings: Readonly<Record<string, Remembered>>
  /** Triggers, rules and the like on the log, where none is ours. */
  readonly foreign: readonly string[]
  readonly revoked: readonly Grant[]
  /** Statements that close the default privileges of the log's schema. */
  readonly defaults: readonly string[]
  /** Statements that hand the log over. */
  readonly moved: readonly string[]
  /** The application's roles that own something of the log. */
  readonly foreignOwners: readonly string[]
  readonly ownerWithin: readonly string[]
  readonly adminWithin: readonly string[]
  /** TRIGGER on recorded tables, and REFERENCES on those that the owner of the log owns. */
  readonly rowRights: readonly {
    readonly statement: string
    readonly mayRevoke: boolean
    /** Whether that is so once the table was handed over. */
    readonly isTaken: boolean
  }[]
  readonly tables: readonly OwnedTable[]
  readonly types: readonly string[]
  /** What is lacking to hand tables and types over, in words. */
  readonly handingNeeds: readonly string[]
  readonly ownerNeeds: readonly string[]
  /** What owners of recorded tables need so that they can make partitions. */
  readonly callers: readonly { readonly table: string; readonly statement: string }[]
  readonly mayRead: Readonly<Record<string, boolean>> | null
  readonly mayMaintain: boolean
}

/** What is noted in the log of a hardened role. */
export interface Remembered {
  readonly admin: string | null
  readonly letRead: boolean
}

/** Reads what hardening has to know. Needs to read the settings of the log. */
export async function readFacts(
  queryable: Queryable,
  schema: string,
  {
    appRole,
    adminRole,
    owner,
  }: { readonly appRole: string; readonly adminRole: string | null; readonly owner: string | null },
): Promise<Facts> {
  const [row] = await rowsOf<{ facts: string }>(queryable, render('keep/hardening', schema), [
    appRole,
    adminRole,
    owner,
    JSON.stringify(readingFunctions),
    JSON.stringify(keepingFunctions),
  ])
  return JSON.parse(row?.facts ?? '{}')
}
