import spawn from 'cross-spawn'

/** What a shell exits with where there is no such program, or none that may be executed. */
const NOT_FOUND = 127
const NOT_EXECUTABLE = 126
const forwarded = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const

/**
 * Runs a program in our place: it has our input and output, and gets the signals that we get.
 *
 * @returns its exit code, or the signal that ended it.
 */
export async function runProgram(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<number | NodeJS.Signals> {
  // before it starts: a signal that came in between would end us and leave it behind
  let early: NodeJS.Signals | undefined
  let forward = (signal: NodeJS.Signals) => {
    early = signal
  }
  const listener = (signal: NodeJS.Signals) => forward(signal)
  for (const signal of forwarded) process.on(signal, listener)
  try {
    const child = spawn(file, args, { env, stdio: 'inherit' })
    forward = (signal) => {
      // a terminal sends these to the program, too
      const isTyped = process.stdin.isTTY && (signal === 'SIGINT' || signal === 'SIGQUIT')
      if (!isTyped) child.kill(signal)
    }
    if (early) forward(early)
    return await new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve(signal ?? code ?? 0))
      child.once('error', (error: NodeJS.ErrnoException) => {
        process.stderr.write(`auditrum: ${JSON.stringify(file)} cannot be run: ${error.message}.\n`)
        resolve(error.code === 'ENOENT' ? NOT_FOUND : NOT_EXECUTABLE)
      })
    })
  } finally {
    for (const signal of forwarded) process.removeListener(signal, listener)
  }
}
