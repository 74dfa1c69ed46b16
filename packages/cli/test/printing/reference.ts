import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import { examplesOf } from '../../src/examples.js'

/** The commands that do something, in the order of the help. */
export function commandsOf(program: CommandUnknownOpts): readonly CommandUnknownOpts[] {
  return program.commands
}

/** The reference of the command line, from the definitions of its commands. */
export function reference(program: CommandUnknownOpts): string {
  const commands = commandsOf(program)
  const groups = [...new Set(commands.map((command) => command.helpGroup()))]
  return [
    '# The command line',
    'Written from the definitions of the commands by the test that runs every example of it.',
    '```sh\nnpm install auditrum\nnpx auditrum --help\n```',
    program.description(),
    ...groups.map((group) => {
      const lines = commands
        .filter((command) => command.helpGroup() === group)
        .map((command) => `| [\`${command.name()}\`](#${command.name()}) | ${command.summary()} |`)
      return [`| ${group?.replace(':', '')} | |`, '| - | - |', ...lines].join('\n')
    }),
    '## Everywhere',
    options(program),
    intro,
    ...commands.flatMap(section),
  ].join('\n\n')
}

const intro = `The database is the first that is given of \`--database-url\`, \`DATABASE_URL\`, \`databaseUrl\` in the
configuration, and the variables of libpq (\`PGHOST\` …). A file \`.env\` in the working directory is read; what is
set already wins. Passwords are never printed.

The configuration is \`auditrum.config.ts\`, \`.mts\`, \`.js\`, \`.mjs\` or \`.json\`, in the working directory or the
nearest one above it:

\`\`\`ts
import { defineConfig, track } from 'auditrum'

export default defineConfig({
  tables: [track('customers', { mask: ['email'], label: 'name' }), track('orders', { label: 'number' })],
  discover: 'src/**/audit.ts',
})
\`\`\`

In JSON a table is its name, or an object with the options of \`track\`:
\`{"tables": ["orders", {"table": "customers", "mask": ["email"]}]}\`. A configuration above the working
directory that belongs to somebody else is not run.

Answers go to stdout, all else to stderr. Times are in UTC: \`yesterday\` began at midnight there. What people typed into the application cannot act on
the terminal: control characters, line breaks and what turns the direction of reading are shown as \`\\n\` or \`\\u{…}\`. Tables
fit the terminal, or \`COLUMNS\` where the output is none.

| exit code | |
| - | - |
| 0 | fine; also where \`revert\` was told to skip rows, and did |
| 1 | the check failed: something is to do, not healthy, a conflict, no such row |
| 2 | wrong usage, or a wrong configuration |
| 3 | the database refused, or cannot be reached |

\`auditrum completion zsh\` (or bash, fish, powershell) prints a script that completes commands and options.

\`--json\` prints one JSON document, or with \`history\` a line for each event; [their shapes](cli-json.md).`

function section(command: CommandUnknownOpts): readonly string[] {
  const list = examplesOf(command).flatMap(([wish, line]) => [`# ${wish}`, line])
  return [
    `## ${command.name()}`,
    `\`${synopsis(command)}\``,
    command.description(),
    options(command),
    `\`\`\`sh\n${list.join('\n')}\n\`\`\``,
  ].filter((part) => part !== '')
}

function options(command: CommandUnknownOpts): string {
  const help = command.createHelp()
  const rows = [
    ...command.registeredArguments.map((argument) => [
      argument.name(),
      help.argumentDescription(argument),
    ]),
    ...command.options.map((option) => [option.flags, help.optionDescription(option)]),
  ]
  if (rows.length === 0) return ''
  const lines = rows.map(([name, text]) => `| \`${name}\` | ${text?.replaceAll('|', '\\|')} |`)
  return ['| | |', '| - | - |', ...lines].join('\n')
}

function synopsis(command: CommandUnknownOpts): string {
  return `auditrum ${command.name()} ${command.usage().replace('[options]', '')}`
    .replace(/ +/g, ' ')
    .trim()
}
