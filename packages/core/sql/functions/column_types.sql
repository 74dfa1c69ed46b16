-- The types that columns_over_time tells, of one table at one time.
CREATE OR REPLACE FUNCTION :schema.column_types(tracked_id integer, at timestamptz)
RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT known.types
  FROM :schema.columns_over_time(ARRAY[tracked_id]) AS known
  WHERE known.since <= at
  ORDER BY known.since DESC
  LIMIT 1
$function$;
