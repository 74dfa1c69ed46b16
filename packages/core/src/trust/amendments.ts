import { isPlainObject } from '../options.js'

/** What became of an event that was sealed: it was retired, or redacted. */
export interface Amendment {
  /** The hash that it has had since, as hex; null where it was retired. */
  readonly leaf: string | null
  /** Of the chain, which says so. */
  readonly entry: number
}

/** A `retire` entry's word about some of the events of a block, or all of blocks in a row. */
interface Retired {
  readonly block: number
  readonly to?: number
  readonly which?: string
}

/** A `redact` entry's word about one event. */
interface Redacted {
  readonly block: number
  readonly place: number
  readonly leaf: string
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
      for (const { block, to, which } of listOf<Retired>(entry.retired)) {
        if ((to ?? block) >= id) continue
        if (which === undefined) this.#whole.push({ from: block, to: to ?? block, entry: id })
        else added(this.#part, block, { entry: id, bits: Buffer.from(String(which), 'base64') })
      }
    } else if (entry.kind === 'redact') {
      for (const { block, place, leaf } of listOf<Redacted>(entry.redacted)) {
        if (block >= id || !/^[0-9a-f]{64}$/.test(leaf)) continue
        const places = this.#redacted.get(block) ?? new Map<number, Amendment>()
        this.#redacted.set(block, places.set(place, { leaf, entry: id }))
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

function listOf<T>(value: unknown): readonly T[] {
  return Array.isArray(value) ? (value.filter(isPlainObject) as unknown as readonly T[]) : []
}
