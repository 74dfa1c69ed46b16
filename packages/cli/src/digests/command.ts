import { spawn } from 'node:child_process'
import { PlaceError } from './place.js'

/** Gives a digest to a command of the shell, on its standard input. */
export async function giveTo(command: string, text: string): Promise<void> {
  const { AUDITRUM_DIGEST_KEY: _, ...env } = process.env
  // its answers are not ours
  const child = spawn(command, { shell: true, env, stdio: ['pipe', 2, 2] })
  const ended = new Promise<string | undefined>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, signal) =>
      resolve(code === 0 ? undefined : signal === null ? `it exited with ${code}` : `${signal}`),
    )
  })
  // what ends without reading is judged by how it ends
  child.stdin?.on('error', () => {})
  child.stdin?.end(text)
  const failure = await ended
  if (failure === undefined) return
  throw new PlaceError(
    `The command that was to take the digest failed: ${failure}. See what it said, and try it: echo test | ${command}`,
  )
}
