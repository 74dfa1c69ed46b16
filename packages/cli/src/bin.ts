#!/usr/bin/env node
import tab from '@bomb.sh/tab/commander'
import type { Command } from 'commander'
import { exit, exitCodeOf, failureRecord, messageOf } from './failure.js'
import { createProgram } from './program.js'
import { now } from './rounds.js'
import { safeJson, safeLines, safeText } from './safe-text.js'

// `auditrum history | head`
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit()
  process.stderr.write(`auditrum: The output cannot be written: ${error.message}.\n`)
  process.exit(exit.usage)
})
// nobody listens: the answer is on stdout
process.stderr.on('error', () => {})
// read by styleText, commander and @clack/prompts
if (process.argv.includes('--no-color')) process.env.NO_COLOR = '1'

const program = createProgram()
// `auditrum completion zsh`
tab(program as unknown as Command, { completionCommandName: 'completion' })
let isJson = false
// what --every says has the time, its last words included
let isTimed = false
program.hook('preAction', (_, command) => {
  isJson = command.getOptionValue('json') === true
  isTimed = command.getOptionValue('every') !== undefined
})

try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = exitCodeOf(error)
  // commander has said its own
  if (!isCommanderError(error)) {
    const { message, stack } = messageOf(error, process.argv.includes('--verbose'))
    const time = isTimed ? `${now()}  ` : ''
    process.stderr.write(`auditrum: ${time}${safeText(message)}\n${safeLines(stack)}`)
    if (isJson) process.stdout.write(`${safeJson(JSON.stringify(failureRecord(error)))}\n`)
  }
}

function isCommanderError(error: unknown): boolean {
  return error instanceof Error && error.name === 'CommanderError'
}
