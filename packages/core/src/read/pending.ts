import { UsageError } from '../errors.js'
import type { PastDetails } from './past.js'

/** Rows, each iteration of which reads them anew, and what is known of them. */
export interface KnownRows<Row> extends AsyncIterable<Row>, PastDetails {
  /** The columns that the table had, in their order. */
  readonly columns: readonly string[]
}

/** What is known of rows before they are read. */
export type KnownOfRows = PastDetails & Pick<KnownRows<unknown>, 'columns'>

/**
 * The same, before it has asked the database: awaited it is the rows with what is known of them;
 * iterated it asks by itself, and the details are there from the first row on.
 */
export interface PendingRows<Row> extends KnownRows<Row>, PromiseLike<KnownRows<Row>> {}

/**
 * @param call Whose rows they are, for messages.
 * @param open Asks the database what is known; called once.
 */
export function pendingRows<Row, Known extends KnownOfRows>(
  call: string,
  open: () => Promise<Known>,
  read: (known: Known) => AsyncGenerator<Row, void, undefined>,
): PendingRows<Row> {
  let asked: Promise<Known> | undefined
  let known: Known | undefined
  const ask = () => {
    asked ??= open().then((answer) => {
      known = answer
      return answer
    })
    return asked
  }
  const told = (): KnownOfRows => {
    if (known) return known
    throw new UsageError(
      `Nothing is known of these rows before the database was asked. Await what ${call} returns, or begin to read.`,
    )
  }
  return {
    async *[Symbol.asyncIterator]() {
      yield* read(await ask())
    },
    // biome-ignore lint/suspicious/noThenProperty: awaited or iterated, as the caller likes
    then: (fulfilled, rejected) =>
      ask()
        .then((answer) => {
          const { columns, complete, since, approximate } = answer
          return {
            [Symbol.asyncIterator]: () => read(answer),
            columns,
            complete,
            since,
            approximate,
          }
        })
        .then(fulfilled, rejected),
    get columns() {
      return told().columns
    },
    get complete() {
      return told().complete
    },
    get since() {
      return told().since
    },
    get approximate() {
      return told().approximate
    },
  }
}
