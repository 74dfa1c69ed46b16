import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

test('the demo prints who changed what, when and why', () => {
  const { status, stdout, stderr } = spawnSync('npm', ['start', '--silent'], {
    cwd: new URL('../', import.meta.url),
    encoding: 'utf8',
    shell: process.platform === 'win32',
  })
  expect(stderr).toBe('')
  expect(status).toBe(0)
  const lines = stdout.split('\n')
  expect(lines).toContainEqual(
    expect.stringMatching(/update +orders 42 +7 +Payment received +status: new -> paid/),
  )
  // one bulk statement, one event a row
  expect(lines.filter((line) => /anna +Goodwill discount, ticket 881/.test(line))).toHaveLength(
    2 + 1,
  )
  // the cascade has its context, too
  expect(lines.filter((line) => /delete +orders 4[13] .*Closing accounts/.test(line))).toHaveLength(
    2,
  )
  expect(lines).toContainEqual(expect.stringMatching(/email: \(masked\)$/))
  expect(stdout).not.toMatch(/acme\.example|x9f|n7c/)
  expect(lines).toContainEqual(expect.stringMatching(/^status +shipped .*\(role postgres\)/))
  expect(stdout).toMatch(/Yes\.\n$/)
})
