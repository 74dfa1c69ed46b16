-- The log's housekeeping, to be called about once a day: by a timer in the
-- application, by pg_cron, by hand. Makes partitions ahead, and notes for each
-- tracked table its present name and columns and that its triggers are in
-- place. Returns what it did.
CREATE OR REPLACE FUNCTION :schema.maintain()
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  partitions text[] := ARRAY(SELECT :schema.create_partitions());
  shapes     text[];
BEGIN
  -- tracked now: carries its own trigger, enabled
  WITH live AS (
    SELECT DISTINCT ON (known.id) known.id, class.oid, namespace.nspname, class.relname
    FROM :schema.audit_table AS known
    JOIN pg_trigger AS trigger
      ON trigger.tgfoid = to_regprocedure(format('%I.%I()', :'schema', 'capture_' || known.id))
    JOIN pg_class AS class ON class.oid = trigger.tgrelid
    JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
    WHERE trigger.tgname = :'trigger' AND trigger.tgenabled IN ('O', 'A') AND trigger.tgparentid = 0
    -- an inheritance child calls the function of its parent
    ORDER BY known.id, (SELECT count(*) FROM pg_inherits WHERE inhrelid = class.oid), class.oid
  ), confirmed AS (
    UPDATE :schema.audit_table AS known
    SET confirmed_at = clock_timestamp(), schema_name = live.nspname, table_name = live.relname
    FROM live
    WHERE known.id = live.id
  )
  SELECT coalesce(array_agg(live.oid::regclass::text), '{}')
  INTO shapes
  FROM live
  WHERE :schema.record_shape(live.id, live.oid);

  RETURN jsonb_build_object('partitions', partitions, 'shapes', shapes);
END
$function$;
