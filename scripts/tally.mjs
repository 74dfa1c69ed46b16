// Sums up what the test runs of all packages left in a file, and closes with one line. Fails when a
// test failed, and when none ran.
import { readFileSync } from 'node:fs'

const total = { passed: 0, failed: 0, skipped: 0 }
for (const line of readFileSync(process.argv[2], 'utf8').split('\n').filter(Boolean)) {
  const tally = JSON.parse(line)
  for (const state of Object.keys(total)) total[state] += tally[state]
}
const { passed, failed, skipped } = total
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
process.exitCode = failed > 0 || passed === 0 ? 1 : 0
