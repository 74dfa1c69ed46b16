import { fileURLToPath } from 'node:url'
import type { TestProjectInlineConfiguration } from 'vitest/config'
import { installedVersions, supportedVersions, type Version } from './versions.ts'

/** What {@link postgresProjects} may be told. */
export interface ProjectOptions {
  /** `'all'` for every supported version; anything else for the newest. Vitest's `--mode`. */
  readonly mode?: string
  /** The tests that need a server. */
  readonly include: string[]
  /** Those of them whose subject is the same on every version: of all, only the oldest and the newest run them. */
  readonly onEnds?: string[]
  /** Tells these projects from others on the same version. */
  readonly suffix?: string
}

/**
 * Vitest projects that run the same tests on PostgreSQL: on the newest version, or on each one.
 *
 * @example
 * ```ts
 * export default defineConfig(({ mode }) => ({
 *   test: { projects: postgresProjects({ mode, include: ['test/**\/*.test.ts'] }) },
 * }))
 * ```
 */
export function postgresProjects({
  mode = 'newest',
  include,
  onEnds = [],
  suffix = '',
}: ProjectOptions): TestProjectInlineConfiguration[] {
  if (process.env.AUDITRUM_TEST_SERVER) return [project(`PostgreSQL${suffix}`, undefined, include)]
  const wanted = mode === 'all' ? supportedVersions : supportedVersions.slice(-1)
  const installed = installedVersions()
  for (const version of wanted) if (!installed.includes(version)) skip(version)
  return wanted
    .filter((version) => installed.includes(version))
    .map((version, index, { length }) => {
      const isEnd = index === 0 || index === length - 1
      return project(`PostgreSQL ${version}${suffix}`, version, include, isEnd ? [] : onEnds)
    })
}

function project(
  name: string,
  version: Version | undefined,
  include: string[],
  exclude: string[] = [],
): TestProjectInlineConfiguration {
  return {
    extends: true,
    test: {
      name,
      include,
      exclude,
      globalSetup: fileURLToPath(new URL('./global-setup.ts', import.meta.url)),
      provide: version ? { postgresVersion: version } : {},
    },
  }
}

function skip(version: Version): void {
  const reason =
    `PostgreSQL ${version} is SKIPPED: its binaries for ${process.platform}-${process.arch} ` +
    'are not installed.'
  if (process.env.CI) throw new Error(`${reason} Run \`npm ci\` without --omit=optional.`)
  process.stderr.write(`${reason}\n`)
}
