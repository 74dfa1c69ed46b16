import { type Queryable, rowsOf } from '../queryable.js'
import { render } from '../sql/template.js'
import { HASH_BYTES, MerkleTree } from './merkle.js'

/** The leaves of a block. */
export interface Leaves {
  readonly block: string
  /** Null where they are no list. */
  readonly ids: readonly unknown[] | null
  readonly hashes: Buffer | null
  /** As the block says that they are, the smallest and the greatest id. */
  readonly ends: readonly [string, string]
}

interface StoredLeaves {
  readonly block: string
  readonly ids: string | null
  readonly hashes: string | null
  readonly first_id: string
  readonly last_id: string
}

export async function leavesOf(
  queryable: Queryable,
  schema: string,
  range: string[],
): Promise<readonly Leaves[]> {
  const rows = await rowsOf<StoredLeaves>(queryable, render('read/leaves_of_blocks', schema), range)
  return rows.map(({ block, ids, hashes, first_id, last_id }) => ({
    block,
    ids: ids === null ? null : JSON.parse(ids),
    hashes: hashes === null ? null : Buffer.from(hashes, 'base64'),
    ends: [first_id, last_id],
  }))
}

/** As `is_list` in SQL. */
export function isList(ids: readonly unknown[], ends: Leaves['ends'], hashes: Buffer): boolean {
  return (
    ids.every((id, place) => typeof id === 'string' && isBehind(id, ids[place - 1])) &&
    ids[0] === ends[0] &&
    ids.at(-1) === ends[1] &&
    hashes.length === HASH_BYTES * ids.length
  )
}

function isBehind(id: string, before: unknown): boolean {
  return BigInt(id) > (typeof before === 'string' ? BigInt(before) : 0n)
}

export function rootOf(hashes: Buffer): string {
  const tree = new MerkleTree()
  for (let at = 0; at < hashes.length; at += HASH_BYTES)
    tree.push(hashes.subarray(at, at + HASH_BYTES))
  return tree.root().toString('hex')
}
