-- The row that has an object_id now, as the log would hold it; null without one.
CREATE OR REPLACE FUNCTION :schema.live_row(relation oid, object_id text)
RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO'
SET IntervalStyle = 'postgres'
SET extra_float_digits = '1'
SET bytea_output = 'hex'
SET lc_monetary = 'C'
SET array_nulls = on
SET xmloption = content
AS $function$
DECLARE
  live jsonb;
BEGIN
  IF relation IS NOT NULL THEN
    EXECUTE format('SELECT to_jsonb(live.*) FROM %s AS live WHERE %s LIMIT 1', relation::regclass, :schema.live_condition(relation, object_id)) INTO live;
  END IF;
  RETURN live;
END
$function$;
