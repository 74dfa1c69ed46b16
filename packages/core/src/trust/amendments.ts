import type { BlockEntry, RedactEntry, RetireEntry } from './entry-form.js'

/** What became of an event that was sealed: it was retired, or redacted. */
export interface Amendment {
  /** The hash that it has had since, as hex; null where it was retired. */
  readonly leaf: string | null
  /** Of the chain, which says so. */
  readonly entry: number
  /** Which event it is said to be, and the columns that it must say itself to have lost, where it was redacted. */
  readonly event?: string
  readonly columns?: readonly string[]
}

/** What retention and erasure took out of blocks, read from the entries of the chain in their order. */
export class Amendments {
  readonly #blocks = new Blocks()
  readonly #whole: { readonly from: number; readonly to: number; readonly entry: number }[] = []
  readonly #part = new Map<number, { readonly entry: number; readonly bits: Buffer }[]>()
  readonly #redacted = new Map<number, Map<number, Amendment>>()
  /** Mostly the same ones: a list is kept once. */
  readonly #columns = new Map<string, readonly string[]>()

  /** Reads a block, or what an entry says of blocks before it. Returns whether it fits what they are. */
  read(entry: BlockEntry | RetireEntry | RedactEntry): boolean {
    if (entry.kind === 'block') this.#blocks.push(entry.id, entry.events)
    else if (entry.kind === 'redact') return this.#readRedacted(entry)
    else return this.#readRetired(entry)
    return true
  }

  /** How many events all blocks hold. */
  get sealed(): number {
    return this.#blocks.sum
  }

  /** Of all entries: how many events retention took, each once. */
  get retired(): number {
    let sum = 0
    let end = -1
    for (const { from, to } of this.#whole.toSorted((one, other) => one.from - other.from)) {
      if (to <= end) continue
      sum += this.#blocks.eventsOf(Math.max(from, end + 1), to)
      end = to
    }
    for (const [block, parts] of this.#part) {
      if (this.#whole.some(({ from, to }) => from <= block && block <= to)) continue
      sum += setBits(
        parts.map(({ bits }) => bits),
        this.#blocks.size(block) ?? 0,
      )
    }
    return sum
  }

  /** Of a block: what became of the event in a place of it. Retention has the last word. */
  of(block: number): (place: number) => Amendment | undefined {
    const whole = this.#whole.find(({ from, to }) => from <= block && block <= to)
    const size = this.#blocks.size(block)
    if (whole && size !== undefined) {
      return (place) => (place < size ? { leaf: null, entry: whole.entry } : undefined)
    }
    const parts = this.#part.get(block) ?? []
    const redacted = this.#redacted.get(block)
    return (place) => {
      const part =
        size !== undefined && place < size && parts.find(({ bits }) => isSet(bits, place))
      return part ? { leaf: null, entry: part.entry } : redacted?.get(place)
    }
  }

  /** Whether nothing is left of a block of so many events. */
  isGone(block: number, events: number): boolean {
    if (this.#whole.some(({ from, to }) => from <= block && block <= to)) return true
    const parts = this.#part.get(block) ?? []
    return (
      setBits(
        parts.map(({ bits }) => bits),
        events,
      ) === events
    )
  }

  #readRetired({ id, events, retired }: RetireEntry): boolean {
    let fits = retired.reduce((sum, piece) => sum + piece.events, 0) === events
    for (const { block, to = block, events, which } of retired) {
      const size = this.#blocks.size(block)
      if (which === undefined) {
        this.#whole.push({ from: block, to, entry: id })
        const isBetweenBlocks = size !== undefined && this.#blocks.size(to) !== undefined
        fits &&= isBetweenBlocks && this.#blocks.eventsOf(block, to) === events
      } else {
        const bits = Buffer.from(which, 'base64')
        added(this.#part, block, { entry: id, bits })
        fits &&=
          size !== undefined &&
          bits.length === Math.ceil(size / 8) &&
          setBits([bits], size) === events &&
          setBits([bits], 8 * bits.length) === events
      }
    }
    return fits
  }

  #readRedacted({ id, events, redacted }: RedactEntry): boolean {
    const named = new Set(redacted.map(({ block, place }) => `${block} ${place}`))
    let fits = redacted.length === events && named.size === events
    for (const { event, block, place, columns, leaf } of redacted) {
      const places = this.#redacted.get(block) ?? new Map<number, Amendment>()
      const own = columns.filter((name) => !name.startsWith('context.'))
      const key = JSON.stringify(own)
      if (!this.#columns.has(key)) this.#columns.set(key, own)
      const amendment = { leaf, entry: id, event, columns: this.#columns.get(key) ?? own }
      this.#redacted.set(block, places.set(place, amendment))
      fits &&= place < (this.#blocks.size(block) ?? 0)
    }
    return fits
  }
}

/** How many events blocks hold, by their ids: these come in order, and in millions. */
class Blocks {
  readonly #ids: number[] = []
  /** Of a block and all before it. */
  readonly #sums: number[] = []

  push(id: number, events: number): void {
    this.#ids.push(id)
    this.#sums.push(this.sum + events)
  }

  get sum(): number {
    return this.#sums.at(-1) ?? 0
  }

  size(id: number): number | undefined {
    const place = this.#placeFrom(id)
    return this.#ids[place] === id ? this.#upTo(place + 1) - this.#upTo(place) : undefined
  }

  /** Of all blocks from one to another. */
  eventsOf(from: number, to: number): number {
    return this.#upTo(this.#placeFrom(to + 1)) - this.#upTo(this.#placeFrom(from))
  }

  /** Of so many. */
  #upTo(count: number): number {
    return this.#sums[count - 1] ?? 0
  }

  /** Of the first one with this id or a greater one. */
  #placeFrom(id: number): number {
    let [low, high] = [0, this.#ids.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#ids[middle] ?? 0) < id) low = middle + 1
      else high = middle
    }
    return low
  }
}

function isSet(bits: Buffer, place: number): boolean {
  return (((bits[place >> 3] ?? 0) >> (place & 7)) & 1) === 1
}

/** How many of the first so many bits are set in one bitmap or another. */
function setBits(bitmaps: readonly Buffer[], size: number): number {
  const last = Math.min(size, 8 * Math.max(0, ...bitmaps.map(({ length }) => length)))
  let count = 0
  for (let place = 0; place < last; place += 1)
    if (bitmaps.some((bits) => isSet(bits, place))) count += 1
  return count
}

function added<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key)
  if (list) list.push(value)
  else lists.set(key, [value])
}
