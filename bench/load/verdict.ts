// The log against what the clients were told, and against the rows themselves.
import type pg from 'pg'

/** Numbers of what must not be. */
export interface Verdict {
  /** Events of what was said to be committed that are not in the log. */
  readonly lost: number
  /** Events of what was said to be undone, twice, or of half a transaction. */
  readonly surplus: number
  /** Events without a context, or of a change that no request made; contexts without an event. */
  readonly orphaned: number
  /** Events whose user or request is not the one that wrote the row. */
  readonly misattributed: number
  /** Rows that are not as their last event says. */
  readonly different: number
}

const COUNTED = `
  with event as materialized (
    select context_id is null or metadata is null as lacks_context, user_id, metadata ->> 'request_id' as request_id,
      coalesce(new_data, old_data) as row
    from auditrum.auditlog
  ), found as (
    select row ->> 'request' as request, (row ->> 'step')::int as step, count(*) as events,
      count(*) filter (where lacks_context) as lacking,
      count(*) filter (where not lacks_context
        and (user_id is distinct from row ->> 'actor' or request_id is distinct from row ->> 'request')) as strange,
      min(row ->> 'actor') as actor
    from event group by 1, 2
  )
  select
    coalesce(sum(greatest(told.events - coalesce(found.events, 0), 0)) filter (where outcome = 'committed'), 0)::int as lost,
    coalesce(sum(case outcome
      when 'committed' then greatest(found.events - told.events, 0)
      when 'rolled back' then found.events
      when 'unknown' then case when found.events <> told.events then found.events end
    end), 0)::int as surplus,
    (coalesce(sum(found.lacking), 0) + coalesce(sum(found.events) filter (where told.request is null), 0))::int
      + (select count(*)::int from auditrum.audit_context as context
         where not exists (select from auditrum.audit_event as event where event.context_id = context.id)) as orphaned,
    coalesce(sum(case when found.actor is distinct from told.actor then found.events else found.strange end), 0)::int as misattributed,
    coalesce(sum(found.events), 0)::int as events,
    count(*) filter (where outcome = 'committed')::int as committed,
    count(*) filter (where outcome = 'rolled back')::int as "rolled back",
    count(*) filter (where outcome = 'unknown')::int as unknown
  from told full join found using (request, step)`

const DIFFERENT = (table: string) => `
  select count(*)::int as different
  from (
    select distinct on (object_id) object_id, new_data as row
    from auditrum.auditlog where table_name = '${table}' order by object_id, id desc
  ) as last
  full join (select id::text as object_id, to_jsonb(live) as row from ${table} as live where request is not null) as live using (object_id)
  where last.row is distinct from live.row`

/** Counts. */
export async function verdict(
  client: pg.Client,
): Promise<Verdict & { readonly events: number; readonly transactions: Record<string, number> }> {
  await client.query('analyze')
  const { lost, surplus, orphaned, misattributed, events, ...transactions } = (
    await client.query(COUNTED)
  ).rows[0]
  let different = 0
  for (const table of ['entries', 'accounts']) {
    different += (await client.query(DIFFERENT(table))).rows[0].different
  }
  return { lost, surplus, orphaned, misattributed, different, events, transactions }
}
