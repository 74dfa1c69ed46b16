-- The rows that are to be written.
CREATE OR REPLACE FUNCTION :schema.undo_pending(rows jsonb[])
RETURNS SETOF jsonb
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT document FROM unnest(rows) AS own (document) WHERE document ->> 'outcome' IN ('planned', 'forced')
$function$;
