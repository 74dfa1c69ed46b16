import { expect, test } from 'vitest'
import { nearest } from './nearest.js'

test.for([
  ['oders', ['users', 'orders'], 'orders'],
  ['onyl', ['mask', 'only'], 'only'],
  ['dryrun', ['prune', 'dryRun'], 'dryRun'],
  ['clicks', ['docs'], undefined],
  ['order_items', ['orders'], undefined],
  ['a', ['b'], undefined],
] as const)('for %o among %o it is %o', ([name, candidates, expected]) => {
  expect(nearest(name, candidates)).toBe(expected)
})
