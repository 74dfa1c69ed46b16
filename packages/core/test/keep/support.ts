import type { AuditedDatabase } from '../support.js'

/**
 * As if partitions had been made so many months ago, for the last time: the overflow of both logs begins
 * with this month, or that many before it.
 */
export async function lateBy(database: AuditedDatabase, months: number): Promise<void> {
  await database.query(`do $$
    declare
      log text;
      part record;
      bound timestamptz := (date_trunc('month', now() at time zone 'UTC') - interval '${months} months') at time zone 'UTC';
    begin
      foreach log in array array['audit_event', 'audit_context'] loop
        for part in select * from auditrum.partitions_of(log) loop
          execute format('drop table auditrum.%I', part.name);
        end loop;
        execute format('create table auditrum.%I partition of auditrum.%I for values from (minvalue) to (%L)',
          log || '_first', log, auditrum.partition_bound(log, bound));
        execute format('create table auditrum.%I partition of auditrum.%I for values from (%L) to (maxvalue)',
          log || '_overflow', log, auditrum.partition_bound(log, bound));
      end loop;
    end $$`)
}

/** Moves what is in the log into the past, to where it would have been. */
export async function age(
  database: AuditedDatabase,
  by: string,
  condition = 'true',
): Promise<void> {
  await database.query(`
    create temporary table moved as
      select id, (extract(epoch from '${by}'::interval) * 1000)::bigint << 20 as shift from auditrum.audit_context
      where id in (select context_id from auditrum.audit_event as event where ${condition});
    update auditrum.audit_event as event set changed_at = changed_at - '${by}'::interval,
      context_id = context_id - (extract(epoch from '${by}'::interval) * 1000)::bigint * 1048576
      where ${condition};
    update auditrum.audit_context as context set id = context.id - moved.shift, transaction_id = context.transaction_id - moved.shift,
      started_at = started_at - '${by}'::interval
      from moved where moved.id = context.id;
    drop table moved`)
}

/** A partition for this year, and each of the three before it, instead of this month's. */
export async function splitByYear(database: AuditedDatabase): Promise<void> {
  await database.query(`do $$
    declare
      log text;
      months text[];
      month text;
      year integer;
      this integer := extract(year from now());
      bound timestamptz;
      start timestamptz := make_timestamptz(this - 3, 1, 1, 0, 0, 0, 'UTC');
    begin
      foreach log in array array['audit_event', 'audit_context'] loop
        select array_agg(name), max(until) into months, bound from auditrum.partitions_of(log) where since is null or since <= now();
        foreach month in array months loop
          execute format('alter table auditrum.%I detach partition auditrum.%I', log, month);
        end loop;
        execute format('create table auditrum.%I partition of auditrum.%I for values from (minvalue) to (%L)',
          log || '_before_' || (this - 3) || '_01_01', log, auditrum.partition_bound(log, start));
        for year in this - 3 .. this loop
          execute format('create table auditrum.%I partition of auditrum.%I for values from (%L) to (%L)', log || year, log,
            auditrum.partition_bound(log, make_timestamptz(year, 1, 1, 0, 0, 0, 'UTC')),
            auditrum.partition_bound(log, case year when this then bound else make_timestamptz(year + 1, 1, 1, 0, 0, 0, 'UTC') end));
        end loop;
        foreach month in array months loop
          execute format('insert into auditrum.%I select * from auditrum.%I', log, month);
          execute format('drop table auditrum.%I', month);
        end loop;
      end loop;
    end $$`)
}
