-- Whether each row that a table had at a time, just before an event, is in an
-- event of its own: it was empty, or its rows were noted, when its recording
-- began that went on until then.
CREATE OR REPLACE FUNCTION :schema.rows_known(tracked_id integer, before bigint, at timestamptz)
RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT coalesce(bool_or(
    NOT known.declaration ? 'when' AND (
      known.rows_known_since BETWEEN began.at AND $3
      OR known.rows_noted_at BETWEEN began.at AND $3 AND known.rows_noted_at > counts.since
      OR EXISTS (
        SELECT FROM :schema.audit_event AS event
        WHERE event.table_id = $1 AND event.id < before AND event.changed_at >= began.at
          AND (event.operation = 'T' AND event.meta IS NULL OR event.operation = 'S' AND event.changed_at > counts.since)
      )
    )
  ), false)
  FROM :schema.audit_table AS known
  CROSS JOIN LATERAL unnest(known.tracked) AS period (range)
  -- rows with an event were not noted, and it may have been purged since
  CROSS JOIN LATERAL (
    SELECT CASE WHEN :schema.known_since(known.id) IS NULL THEN '-infinity' ELSE coalesce(
      (SELECT max(coalesce(purge.finished_at, 'infinity')) FROM :schema.audit_purge AS purge WHERE purge.targets ? known.id::text), 'infinity'
    ) END AS since
  ) AS counts
  CROSS JOIN LATERAL (SELECT greatest(lower(period.range), :schema.known_since(known.id)) AS at) AS began
  WHERE known.id = tracked_id AND period.range @> $3
$function$;
