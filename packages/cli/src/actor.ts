import { userInfo } from 'node:os'
import { type ContextMetadata, withContext } from '@auditrum/core'

interface Actor {
  readonly user?: string | undefined
  readonly reason?: string | undefined
  readonly source?: string | undefined
}

/** Who sits at the command line, why, and for whom. */
export function metadataOf({ user, reason, source = 'cli' }: Actor): ContextMetadata {
  return {
    source,
    ...account(),
    ...(user !== undefined && { user_id: user }),
    ...(reason !== undefined && { change_reason: reason }),
  }
}

/** Does something in that name. */
export function actor<T>(by: Actor, work: () => T): T {
  return withContext(metadataOf(by), work)
}

function account(): { readonly username?: string } {
  try {
    return { username: userInfo().username }
  } catch {
    // an account without a name, as in a container
    return {}
  }
}
