import { messageOf } from './failure.js'
import type { GlobalOptions, Setting } from './session.js'

const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

/** Does something again and again, so many milliseconds after it was done, until told to stop. */
export async function everySoOften(pause: number, round: () => Promise<void>): Promise<void> {
  let wake = () => {}
  let isOver = false
  const stop = () => {
    isOver = true
    wake()
  }
  for (const signal of signals) process.on(signal, stop)
  try {
    while (!isOver) {
      await round()
      if (isOver) return
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, pause)
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  } finally {
    for (const signal of signals) process.removeListener(signal, stop)
  }
}

/** A round that fails is said, and the next one tried, unless that would never help. */
export async function bravely(
  { terminal }: Setting,
  { verbose }: GlobalOptions,
  round: () => Promise<void>,
  mayPass: (error: unknown) => boolean,
): Promise<void> {
  try {
    await round()
  } catch (error) {
    if (!mayPass(error)) throw error
    terminal.warn(messageOf(error, verbose === true).message)
  }
}
