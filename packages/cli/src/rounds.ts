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
