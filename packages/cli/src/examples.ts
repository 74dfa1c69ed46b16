import type { CommandUnknownOpts } from '@commander-js/extra-typings'

/** What somebody wants, and the command line that does it. */
export type Example = readonly [wish: string, command: string]

const known = new WeakMap<CommandUnknownOpts, readonly Example[]>()

/** Gives a command examples: in its help, in the reference, and in the test that runs them. */
export function examples(command: CommandUnknownOpts, list: readonly Example[]): void {
  known.set(command, list)
  const lines = list.flatMap(([wish, text]) => [`  # ${wish}`, `  $ ${text}`])
  command.addHelpText('after', ['', 'Examples:', ...lines].join('\n'))
}

export function examplesOf(command: CommandUnknownOpts): readonly Example[] {
  return known.get(command) ?? []
}
