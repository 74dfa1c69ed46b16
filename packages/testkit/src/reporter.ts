import { appendFileSync } from 'node:fs'
import type { Reporter, SerializedError, TestModule } from 'vitest/node'

/** One line that a test run leaves in the file named by `AUDITRUM_TEST_TALLY`. */
export interface Tally {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** Counts tests, so that a run over several packages can end in one sum. */
export class TallyReporter implements Reporter {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    let passed = 0
    let skipped = 0
    let failed = unhandledErrors.length
    for (const module of modules) {
      // A file that cannot be loaded, or whose hook fails, counts as one failure.
      failed += module.errors().length
      for (const suite of module.children.allSuites()) failed += suite.errors().length
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'passed') passed++
        else if (state === 'failed') failed++
        else skipped++
      }
    }
    const tally: Tally = { passed, failed, skipped }
    appendFileSync(this.#path, `${JSON.stringify(tally)}\n`)
  }
}

/** The reporters of every vitest.config.ts: Vitest's own, and the tally where one is asked for. */
export function reporters(): (Reporter | 'default')[] {
  const path = process.env.AUDITRUM_TEST_TALLY
  return path ? ['default', new TallyReporter(path)] : ['default']
}
