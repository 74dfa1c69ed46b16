const ofNetwork =
  /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/
/** SQLSTATEs of a server that goes down or comes up, and of connections. */
const ofServer = /^(57P0[1-5]|08\w{3})$/
/** What pg gives no code. */
const ofDriver = /^Connection terminated|timeout exceeded when trying to connect/

/** Whether the database could not be reached, or was lost on the way. */
export function isUnreachable(error: unknown): boolean {
  if (error instanceof AggregateError) return isUnreachable(error.errors[0])
  const { code, cause, message } = Object(error) as Readonly<Record<string, unknown>>
  if (code === undefined && ofDriver.test(String(message))) return true
  if (ofNetwork.test(String(code)) || ofServer.test(String(code))) return true
  // of other errors of ours the cause may be a bucket, or a file
  const mayBeCaused = code === undefined || code === 'AUDITRUM_SCHEMA'
  return mayBeCaused && cause !== undefined && isUnreachable(cause)
}
