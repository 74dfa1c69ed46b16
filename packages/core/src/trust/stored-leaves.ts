import { type Queryable, rowsOf } from '../queryable.js'
import { quoteIdentifier } from '../sql/quote.js'
import { render } from '../sql/template.js'
import { canonical, type StoredEvent } from './canonical.js'
import { leafHash } from './merkle.js'

/** An event as it is, with its hash as base64. */
export interface StoredLeaf {
  readonly id: string
  /** Null where somebody has let it be. */
  readonly txid: string | null
  readonly leaf: string
  /** The columns that it says to have lost, as JSON; null where it does not call itself redacted. */
  readonly redacted: string | null
}

/**
 * Events with an id behind `after`, up to `until`, hashed by no function of the log's schema: here, or by
 * PostgreSQL itself where they are too long to be read.
 *
 * @param relation of the log: a partition that it does not show any more, say.
 */
export async function storedLeaves(
  queryable: Queryable,
  schema: string,
  after: string,
  until: string,
  relation = 'audit_event',
): Promise<readonly StoredLeaf[]> {
  const source: Source = {
    queryable,
    text: (name) =>
      render(name, schema).replace(
        '.audit_event AS event',
        () => `.${quoteIdentifier(relation)} AS event`,
      ),
  }
  const leaves: StoredLeaf[] = []
  for (const event of await storedEvents(source, after, until)) {
    const leaf =
      event.is_long === 'true'
        ? await longLeaf(source, event)
        : leafHash(canonical(event)).toString('base64')
    leaves.push({ id: event.id, txid: event.txid, leaf, redacted: event.redacted })
  }
  return leaves
}

/** Where events are read. */
interface Source {
  readonly queryable: Queryable
  text(name: Parameters<typeof render>[0]): string
}

async function storedEvents(
  { queryable, text: textOf }: Source,
  after: string,
  until: string,
): Promise<readonly StoredEvent[]> {
  const text = textOf('read/stored_events')
  const withDocuments = await unlessTooLarge(() =>
    rowsOf<StoredEvent>(queryable, text, [after, until, 'true']),
  )
  // one of them is too large: none is read then, for it is not known which
  return withDocuments ?? rowsOf<StoredEvent>(queryable, text, [after, until, 'false'])
}

const documents = ['old', 'new', 'meta', 'metadata'] as const
/** Stands for a document: no text of PostgreSQL holds it. */
const GAP = '\0'

async function longLeaf(source: Source, event: StoredEvent): Promise<string> {
  const gaps = Object.fromEntries(documents.map((name) => [name, GAP]))
  const pieces = canonical({ ...event, ...gaps }).split(GAP)
  const rows = await unlessTooLarge(() =>
    rowsOf<{ leaf: string | null }>(source.queryable, source.text('read/long_leaf'), [
      event.id,
      event.changed_at,
      ...Array.from({ length: documents.length + 1 }, (_, place) => pieces[place] ?? null),
    ]),
  )
  return rows?.[0]?.leaf ?? tooLargeLeaf(source, event)
}

/** Of the second version of the canonical form, as `canonical_event` has it in SQL. */
async function tooLargeLeaf({ queryable, text }: Source, event: StoredEvent): Promise<string> {
  const place = [event.id, event.changed_at]
  const hashOf = async (document: string, member: string | null) => {
    const rows = await unlessTooLarge(() =>
      rowsOf<{ hash: string | null }>(queryable, text('read/value_hash'), [
        ...place,
        document,
        member,
      ]),
    )
    return JSON.stringify(rows?.[0]?.hash ?? 'too large')
  }
  const short: Record<string, string> = {}
  for (const { document, names } of await rowsOf<{ document: string; names: string | null }>(
    queryable,
    text('read/document_names'),
    place,
  )) {
    if (names === null) {
      short[document] = await hashOf(document, null)
      continue
    }
    const members: string[] = []
    for (const name of JSON.parse(names) as readonly string[])
      members.push(`${JSON.stringify(name)}: ${await hashOf(document, name)}`)
    short[document] = `{${members.join(', ')}}`
  }
  return leafHash(canonical({ ...event, ...short }, 2)).toString('base64')
}

/** Undefined where PostgreSQL cannot make a text so long: program_limit_exceeded, or internal_error near it. */
async function unlessTooLarge<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask()
  } catch (error) {
    const { code } = Object(error) as { readonly code?: unknown }
    if (code === '54000' || code === 'XX000') return undefined
    throw error
  }
}
