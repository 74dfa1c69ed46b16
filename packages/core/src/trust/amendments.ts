/** What became of an event that was sealed: it was retired, or redacted. */
export interface Amendment {
  /** The hash that it has had since, as hex; null where it was retired. */
  readonly leaf: string | null
  /** Of the chain, which says so. */
  readonly entry: number
}

/** A `retire` entry's word about one block. */
interface Retired {
  readonly block: number
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
  /** By block: which entries retired which of its places; all without bits. */
  readonly #retired = new Map<
    number,
    { readonly entry: number; readonly bits: Buffer | undefined }[]
  >()
  readonly #redacted = new Map<number, Map<number, Amendment>>()

  /** Reads what an entry says, if it amends anything. */
  read(id: number, entry: Readonly<Record<string, unknown>>): void {
    if (entry.kind === 'retire') {
      this.retired += Number(entry.events)
      for (const { block, which } of listOf<Retired>(entry.retired)) {
        const bits = which === undefined ? undefined : Buffer.from(which, 'base64')
        this.#retired.set(block, [...(this.#retired.get(block) ?? []), { entry: id, bits }])
      }
    } else if (entry.kind === 'redact') {
      for (const { block, place, leaf } of listOf<Redacted>(entry.redacted)) {
        const places = this.#redacted.get(block) ?? new Map<number, Amendment>()
        this.#redacted.set(block, places.set(place, { leaf, entry: id }))
      }
    }
  }

  /** Of an event by its block and its place there. Retention has the last word. */
  of(block: number, place: number): Amendment | undefined {
    const retired = this.#retired
      .get(block)
      ?.find(
        ({ bits }) => bits === undefined || (((bits[place >> 3] ?? 0) >> (place & 7)) & 1) === 1,
      )
    return retired ? { leaf: null, entry: retired.entry } : this.#redacted.get(block)?.get(place)
  }

  /** How many events of a block were retired, of as many as it sealed. */
  retiredOf(block: number, events: number): number {
    let count = 0
    for (let place = 0; place < events; place += 1)
      if (this.of(block, place)?.leaf === null) count += 1
    return count
  }
}

function listOf<T>(value: unknown): readonly T[] {
  return Array.isArray(value) ? value : []
}
