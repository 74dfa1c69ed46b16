// Runs turbo without telemetry, which only the environment can switch off. With --quiet it speaks
// only when it fails.
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'

const args = process.argv.slice(2).filter((arg) => arg !== '--quiet')
const quiet = args.length < process.argv.length - 2
const turbo = createRequire(import.meta.url).resolve('turbo/bin/turbo')

const { status, stdout, stderr } = spawnSync(process.execPath, [turbo, ...args], {
  env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1' },
  stdio: quiet ? 'pipe' : 'inherit',
})
if (quiet && status !== 0) {
  process.stderr.write(stdout)
  process.stderr.write(stderr)
}
process.exitCode = status ?? 1
