import { type Queryable, rowsOf } from '../queryable.js'
import { render } from '../sql/template.js'
import { isList, type Leaves, leavesOf, rootOf } from './block-leaves.js'
import type { Chain } from './chain-links.js'
import { type BlockEntry, readEntry } from './entry-form.js'
import type { Finding } from './verify-parts.js'

/** So many leaves of blocks are in memory at a time, or one block. */
const LEAVES = 5_000

/** Whether the leaves of blocks lead to their roots, as `verify_blocks` tells it in SQL. */
export async function verifyBlocks(
  queryable: Queryable,
  schema: string,
  { amendments }: Chain,
  first: bigint,
  last: bigint,
): Promise<readonly Finding[]> {
  const entries = await rowsOf<{ id: string; entry: string | null }>(
    queryable,
    render('read/seal_entries', schema),
    [String(first), '1000'],
  )
  const problems: Finding[] = []
  let from = first
  let size = 0
  let blocks: BlockEntry[] = []
  const verifyUpTo = async (end: bigint) => {
    const lists = await leavesOf(queryable, schema, [String(from), String(end)])
    problems.push(...problemsOf(blocks, lists, amendments))
    from = end + 1n
    size = 0
    blocks = []
  }
  for (const { id, entry: text } of entries) {
    const entry = readEntry(Number(id), text ?? '')
    if (BigInt(id) > last || entry?.kind !== 'block') continue
    if (size > 0 && size + entry.events > LEAVES && BigInt(id) > from)
      await verifyUpTo(BigInt(id) - 1n)
    size += entry.events
    blocks.push(entry)
  }
  await verifyUpTo(last)
  return problems
}

function problemsOf(
  blocks: readonly BlockEntry[],
  lists: readonly Leaves[],
  amendments: Chain['amendments'],
): readonly Finding[] {
  const problems: Finding[] = []
  const listOf = new Map<string, Leaves>()
  const doubled = new Set<string>()
  for (const leaves of lists) {
    if (listOf.has(leaves.block)) doubled.add(leaves.block)
    listOf.set(leaves.block, leaves)
  }
  const seen = new Set<string>()
  for (const { id: place, events, last, root } of blocks) {
    const id = String(place)
    const leaves = listOf.get(id)
    if (seen.has(id)) {
      problems.push(ofBlock('rewritten', id))
      continue
    }
    seen.add(id)
    if (leaves?.hashes == null) {
      if (!amendments.isGone(place, events)) problems.push(ofBlock('missing', id))
    } else if (
      doubled.has(id) ||
      leaves.ids === null ||
      !isList(leaves.ids, leaves.ends, leaves.hashes) ||
      leaves.ends[1] !== last ||
      leaves.ids.length !== events ||
      rootOf(leaves.hashes) !== root
    ) {
      problems.push(ofBlock('rewritten', id))
    }
  }
  for (const block of listOf.keys()) if (!seen.has(block)) problems.push(ofBlock('added', block))
  return problems
}

function ofBlock(kind: Finding['kind'], block: string): Finding {
  return { kind, event: null, block, entry: null }
}
