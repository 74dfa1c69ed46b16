import { defineConfig } from 'vitest/config'
import { postgresProjects, reporters } from './src/vitest.ts'

export default defineConfig(({ mode }) => ({
  test: {
    reporters: reporters(),
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
    projects: [
      { extends: true, test: { name: 'servers', include: ['test/servers/*.test.ts'] } },
      ...postgresProjects({ mode, include: ['test/*.test.ts'] }),
    ],
  },
}))
