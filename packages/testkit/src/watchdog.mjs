// Outlives the process that started it. When its pipe closes, for whatever reason (SIGKILL
// included), it ends the server and removes the directory.
import { existsSync, rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const [, , directory, lock] = process.argv

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {})

let input = ''
process.stdin.setEncoding('utf8').on('data', (text) => {
  input += text
})
process.stdin.on('error', () => {})
process.stdin.on('close', async () => {
  // The last line names the process to end, 0 when it has ended by itself.
  const pid = Number(input.trimEnd().split('\n').at(-1))
  if (pid > 0 && kill(pid, 'SIGQUIT')) {
    const patience = Date.now() + 5000
    // A process that nobody waits for stays as a zombie and still takes signals; its lock goes.
    while (existsSync(lock) && kill(pid, 0) && Date.now() < patience) await sleep(20)
    if (existsSync(lock)) kill(pid, 'SIGKILL')
  }
  rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
})

function kill(pid, signal) {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}
