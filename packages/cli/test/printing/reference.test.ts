import { describe, expect, test } from 'vitest'
import { examplesOf } from '../../src/examples.js'
import { createProgram } from '../../src/program.js'
import { installed, shop } from '../support.js'
import { commandsOf, reference } from './reference.js'

const program = createProgram()

test('the reference is what the commands say', async () => {
  await expect(`${reference(program)}\n`).toMatchFileSnapshot('../../../../docs/cli.md')
})

// what an example needs beside the shop
const scenes: Readonly<Record<string, string>> = {}

describe('the examples', async () => {
  const it = await shop()
  const listed = [program, ...commandsOf(program)].flatMap((command) =>
    examplesOf(command).map(([wish, line]) => [line, wish] as const),
  )
  test.each(listed)('%s', async (line) => {
    if (line.includes('psql') && !installed('psql')) return
    const { code, stderr } = await it.shell(line, scenes[line] === undefined ? {} : {})
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' })
  })
})
