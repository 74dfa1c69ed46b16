-- The rows that cannot go because others refer to them, as undo_references has found them.
CREATE OR REPLACE FUNCTION :schema.undo_referenced(rows jsonb[], found jsonb[])
RETURNS SETOF jsonb
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT own.document || jsonb_build_object('outcome', 'skipped', 'conflicts', own.document -> 'conflicts' || jsonb_agg(jsonb_build_object(
    'column', NULL, 'expected', NULL, 'present', own.document -> 'live', 'wanted', NULL, 'referrer', met.document -> 'referrer'
  )))
  FROM unnest(rows) AS own (document)
  JOIN unnest(found) AS met (document) ON met.document -> 'n' = own.document -> 'n'
  GROUP BY own.document
$function$;
