/** A context as `sql/read` has it beside what it is the context of: each column as its own text. */
interface StoredContext {
  /** Null where there is none. */
  readonly known_context_id: string | null
  readonly transaction_id: string | null
  readonly context_txid: string | null
  readonly started_at: string | null
  readonly uuid: string | null
  readonly root_uuid: string | null
  readonly user_id: string | null
  readonly application_name: string | null
  readonly client_addr: string | null
  readonly metadata: string | null
  readonly context_error: string | null
}

/** An event with its context as `sql/read/stored_events.sql` reads it: each column as its own text. */
export interface StoredEvent extends StoredContext {
  readonly id: string
  readonly changed_at: string
  readonly txid: string | null
  readonly context_id: string
  readonly table_id: string
  readonly operation: string
  readonly image: string
  readonly lossy: string | null
  readonly object_id: string | null
  readonly old_object_id: string | null
  readonly old: string | null
  readonly new: string | null
  readonly meta: string | null
  readonly masked: string | null
  readonly drift: string | null
  readonly redacted: string | null
  readonly db_user: string
  readonly salt: string | null
  /** Whether its documents are left out: `old`, `new`, `meta` and `metadata`. */
  readonly is_long: string
}

/**
 * The text that is hashed when an event is sealed, as the database's own `canonical` makes it: a JSON
 * array behind the version of the form.
 */
export function canonical(event: StoredEvent, version: 1 | 2 = 1): string {
  return array([
    String(version),
    json(event.id),
    time(event.changed_at),
    string(event.txid),
    json(event.context_id),
    json(event.table_id),
    string(event.operation),
    string(event.image),
    json(event.lossy),
    string(event.object_id),
    string(event.old_object_id),
    json(event.old),
    json(event.new),
    json(event.meta),
    json(event.masked),
    json(event.drift),
    json(event.redacted),
    string(event.db_user),
    string(event.salt),
    contextForm(event),
  ])
}

/** The record of an erasure as `sql/read/erasure_records.sql` reads it. */
export interface StoredErasure extends StoredContext {
  readonly id: string
  readonly erased_at: string
  readonly context_id: string
  readonly db_user: string
  readonly reason: string | null
  readonly table_id: string | null
  readonly columns: string
  readonly events: string
  readonly contexts: string
  readonly entries: string | null
}

/** What is hashed of it, as `erasure_record` has it in SQL. */
export function erasureForm(erasure: StoredErasure): string {
  return array([
    '1',
    string('erasure'),
    json(erasure.id),
    time(erasure.erased_at),
    json(erasure.context_id),
    string(erasure.db_user),
    string(erasure.reason),
    json(erasure.table_id),
    json(erasure.columns),
    json(erasure.events),
    json(erasure.contexts),
    contextForm(erasure),
  ])
}

/** The record of a purge as `sql/read/purge_records.sql` reads it. */
export interface StoredPurge extends StoredContext {
  readonly id: string
  readonly began_at: string
  readonly context_id: string
  readonly db_user: string
  readonly months: string | null
  readonly days: string | null
  readonly microseconds: string | null
  readonly targets: string
  readonly drops: string
  readonly contexts_before: string
}

/** What is hashed of it, as `purge_record` has it in SQL. */
export function purgeForm(purge: StoredPurge): string {
  return array([
    '1',
    string('purge'),
    json(purge.id),
    time(purge.began_at),
    json(purge.context_id),
    string(purge.db_user),
    json(purge.months),
    json(purge.days),
    json(purge.microseconds),
    json(purge.targets),
    json(purge.drops),
    time(purge.contexts_before),
    contextForm(purge),
  ])
}

function contextForm(context: StoredContext): string {
  if (context.known_context_id === null) return 'null'
  return array([
    json(context.known_context_id),
    json(context.transaction_id),
    string(context.context_txid),
    time(context.started_at),
    string(context.uuid),
    string(context.root_uuid),
    string(context.user_id),
    string(context.application_name),
    string(context.client_addr),
    json(context.metadata),
    string(context.context_error),
  ])
}

function array(elements: readonly string[]): string {
  return `[${elements.join(', ')}]`
}

/** What is JSON already. */
function json(text: string | null): string {
  return text ?? 'null'
}

/** PostgreSQL escapes the same characters, in the same way. */
function string(text: string | null): string {
  return JSON.stringify(text)
}

/** Infinity is no number to JSON. */
function time(text: string | null): string {
  return text?.endsWith('Infinity') ? string(text) : json(text)
}
