import { binariesOf } from './binaries.ts'

/** The PostgreSQL majors that Auditrum is tested on, oldest first. */
export const supportedVersions = ['14', '15', '16', '17', '18'] as const

/** One of {@link supportedVersions}. */
export type Version = (typeof supportedVersions)[number]

/** Those of {@link supportedVersions} whose binaries npm has installed on this platform. */
export function installedVersions(): Version[] {
  return supportedVersions.filter((version) => binariesOf(version) !== undefined)
}
