import type { CommandUnknownOpts } from '@commander-js/extra-typings'

/**
 * Asks for the required options of a command once its unknown ones were told. Commander does it the other
 * way round: `harden --approle shop` would hear that --app-role is missing, not that it was meant.
 */
export function askForRequired(command: CommandUnknownOpts): void {
  const required = command.options.filter(({ mandatory }) => mandatory)
  for (const option of required) option.mandatory = false
  command.hook('preAction', () => {
    for (const option of required) {
      if (command.getOptionValue(option.attributeName()) === undefined)
        missing(command, option.flags)
    }
  })
}

/** Ends the command for want of an option. */
export function missing(command: CommandUnknownOpts, flags: string): never {
  return command.error(`error: required option '${flags}' not specified`, {
    code: 'commander.missingMandatoryOptionValue',
  })
}
