// The application under load, in a process of its own: Express, and three libraries to write with.
import { setTimeout as pause } from 'node:timers/promises'
import { auditContext } from '@auditrum/express'
import express, { type Request, type Response } from 'express'
import { changes, insert, type Writer } from './statements.ts'
import { bringAbout, Cut, openWays, type Writing } from './ways.ts'
import type { Outcome, Step, Way } from './work.ts'

declare global {
  namespace Express {
    interface Request {
      user?: string
    }
  }
}

const ways = await openWays(process.argv[2] ?? '')
const app = express()
app.use(auditContext({ user: (req: Request) => req.user, metadata: { source: 'load' } }))
app.use(express.json())
// known only after some time, as from a session
app.use(async (req, _res, next) => {
  await pause(Math.random() * 3)
  const user = req.get('x-user')
  if (user !== undefined) req.user = user
  next()
})
app.post('/:way', async (req, res) => {
  res.json(await work(ways[req.params.way as Way], req, res))
})
const listening = app.listen(0, '127.0.0.1', () => {
  const address = listening.address()
  process.send?.(typeof address === 'object' ? address?.port : undefined)
})

async function work(way: Writing, req: Request, res: Response): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (const [step, todo] of (req.body as Step[]).entries()) {
    const writer = { request: req.id, actor: String(req.user), step }
    // whose client is gone does nothing more
    const isGone = () => res.destroyed
    if (isGone()) break
    outcomes.push(await take(way, todo, writer, isGone))
  }
  return outcomes
}

async function take(
  way: Writing,
  step: Step,
  writer: Writer,
  isGone: () => boolean,
): Promise<Outcome> {
  try {
    if (step.kind === 'statement') await way.statement(insert(step, writer, step.end === 'error'))
    else
      await way.transaction(async (run) => {
        for (const statement of [insert(step, writer), ...changes(step, writer)]) {
          await run(statement)
          if (isGone()) throw new Error('the client is gone')
        }
        await bringAbout(step.end, run)
      })
    return 'committed'
  } catch (error) {
    if (error instanceof Cut && error.end === 'cut at commit') return 'unknown'
    if (step.end === 'commit' && !isGone()) process.stderr.write(`${writer.request}: ${error}\n`)
    return 'rolled back'
  }
}
