/** An event with its context as `sql/read/stored_events.sql` reads it: each column as its own text. */
export interface StoredEvent {
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
    event.known_context_id === null
      ? 'null'
      : array([
          json(event.known_context_id),
          json(event.transaction_id),
          string(event.context_txid),
          time(event.started_at),
          string(event.uuid),
          string(event.root_uuid),
          string(event.user_id),
          string(event.application_name),
          string(event.client_addr),
          json(event.metadata),
          string(event.context_error),
        ]),
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
