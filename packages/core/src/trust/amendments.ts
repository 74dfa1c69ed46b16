import { isPlainObject } from '../options.js'

/** What became of an event that was sealed: it was retired, or redacted. */
export interface Amendment {
  /** The hash that it has had since, as hex; null where it was retired. */
  readonly leaf: string | null
  /** Of the chain, which says so. */
  readonly entry: number
}

/** What retention and erasure took out of blocks, read from the entries of the chain in their order. */
export class Amendments {
  /** Of all entries: events that retention took. */
  retired = 0
  readonly #whole: { readonly from: number; readonly to: number; readonly entry: number }[] = []
  readonly #part = new Map<number, { readonly entry: number; readonly bits: Buffer }[]>()
  readonly #redacted = new Map<number, Map<number, Amendment>>()

  /** Reads what an entry says of blocks before it, if it amends anything. */
  read(id: number, entry: Readonly<Record<string, unknown>>): void {
    if (entry.kind === 'retire') {
      this.retired += Number(entry.events)
      for (const { block, to = block, which } of listOf(entry.retired)) {
        const [from, last] = [Number(block), Number(to)]
        if (!(last < id)) continue
        if (which === undefined) this.#whole.push({ from, to: last, entry: id })
        else added(this.#part, from, { entry: id, bits: Buffer.from(String(which), 'base64') })
      }
    } else if (entry.kind === 'redact') {
      for (const { block, place, leaf } of listOf(entry.redacted)) {
        const from = Number(block)
        if (!(from < id) || typeof leaf !== 'string' || !/^[0-9a-f]{64}$/.test(leaf)) continue
        const places = this.#redacted.get(from) ?? new Map<number, Amendment>()
        this.#redacted.set(from, places.set(Number(place), { leaf, entry: id }))
      }
    }
  }

  /** Of a block: what became of the event in a place of it. Retention has the last word. */
  of(block: number): (place: number) => Amendment | undefined {
    const whole = this.#whole.find(({ from, to }) => from <= block && block <= to)
    if (whole) return () => ({ leaf: null, entry: whole.entry })
    const parts = this.#part.get(block) ?? []
    const redacted = this.#redacted.get(block)
    return (place) => {
      const part = parts.find(({ bits }) => (((bits[place >> 3] ?? 0) >> (place & 7)) & 1) === 1)
      return part ? { leaf: null, entry: part.entry } : redacted?.get(place)
    }
  }
}

function added<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key)
  if (list) list.push(value)
  else lists.set(key, [value])
}

/** Pieces of what an entry says; whoever writes one by hand may have written anything. */
function listOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter(isPlainObject) : []
}
