import type { Connection, Submittable } from './driver.js'
import { override } from './setting.js'

/** A connection for a stream that copies in: it sends a simple Query, and this an extended one. */
export function copyingIn(connection: Connection, query: Submittable): Connection {
  const sync = syncBehindData(connection, query)
  const isDone = copyDoneDetector()
  const copying = Object.assign(Object.create(connection) as Connection, {
    query(text: string) {
      connection.parse({ text })
      connection.bind({ values: [] })
      connection.execute()
    },
    endCopyFrom() {
      connection.endCopyFrom()
      sync()
    },
    stream: Object.assign(Object.create(connection.stream) as Connection['stream'], {
      write(chunk: Uint8Array, ...rest: unknown[]) {
        const written = connection.stream.write(chunk, ...rest)
        if (isDone(chunk)) sync()
        return written
      },
    }),
  })
  // older streams take the connection from here
  const { handleCopyInResponse } = query
  query.handleCopyInResponse = () => handleCopyInResponse?.call(query, copying as never)
  return copying
}

const COPY_DONE = 0x63
const HEADER_SIZE = 5

/** Tells when CopyDone has gone by, among messages that are written in any pieces, past the connection. */
function copyDoneDetector(): (chunk: Uint8Array) => boolean {
  const header = Buffer.alloc(HEADER_SIZE)
  let known = 0
  let left = 0
  return (chunk) => {
    let isDone = false
    for (let at = 0; at < chunk.length; ) {
      if (left > 0) {
        const size = Math.min(left, chunk.length - at)
        left -= size
        at += size
        continue
      }
      header[known++] = chunk[at++] ?? 0
      if (known < HEADER_SIZE) continue
      known = 0
      left = header.readUInt32BE(1) - 4
      isDone ||= header[0] === COPY_DONE
    }
    return isDone
  }
}

/**
 * While it copies in, the server ignores a Sync, and it answers CopyDone only at the next one: there
 * must be exactly one, behind the data or behind an error.
 */
function syncBehindData(connection: Connection, query: Submittable): () => void {
  let isSent = false
  const sync = () => {
    if (!isSent) connection.sync()
    isSent = true
  }
  const restore = override<Submittable>(query, {
    handleError(error) {
      restore()
      sync()
      return query.handleError(error, connection)
    },
  })
  return sync
}
