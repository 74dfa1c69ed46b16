-- The rows that cannot go because others refer to them, as undo_references has found them.
CREATE OR REPLACE FUNCTION :schema.undo_referenced(rows jsonb[], found jsonb[])
RETURNS SETOF jsonb
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT own.document || jsonb_build_object(
    'outcome', 'skipped',
    'refused', 'rows that row security hides may refer to it, by '
      || string_agg(met.document ->> 'referrer', ', ') FILTER (WHERE (met.document -> 'hides')::boolean) || ', which would delete or change them',
    'conflicts', own.document -> 'conflicts' || coalesce(jsonb_agg(jsonb_build_object(
      'column', NULL, 'expected', NULL, 'present', own.document -> 'live', 'wanted', NULL, 'referrer', met.document -> 'referrer'
    )) FILTER (WHERE NOT (met.document -> 'hides')::boolean), '[]')
  )
  FROM unnest(rows) AS own (document)
  JOIN unnest(found) AS met (document) ON met.document -> 'n' = own.document -> 'n'
  GROUP BY own.document
$function$;
