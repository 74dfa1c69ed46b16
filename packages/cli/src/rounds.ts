import { failureRecord, messageOf } from './failure.js'
import { time } from './people.js'
import type { GlobalOptions, Setting } from './session.js'
import { isUnreachable } from './unreachable.js'

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

/**
 * Rounds of which one that fails is said, and the next one tried, unless that would never help. The same
 * failure is said once, however long it lasts, and then that it is over.
 */
export function bravely(
  { terminal }: Setting,
  options: GlobalOptions & { readonly json?: true | undefined },
  round: () => Promise<void>,
  mayPass: (error: unknown) => boolean,
): () => Promise<void> {
  let said: string | undefined
  return async () => {
    try {
      await round()
      if (said !== undefined) terminal.note(`${now()}  It works again.`)
      said = undefined
    } catch (error) {
      if (!mayPass(error)) throw error
      const { message } = messageOf(error, options.verbose === true)
      // while a server goes down and comes up it says so in many ways
      const what = isUnreachable(error) ? 'unreachable' : message
      if (what === said) return
      said = what
      terminal.warn(`${now()}  ${message}`)
      if (options.json)
        await terminal.record({ at: new Date().toISOString(), ...failureRecord(error) })
    }
  }
}

/** The present time, as what is done in rounds is told. */
export function now(): string {
  return time(new Date().toISOString())
}
