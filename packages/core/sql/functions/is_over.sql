-- Whether a time has come. It is no constant, and is declared as one on purpose,
-- for a constraint that must give way by itself (close_overflow): PostgreSQL
-- puts the value in its place whenever it plans.
CREATE OR REPLACE FUNCTION :schema.is_over(at timestamptz)
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  RETURN clock_timestamp() >= at;
END
$function$;
