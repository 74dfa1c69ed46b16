import { defineConfig } from 'vitest/config'
// By its path: Vite bundles it then; what it finds in node_modules it leaves to Node, which does
// not read TypeScript.
import { postgresProjects, reporters } from '../testkit/src/vitest.ts'

// What is handed out and verified elsewhere is the same of every server: these tests run on the newest one.
const outside = ['test/outside/**/*.test.ts']

// They take long, and what they try is the same on every server: what is not, such as privileges that came
// with a version, the oldest and the newest tell.
const onEnds = [
  'test/fuzz/declarations.test.ts',
  'test/fuzz/names.test.ts',
  'test/install/drift.test.ts',
  'test/install/hostile.test.ts',
  'test/install/names.test.ts',
  'test/install/partitions.test.ts',
  'test/install/sync.test.ts',
  'test/keep/at-once.test.ts',
  'test/keep/attacker.test.ts',
  'test/keep/harden.test.ts',
  'test/keep/overflow.test.ts',
  'test/keep/purge.test.ts',
  'test/read/as-of-pages.test.ts',
  'test/read/as-of-property.test.ts',
  'test/trust/accept-unlogged.test.ts',
  'test/trust/chain-anew.test.ts',
  'test/trust/erase.test.ts',
  'test/trust/malformed.test.ts',
  'test/trust/seal.test.ts',
  'test/trust/seal-retention.test.ts',
  'test/trust/threats.test.ts',
  'test/trust/verify-concurrent.test.ts',
  'test/trust/verify-property.test.ts',
  'test/undo/property.test.ts',
]

export default defineConfig(({ mode }) => ({
  test: {
    reporters: reporters(),
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
    projects: [
      { extends: true, test: { name: 'unit', include: ['src/**/*.test.ts'] } },
      ...postgresProjects({ mode, include: ['test/!(outside)/**/*.test.ts'], onEnds }),
      ...postgresProjects({ include: outside, suffix: ', outside' }),
    ],
  },
}))
