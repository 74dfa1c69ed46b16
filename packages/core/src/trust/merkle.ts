import { hash } from 'node:crypto'
import { UsageError } from '../errors.js'

/** How long a hash is: SHA-256. */
export const HASH_BYTES = 32

/** Of a leaf: SHA-256 of 0x00 and its content (RFC 6962, 2.1; RFC 9162, 2.1.1). A text is taken as UTF-8. */
export function leafHash(content: string): Buffer {
  return hash('sha256', `\0${content}`, 'buffer')
}

const node = Buffer.alloc(1 + 2 * HASH_BYTES, 1)

/** Of an inner node: SHA-256 of 0x01 and both hashes below it (RFC 6962, 2.1; RFC 9162, 2.1.1). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  node.set(checked(left), 1)
  node.set(checked(right), 1 + HASH_BYTES)
  return hash('sha256', node, 'buffer')
}

/**
 * A Merkle tree that keeps no leaves: of each complete subtree on its right border the root, so one hash
 * for each bit of its size.
 *
 * @example
 * ```ts
 * const tree = new MerkleTree()
 * for (const entry of entries) tree.push(leafHash(entry))
 * tree.root().toString('hex')
 * ```
 */
export class MerkleTree {
  #size = 0
  /** By level: the subtree of 2^level leaves that waits for another one. */
  readonly #waiting: (Buffer | undefined)[] = []

  /** How many leaves it has. */
  get size(): number {
    return this.#size
  }

  /** Adds a leaf, of which the hash is given. */
  push(leaf: Uint8Array): void {
    // a copy: the hash may be a piece of something large
    let root: Buffer = Buffer.from(checked(leaf))
    let level = 0
    for (let left = this.#waiting[0]; left !== undefined; left = this.#waiting[level]) {
      root = nodeHash(left, root)
      this.#waiting[level] = undefined
      level += 1
    }
    this.#waiting[level] = root
    this.#size += 1
  }

  /** The Merkle tree hash of the leaves so far (RFC 6962, 2.1; RFC 9162, 2.1.1). */
  root(): Buffer {
    let root: Buffer | undefined
    for (const left of this.#waiting) {
      if (left !== undefined) root = root === undefined ? left : nodeHash(left, root)
    }
    // without a leaf, that of nothing
    return root ?? hash('sha256', '', 'buffer')
  }
}

/**
 * Collects the inclusion path of one leaf (RFC 6962, 2.1.1; RFC 9162, 2.1.3.1) while all leaves of the
 * tree pass by, in order.
 *
 * @example
 * ```ts
 * const path = new InclusionPath(3, entries.length)
 * for (const entry of entries) path.push(leafHash(entry))
 * path.hashes()
 * ```
 */
export class InclusionPath {
  /** The siblings on the way up: where each ends, and its subtree. From the leaf to the root. */
  readonly #siblings: { readonly end: number; readonly tree: MerkleTree }[] = []
  /** The same from left to right. */
  readonly #order: { readonly end: number; readonly tree: MerkleTree | undefined }[]
  readonly #size: number
  #position = 0
  #at = 0

  /**
   * @param index the place of the leaf, from 0.
   * @param size how many leaves the tree has.
   */
  constructor(index: number, size: number) {
    checkPlace(index, size)
    this.#size = size
    let start = 0
    let end = size
    while (end - start > 1) {
      const middle = start + largestPowerBelow(end - start)
      const isLeft = index < middle
      this.#siblings.unshift({ end: isLeft ? end : middle, tree: new MerkleTree() })
      if (isLeft) end = middle
      else start = middle
    }
    this.#order = [...this.#siblings, { end: index + 1, tree: undefined }].sort(
      (one, other) => one.end - other.end,
    )
  }

  /** The next leaf, of which the hash is given. */
  push(leaf: Uint8Array): void {
    const part = this.#order[this.#at]
    if (part === undefined) {
      throw new UsageError(
        `The tree has ${this.#size} leaves, and this is one more. Give as many as were said.`,
      )
    }
    part.tree?.push(leaf)
    this.#position += 1
    if (this.#position === part.end) this.#at += 1
  }

  /** The hashes of the path, from the leaf's sibling to the root's child. */
  hashes(): readonly Buffer[] {
    if (this.#position !== this.#size) {
      throw new UsageError(
        `The tree has ${this.#size} leaves, of which ${this.#position} were given. Give all of them.`,
      )
    }
    return this.#siblings.map(({ tree }) => tree.root())
  }
}

/**
 * The root that a tree must have for the leaf to be in it at this place (RFC 9162, 2.1.3.2); undefined
 * where a path of so many hashes is none for it.
 */
export function rootOfPath(
  leaf: Uint8Array,
  index: number,
  size: number,
  path: readonly Uint8Array[],
): Buffer | undefined {
  checkPlace(index, size)
  let root: Buffer = Buffer.from(checked(leaf))
  let place = index
  let last = size - 1
  for (const sibling of path) {
    if (last === 0) return undefined
    if (place % 2 === 1 || place === last) {
      root = nodeHash(sibling, root)
      // it is a right child where it has a sibling: levels without one are skipped
      while (place % 2 === 0 && place > 0) {
        place = half(place)
        last = half(last)
      }
    } else {
      root = nodeHash(root, sibling)
    }
    place = half(place)
    last = half(last)
  }
  return last === 0 ? root : undefined
}

/** Whether the leaf is at this place of the tree that has this root (RFC 9162, 2.1.3.2). */
export function isIncluded(
  leaf: Uint8Array,
  index: number,
  size: number,
  path: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  return rootOfPath(leaf, index, size, path)?.equals(root) === true
}

function half(number: number): number {
  return Math.floor(number / 2)
}

function largestPowerBelow(size: number): number {
  let power = 1
  while (power * 2 < size) power *= 2
  return power
}

function checkPlace(index: number, size: number): void {
  if (Number.isSafeInteger(size) && Number.isSafeInteger(index) && index >= 0 && index < size)
    return
  throw new UsageError(
    `A tree of ${size} leaves has no place ${index}. Give one from 0 to its size less 1.`,
  )
}

function checked(bytes: Uint8Array): Uint8Array {
  if (bytes.length === HASH_BYTES) return bytes
  throw new UsageError(`A hash of ${bytes.length} bytes is no SHA-256. Give ${HASH_BYTES} bytes.`)
}
