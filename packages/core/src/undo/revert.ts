import { withChangeReason } from '../context/context.js'
import { ConflictError, sqlStateOf, UsageError } from '../errors.js'
import { checkFlag, checkOptions, show } from '../options.js'
import { type Queryable, rowsOf } from '../queryable.js'
import { render } from '../sql/template.js'
import { conflicting } from './conflict.js'
import { type Reversal, toReversal, type UndoLine } from './reversal.js'
import { type RevertTarget, targetOf } from './target.js'

/** What `revert` may be told. */
export interface RevertOptions {
  /**
   * Looks only: rows are locked and compared, nothing is written.
   *
   * @defaultValue `false`
   */
  readonly dryRun?: boolean | undefined
  /**
   * What becomes of a row that was changed since: nothing at all is undone (`'fail'`), the row is left
   * as it is and the others are undone (`'skip'`), or the later change is overwritten (`'force'`).
   *
   * @defaultValue `'fail'`
   */
  readonly onConflict?: 'fail' | 'skip' | 'force' | undefined
}

/** Undoes an event, a transaction, a root or a request in one statement, hence one transaction. */
export async function revert(
  queryable: Queryable,
  schema: string,
  target: RevertTarget,
  options: RevertOptions = {},
): Promise<Reversal> {
  checkOptions('revert', options, ['dryRun', 'onConflict'])
  const { dryRun = false, onConflict = 'fail' } = options
  checkFlag('revert', 'dryRun', dryRun)
  if (!['fail', 'skip', 'force'].includes(onConflict)) {
    throw new UsageError(
      `revert was given onConflict: ${show(onConflict)}. Give 'fail', 'skip' or 'force'.`,
    )
  }
  const { values, reason } = targetOf(target)
  const lines = await withChangeReason(reason, () =>
    rowsOf<UndoLine>(queryable, render('undo/undo', schema), [
      ...values,
      String(dryRun),
      onConflict,
    ]),
  ).catch((error: unknown) => {
    throw brokenConstraint(error)
  })
  const reversal = toReversal(lines, dryRun)
  if (!dryRun && lines.some(({ part }) => part === 'refused')) throw conflicting(reversal)
  return reversal
}

/** What the database itself refuses at the end: a foreign key, a unique value, a check. */
function brokenConstraint(error: unknown): unknown {
  if (!sqlStateOf(error)?.startsWith('23')) return error
  const { message, detail } = error as { readonly message?: unknown; readonly detail?: unknown }
  const what = typeof detail === 'string' ? `${message} (${detail})` : String(message)
  return new ConflictError(
    `Nothing was undone, because the rows would not fit the others: ${what.replace(/\.+(?=\)?$)/, '')}. Undo what was changed since first, or more of it at once.`,
    { cause: error },
  )
}
