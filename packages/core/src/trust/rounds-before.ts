import { type Queryable, rowsOf } from '../queryable.js'
import { render } from '../sql/template.js'
import type { Round } from './chain-links.js'
import { readEntry } from './entry-form.js'

const PAGE = 16
/** How many blocks it keeps in mind. */
const KNOWN = 1000

/** Of blocks of the chain: what was over before their round began, and was sealed by then. */
export class RoundsBefore {
  readonly #queryable: Queryable
  readonly #text: string
  /** By block; undefined where the round before was of another cluster, whose transactions mean nothing. */
  readonly #over = new Map<number, ((txid: string) => boolean) | undefined>()

  constructor(queryable: Queryable, schema: string) {
    this.#queryable = queryable
    this.#text = render('read/seal_entries_before', schema)
  }

  /** Whether a transaction was over then: a block that holds an event of it is forged. */
  async isOver(block: number, txid: string | null): Promise<boolean> {
    if (!this.#over.has(block)) await this.#find(block)
    return txid !== null && this.#over.get(block)?.(txid) === true
  }

  async #find(block: number): Promise<void> {
    if (this.#over.size > KNOWN) this.#over.clear()
    let own: Round | undefined
    for (let before = block + 1; ; ) {
      const rows = await rowsOf<{ id: string; entry: string | null }>(this.#queryable, this.#text, [
        String(before),
        PAGE,
      ])
      for (const { id, entry: text } of rows) {
        const entry = readEntry(Number(id), text ?? '')
        if (entry === undefined || entry.kind === 'retire' || entry.kind === 'redact') continue
        if (Number(id) === block) own = entry
        else if (this.#over.has(Number(id)) && isSameRound(entry, own)) {
          this.#over.set(block, this.#over.get(Number(id)))
          return
        } else if (entry.kind === 'start' || !entry.more) {
          const isSame = own !== undefined && own.incarnation === entry.incarnation
          this.#over.set(block, isSame ? visibleIn(entry.snapshot) : undefined)
          return
        }
      }
      const last = rows.at(-1)
      if (last === undefined) return void this.#over.set(block, undefined)
      before = Number(last.id)
    }
  }
}

/** Whether another block is of a round that goes on behind this one. */
function isSameRound(block: Round, own: Round | undefined): boolean {
  return block.kind === 'block' && block.more && block.incarnation === own?.incarnation
}

/** As `pg_visible_in_snapshot`. */
export function visibleIn(snapshot: string): (txid: string) => boolean {
  const [, end = '0', list = ''] = snapshot.split(':')
  const running = new Set(list.split(','))
  return (txid) => BigInt(txid) < BigInt(end) && !running.has(txid)
}
