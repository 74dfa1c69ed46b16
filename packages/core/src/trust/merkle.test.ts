import { createHash, randomBytes, randomInt } from 'node:crypto'
import { verifyMerkleInclusion } from '@sigstore/verify/dist/tlog/merkle.js'
import { expect, test } from 'vitest'
import { InclusionPath, isIncluded, leafHash, MerkleTree, nodeHash, rootOfPath } from './merkle.js'

const contents = Array.from({ length: 5000 }, (_, index) => `entry ${index} ü`)
const leaves = contents.map((content) => leafHash(content))

test('the root of no leaves is that of RFC 6962, 2.1', () => {
  expect(new MerkleTree().root()).toEqual(createHash('sha256').digest())
})

test('a leaf and a node cannot be taken for each other', () => {
  expect(leafHash('ä')).toEqual(
    createHash('sha256')
      .update(Buffer.from([0, 0xc3, 0xa4]))
      .digest(),
  )
  const [left, right] = [randomBytes(32), randomBytes(32)]
  const node = createHash('sha256')
    .update(Buffer.from([1]))
    .update(left)
    .update(right)
    .digest()
  expect(nodeHash(left, right)).toEqual(node)
})

test('the root after each leaf is the one that RFC 6962 defines by recursion', () => {
  const tree = new MerkleTree()
  for (const [index, leaf] of leaves.slice(0, 130).entries()) {
    tree.push(leaf)
    expect(tree.size).toBe(index + 1)
    expect(tree.root()).toEqual(recursively(leaves.slice(0, index + 1)))
  }
})

test('another implementation accepts the path of every leaf of 1 to 130', () => {
  for (let size = 1; size <= 130; size += 1) {
    const root = rootOf(size)
    for (let index = 0; index < size; index += 1) {
      const path = pathOf(index, size)
      expect(isIncludedElsewhere(index, size, path, root)).toBe(true)
      expect(isIncluded(at(index), index, size, path, root)).toBe(true)
    }
  }
})

test('both judge alike of larger trees, other places, other leaves and mutilated paths', () => {
  for (let round = 0; round < 40; round += 1) {
    const size = randomInt(131, 5000)
    const index = randomInt(size)
    const root = rootOf(size)
    const path = pathOf(index, size)
    const claims = [
      { index, size, path, is: true },
      { index: (index + 1) % size, size, path },
      { index, size: size + 1, path },
      { index, size, path: path.slice(1) },
      { index, size, path: path.slice(0, -1) },
      { index, size, path: [...path, root] },
      { index, size, path: path.with(0, randomBytes(32)) },
      { index, size, path: path.toReversed() },
    ]
    for (const { is = false, ...claim } of claims) {
      const told = isIncludedElsewhere(claim.index, claim.size, claim.path, root, index)
      // a larger tree may have the same path: it is the signed size that counts
      if (claim.size === size) expect(told).toBe(is)
      const found = isIncluded(at(index), claim.index, claim.size, claim.path, root)
      expect(found, `seen of ${index} in ${size}: ${JSON.stringify(claim)}`).toBe(told)
    }
    const other = (index + 1) % leaves.length
    expect(isIncluded(at(other), index, size, path, root)).toBe(false)
  }
})

test('no place outside of the tree, no hash of another length, no more leaves than said', () => {
  expect(() => new InclusionPath(3, 3)).toThrow('has no place 3')
  expect(() => rootOfPath(at(0), -1, 3, [])).toThrow('has no place -1')
  expect(() => new MerkleTree().push(Buffer.alloc(31))).toThrow('31 bytes is no SHA-256')
  const path = new InclusionPath(0, 2)
  path.push(at(0))
  expect(() => path.hashes()).toThrow('of which 1 were given')
  path.push(at(1))
  expect(() => path.push(at(2))).toThrow('this is one more')
})

/** The definition, word for word. */
function recursively(list: readonly Buffer[]): Buffer {
  const [first] = list
  if (first === undefined) return createHash('sha256').digest()
  if (list.length === 1) return first
  let k = 1
  while (k * 2 < list.length) k *= 2
  return nodeHash(recursively(list.slice(0, k)), recursively(list.slice(k)))
}

function rootOf(size: number): Buffer {
  const tree = new MerkleTree()
  for (const leaf of leaves.slice(0, size)) tree.push(leaf)
  return tree.root()
}

function pathOf(index: number, size: number): readonly Buffer[] {
  const path = new InclusionPath(index, size)
  for (const leaf of leaves.slice(0, size)) path.push(leaf)
  return path.hashes()
}

function at(index: number): Buffer {
  return leaves[index] as Buffer
}

/** What @sigstore/verify says. */
function isIncludedElsewhere(
  index: number,
  size: number,
  hashes: readonly Buffer[],
  root: Buffer,
  content = index,
): boolean {
  const entry = {
    canonicalizedBody: Buffer.from(contents[content] as string),
    inclusionProof: { logIndex: String(index), hashes },
  } as unknown as Parameters<typeof verifyMerkleInclusion>[0]
  const checkpoint = { origin: '', logSize: BigInt(size), logHash: root, rest: [] }
  try {
    verifyMerkleInclusion(entry, checkpoint)
    return true
  } catch (error) {
    if ((error as { code?: unknown }).code === 'TLOG_INCLUSION_PROOF_ERROR') return false
    throw error
  }
}
