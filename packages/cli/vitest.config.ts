import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
// By its path: Vite bundles it then; what it finds in node_modules it leaves to Node, which does
// not read TypeScript.
import { postgresProjects, reporters } from '../testkit/src/vitest.ts'

// What a command prints is the same on every server: these tests run on the newest one.
const printing = ['test/printing/**/*.test.ts']

// Projects are made within tests and hooks, which can have no hooks of their own that would remove them.
const temporary = mkdtempSync(join(tmpdir(), 'auditrum-cli-'))
process.once('exit', () => rmSync(temporary, { recursive: true, force: true }))

export default defineConfig(({ mode }) => ({
  test: {
    env: { TMPDIR: temporary },
    reporters: reporters(),
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
    projects: [
      { extends: true, test: { name: 'unit', include: ['src/**/*.test.ts'] } },
      ...postgresProjects({ mode, include: ['test/*.test.ts'] }),
      ...postgresProjects({ include: printing, suffix: ', printing' }),
    ],
  },
}))
