// Starts a server and never stops it.
import { startServer } from '../../src/index.ts'

const { port, dataDirectory } = await startServer()
process.stdout.write(`${JSON.stringify({ port, dataDirectory })}\n`)
process.stdin.resume()
