-- column_history, from where the row's events are: column_history needs the
-- caller's search_path, for the name of the table, and this needs none.
DROP FUNCTION IF EXISTS :schema.column_periods(integer, text, text, bigint[], timestamptz[]);  -- it did not return erased
CREATE OR REPLACE FUNCTION :schema.column_periods(tracked_id integer, object_id text, column_name text, events bigint[], times timestamptz[])
RETURNS TABLE (
  value         jsonb,
  since         timestamptz,
  until         timestamptz,
  event_id      bigint,
  operation     text,
  user_id       text,
  change_reason text,
  source        text,
  db_user       text,
  masked        boolean,
  erased        boolean
)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  WITH past AS MATERIALIZED (
    -- under the column names of the last shape that had this one
    SELECT live.relation, :schema.past_columns(
      $1, live.relation, jsonb_build_object('at', coalesce((shape.document ->> 'from')::timestamptz, statement_timestamp())), false
    ) AS document
    FROM (SELECT :schema.live_table($1) AS relation) AS live
    CROSS JOIN LATERAL jsonb_array_elements(:schema.table_past($1, live.relation) -> 'shapes') WITH ORDINALITY AS shape (document, position)
    WHERE jsonb_path_exists(shape.document, '$.columns[*] ? (@.name == $name)', jsonb_build_object('name', $3))
    ORDER BY shape.position DESC
    LIMIT 1
  ), event AS MATERIALIZED (
    SELECT log.id, log.changed_at, log.operation, log.user_id, log.change_reason, log.source, log.db_user,
      coalesce(before.exact -> $3, before.loose -> $3) AS before,
      coalesce(after.exact -> $3, after.loose -> $3) AS after,
      EXISTS (
        SELECT FROM unnest(log.masked) AS name WHERE past.document -> 'shapes' -> coalesce(after.shape, before.shape) -> 'map' ->> name = $3
      ) AS masked,
      EXISTS (
        SELECT FROM unnest(log.redacted) AS name WHERE past.document -> 'shapes' -> coalesce(after.shape, before.shape) -> 'map' ->> name = $3
      ) AS erased
    FROM past
    CROSS JOIN LATERAL :schema.events_at($4, $5) AS log
    CROSS JOIN LATERAL :schema.past_image(past.document, log.old_data, log.image = 'full', log.changed_at) AS before
    CROSS JOIN LATERAL :schema.past_image(past.document, log.new_data, log.image = 'full', log.changed_at) AS after
    WHERE log.operation <> 'truncate' OR log.meta IS NULL
  ), older AS (
    -- what it was before the log tells of a change
    (
      SELECT coalesce(event.before, event.after) AS value, event.masked AND event.before IS NULL AS masked, event.erased AND event.before IS NULL AS erased, event.operation
      FROM event
      WHERE event.before IS NOT NULL OR event.after IS NOT NULL OR event.masked
      ORDER BY event.id
      LIMIT 1
    )
    UNION ALL
    SELECT :schema.live_row(past.relation, $2) -> (part ->> 'live'), false, false, 'update'
    FROM past CROSS JOIN LATERAL jsonb_array_elements(past.document -> 'columns') AS part
    WHERE part ->> 'name' = $3
      AND NOT past.document -> 'unrecorded' ? $3  -- nobody knows since when it has this value
      AND NOT EXISTS (SELECT FROM event WHERE event.before IS NOT NULL OR event.after IS NOT NULL OR event.masked)
  ), point AS (
    SELECT older.value, NULL::timestamptz AS since, 0::bigint AS id, NULL::text AS operation, NULL::text AS user_id,
      NULL::text AS change_reason, NULL::text AS source, NULL::text AS db_user, older.masked, older.erased, false AS is_end
    FROM older
    WHERE older.operation NOT IN ('insert', 'snapshot') AND older.value IS NOT NULL OR older.masked AND older.operation <> 'insert'
    UNION ALL
    -- a snapshot tells that it was so, not since when, nor by whom
    SELECT event.after, CASE WHEN known.by_whom OR event.id > (SELECT min(id) FROM event) THEN event.changed_at END, event.id, event.operation,
      CASE WHEN known.by_whom THEN event.user_id END, CASE WHEN known.by_whom THEN event.change_reason END,
      CASE WHEN known.by_whom THEN event.source END, CASE WHEN known.by_whom THEN event.db_user END,
      event.masked, event.erased, event.operation IN ('delete', 'truncate')
    FROM event CROSS JOIN LATERAL (SELECT event.operation <> 'snapshot' AS by_whom) AS known
    WHERE event.operation IN ('delete', 'truncate') OR event.masked
      OR event.after IS NOT NULL AND (event.operation <> 'update' OR event.after::text IS DISTINCT FROM event.before::text)
  ), told AS (
    SELECT point.*, lag(point.value::text) OVER (ORDER BY point.id) AS former
    FROM point
  ), period AS (
    SELECT told.*, lead(told.since) OVER (ORDER BY told.id) AS until
    FROM told
    -- behind a gap in the trail a row may be found as it was
    WHERE told.operation IS DISTINCT FROM 'snapshot' OR told.former IS DISTINCT FROM told.value::text
  )
  SELECT period.value, period.since, period.until, nullif(period.id, 0), period.operation, period.user_id,
    period.change_reason, period.source, period.db_user, period.masked, period.erased
  FROM period
  WHERE NOT period.is_end
  ORDER BY period.id
$function$;
