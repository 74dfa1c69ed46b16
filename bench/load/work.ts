// What a request is to do, and what its client is told of it.

/** How a transaction is to end. */
export type End =
  | 'commit'
  /** The application changes its mind. */
  | 'rollback'
  /** A statement fails. */
  | 'error'
  /** A statement takes longer than it may. */
  | 'timeout'
  /** The application does not wait for an answer any longer. */
  | 'impatience'
  /** The connection to the database is lost before the COMMIT. */
  | 'cut'
  /** It is lost while the COMMIT is on its way: nobody knows whether that arrived. */
  | 'cut at commit'

/** One transaction of a request. */
export interface Step {
  /** A statement by itself, or several between BEGIN and COMMIT. */
  readonly kind: 'statement' | 'transaction'
  /** How many rows it inserts; a transaction updates them all, deletes one, and updates an account. */
  readonly rows: number
  readonly account: number
  readonly end: End
}

/** What the client is told of a step; unknown where it was told nothing, or nobody knows. */
export type Outcome = 'committed' | 'rolled back' | 'unknown'

/** The libraries by which requests write. */
const ways = ['pg', 'knex', 'sequelize'] as const
export type Way = (typeof ways)[number]

/** A request: who asks for what, and after how many milliseconds its client goes away. */
export interface Request {
  readonly id: string
  readonly actor: string
  readonly way: Way
  readonly steps: readonly Step[]
  readonly leavesAfter: number | undefined
}

/** The events that a step leaves behind when it is committed. */
export const eventsOf = ({ kind, rows }: Step): number =>
  kind === 'statement' ? rows : 2 * rows + 2

/** The accounts, which all requests share. */
export const ACCOUNTS = 1_000

const whole = (limit: number) => Math.floor(Math.random() * limit)

/** A request at random: three in four of the transactions are committed. */
export function randomRequest(n: number): Request {
  const way = ways[n % ways.length] ?? 'pg'
  return {
    id: `request-${n}`,
    actor: `user-${n}`,
    way,
    steps: Array.from({ length: 1 + whole(3) }, () => randomStep(way)),
    leavesAfter: whole(20) === 0 ? whole(60) : undefined,
  }
}

function randomStep(way: Way): Step {
  const kind = whole(2) === 0 ? 'statement' : 'transaction'
  return { kind, rows: 1 + whole(8), account: 1 + whole(ACCOUNTS), end: randomEnd(kind, way) }
}

function randomEnd(kind: Step['kind'], way: Way): End {
  if (whole(4) > 0) return 'commit'
  if (kind === 'statement') return whole(2) === 0 ? 'commit' : 'error'
  const ends: readonly End[] = [
    ...(['rollback', 'error', 'timeout'] as const),
    // the connections of an ORM are its own
    ...(['impatience', 'cut', 'cut at commit'] as const),
  ]
  return ends[whole(way === 'pg' ? ends.length : 3)] ?? 'rollback'
}
