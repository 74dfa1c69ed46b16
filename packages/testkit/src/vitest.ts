export { testDatabase, testServer } from './fixtures.ts'
export { type ProjectOptions, postgresProjects } from './projects.ts'
export { reporters, type Tally, TallyReporter } from './reporter.ts'
