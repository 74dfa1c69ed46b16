import { createHash } from 'node:crypto'
import { type Queryable, rowsOf } from '../queryable.js'
import { render } from '../sql/template.js'
import { erasureForm, purgeForm, type StoredErasure, type StoredPurge } from './canonical.js'
import type { RedactEntry, RetireEntry } from './entry-form.js'
import type { ChainProblem } from './verify-chain.js'

const PAGE = 1000

/** What entries of the chain say of the records of erasures and purges. */
export class Acts {
  readonly #acts = { erasure: new Map<string, Said[]>(), purge: new Map<string, Said[]>() }

  read(entry: RetireEntry | RedactEntry): void {
    const { id, record } = entry
    const [what, act] =
      entry.kind === 'redact'
        ? (['erasure', entry.erasure] as const)
        : (['purge', entry.purge] as const)
    const said = this.#acts[what].get(act) ?? []
    said.push({ entry: id, record })
    this.#acts[what].set(act, said)
  }

  of(what: Kind): ReadonlyMap<string, readonly Said[]> {
    return this.#acts[what]
  }
}

type Kind = 'erasure' | 'purge'

interface Said {
  readonly entry: number
  /** As hex. */
  readonly record: string
}

/**
 * Whether what is on record of erasures and purges is what the chain says of them, as `verify_records` tells
 * it in SQL.
 *
 * @param read reads the chain anew: a record may be of an erasure that came after it was read.
 */
export async function verifyRecords(
  queryable: Queryable,
  schema: string,
  acts: Acts,
  read: () => Promise<Acts>,
): Promise<readonly ChainProblem[]> {
  const problems: ChainProblem[] = []
  const doubted = new Map<string, string>()
  for (const what of ['erasure', 'purge'] as const) {
    const unseen = new Map(acts.of(what))
    let last: string | undefined
    for await (const { id, record, entries } of records(queryable, schema, what)) {
      const said = acts.of(what).get(id)
      const isDoubled = id === last
      last = id
      unseen.delete(id)
      for (const { entry } of said?.filter((own) => isDoubled || own.record !== record) ?? [])
        problems.push(
          ofRecord(
            'edited',
            entry,
            `The record of ${what} ${id}, or its context, is not what entry ${entry} of the chain says: when it was, who asked for it, why, and what went.`,
          ),
        )
      if (what === 'erasure' && entries !== entriesOf(said)) doubted.set(id, entries)
    }
    for (const [id, said] of unseen)
      for (const { entry } of said)
        problems.push(
          ofRecord(
            'missing',
            entry,
            `The record of ${what} ${id}, of which entry ${entry} of the chain tells, is gone: who asked for it, and why.`,
          ),
        )
  }
  problems.sort((one, other) => Number(one.block) - Number(other.block))
  if (doubted.size > 0) {
    const erasures = (await read()).of('erasure')
    for (const [id, entries] of doubted)
      if (entries !== entriesOf(erasures.get(id)))
        problems.push(
          ofRecord(
            'edited',
            null,
            `The record of erasure ${id} names other entries of the chain than tell of it.`,
          ),
        )
  }
  return problems
}

/** As JSON. */
function entriesOf(said: readonly Said[] = []): string {
  return JSON.stringify(said.map(({ entry }) => entry))
}

async function* records(
  queryable: Queryable,
  schema: string,
  what: Kind,
): AsyncGenerator<{ id: string; record: string; entries: string }> {
  const text = render(`read/${what}_records`, schema)
  for (let after = String(-(2n ** 63n)); ; ) {
    const rows = await rowsOf<StoredErasure | StoredPurge>(queryable, text, [after, PAGE])
    for (const row of rows) {
      const form = 'entries' in row ? erasureForm(row) : purgeForm(row)
      yield {
        id: row.id,
        record: createHash('sha256').update(form).digest('hex'),
        entries: ('entries' in row && row.entries) || '',
      }
    }
    const last = rows.at(-1)
    if (last === undefined || rows.length < PAGE) return
    after = last.id
  }
}

function ofRecord(kind: 'edited' | 'missing', entry: number | null, message: string): ChainProblem {
  return { kind, event: null, block: entry === null ? null : String(entry), message }
}
