import { withChangeReason } from '../context/context.js'
import { parseTable, type TableName } from '../declare/table.js'
import { UsageError } from '../errors.js'
import { checkFlag, checkOptions, show } from '../options.js'
import { type Queryable, rowsOf } from '../queryable.js'
import { historyArguments, type RowId } from '../read/filter.js'
import { quoteIdentifier } from '../sql/quote.js'

/** Whose values are erased: of a row, from all of its events; or of a user, from all of its contexts. */
export type EraseTarget =
  | {
      readonly table: string | TableName
      /** By the key that it has, or had last. */
      readonly id: RowId
      readonly user?: undefined
    }
  | {
      /** The `user_id` of contexts. */
      readonly user: string | number | bigint
      readonly table?: undefined
      readonly id?: undefined
    }

/** What `erase` may be told. */
export interface EraseOptions {
  /** Why: stays in the log for good, so it should not say who it is about. Not needed with `dryRun`. */
  readonly reason?: string | undefined
  /**
   * Which columns of the row, under whatever names they have had. Of a user: which names of the metadata,
   * or `client_addr`.
   *
   * @defaultValue of a row all but its key; of a user all that is not known to be of no person, but the reason
   */
  readonly columns?: readonly string[] | undefined
  /**
   * Erases the key of the row as well, also from what events are found by. Something that means nothing
   * takes its place. The row must be gone.
   *
   * @defaultValue `false`
   */
  readonly objectId?: boolean | undefined
  /**
   * Erases the reason given for these changes as well; of a row also what else their contexts hold, but
   * not who made them. A context is shared by all changes of its transaction.
   *
   * @defaultValue `false`
   */
  readonly context?: boolean | undefined
  /**
   * Only counts.
   *
   * @defaultValue `false`
   */
  readonly dryRun?: boolean | undefined
}

/** What `erase` did, or would do. */
export interface Erasure {
  /** Of its record in the view `erasures`; null where there was nothing to erase, and with `dryRun`. */
  readonly id: string | null
  /** How many events lost values, or belong to contexts that did. */
  readonly events: number
  readonly contexts: number
  /** The columns of the row; what went of contexts is called `context.user_id` and the like. */
  readonly columns: readonly string[]
  /** Of the chain, which says it, and of each sealed event what it is now; empty where the log is not sealed. */
  readonly entries: readonly string[]
  /**
   * Whether the row is in its table, whose next change or deletion is recorded with what it holds then.
   * Null for a user, and where this role may not look.
   */
  readonly live: boolean | null
  /** What the events of the row are found by from now on; null for a user. */
  readonly objectId: string | null
  /** In which values were: `VACUUM` takes their bytes off the disk. */
  readonly partitions: readonly string[]
}

interface ErasedRecord extends Omit<Erasure, 'live' | 'objectId'> {
  readonly live?: boolean | null
  readonly object_id?: string | null
}

/** Erases values from events in one statement, hence one transaction. */
export async function erase(
  queryable: Queryable,
  schema: string,
  target: EraseTarget,
  options: EraseOptions,
): Promise<Erasure> {
  checkOptions('erase', options, ['reason', 'columns', 'objectId', 'context', 'dryRun'])
  const { reason, columns, objectId = false, context = false, dryRun = false } = options
  checkFlag('erase', 'objectId', objectId)
  checkFlag('erase', 'context', context)
  checkFlag('erase', 'dryRun', dryRun)
  if (!dryRun && (typeof reason !== 'string' || reason.trim() === '')) {
    throw new UsageError(
      `${reason === undefined ? 'No reason is given' : `reason: ${show(reason)} says nothing`}, and nothing is erased without a reason. Give the number of the request, say; not who it is about, for that stays.`,
    )
  }
  checkColumns(columns)
  const { text, values } = callOf(target, schema, objectId, {
    reason: reason ?? null,
    columns: columns === undefined ? null : JSON.stringify(columns),
    context: String(context),
    dryRun: String(dryRun),
  })
  const ask = () => rowsOf<{ erased: string }>(queryable, text, values)
  const [row] = await (dryRun ? ask() : withChangeReason(String(reason), ask))
  const { live = null, object_id = null, ...erased }: ErasedRecord = JSON.parse(row?.erased ?? '{}')
  if (erased.id !== null) {
    const forget = `SELECT ${quoteIdentifier(schema)}.erase_statistics(ARRAY(SELECT pg_catalog.json_array_elements_text($1::json)))`
    await rowsOf(queryable, forget, [JSON.stringify(erased.partitions)])
  }
  return Object.freeze({ ...erased, live, objectId: object_id })
}

function callOf(
  target: EraseTarget,
  schema: string,
  objectId: boolean,
  given: Readonly<Record<'reason' | 'columns' | 'context' | 'dryRun', string | null>>,
): { readonly text: string; readonly values: unknown[] } {
  const log = quoteIdentifier(schema)
  const isRow = target?.table !== undefined && target.id !== undefined
  const isUser = target?.user !== undefined
  if (isRow === isUser || (target?.table === undefined) !== (target?.id === undefined)) {
    throw new UsageError(
      `erase was given ${show(target)}. Give { table, id } for a row, or { user } for who made changes.`,
    )
  }
  const columns = (number: number) =>
    `(SELECT pg_catalog.array_agg(name) FROM pg_catalog.json_array_elements_text($${number}::json) AS name)`
  const common = [given.reason, given.columns, given.context, given.dryRun]
  if (target.user === undefined) {
    parseTable(target.table)
    const [name, id] = historyArguments(target.table, target.id)
    return {
      text: `SELECT ${log}.erase($1, $2, $3, ${columns(4)}, $7::boolean, $5::boolean, $6::boolean)::text AS erased`,
      values: [name, id, ...common, String(objectId)],
    }
  }
  if (objectId) {
    throw new UsageError(
      'objectId: a user has no object id. Leave it out, or erase a row by { table, id }.',
    )
  }
  return {
    text: `SELECT ${log}.erase_user($1, $2, ${columns(3)}, $4::boolean, $5::boolean)::text AS erased`,
    values: [String(target.user), ...common],
  }
}

function checkColumns(columns: unknown): void {
  if (columns === undefined) return
  const isList = Array.isArray(columns) && columns.length > 0
  if (isList && columns.every((name) => typeof name === 'string' && name !== '')) return
  throw new UsageError(
    `columns: ${show(columns)} is no list of names. Name at least one, or leave it out: then all go that the log may lose.`,
  )
}
