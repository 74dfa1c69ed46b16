-- The table that a tracked id stands for now: the one that carries its trigger,
-- else the one of its last known name; null where it is gone.
CREATE OR REPLACE FUNCTION :schema.live_table(tracked_id integer)
RETURNS oid
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $function$
BEGIN
  RETURN (
    SELECT coalesce(
      (
        SELECT trigger.tgrelid
        FROM pg_trigger AS trigger
        WHERE trigger.tgfoid = to_regprocedure(format('%I.%I()', :'schema', 'capture_' || tracked_id))
          AND trigger.tgname = :'trigger' AND trigger.tgparentid = 0
          AND :schema.tracked_id(trigger.tgrelid) = $1
        LIMIT 1
      ),
      (
        SELECT class.oid
        FROM :schema.audit_table AS known
        JOIN pg_namespace AS namespace ON namespace.nspname = known.schema_name
        JOIN pg_class AS class ON class.relnamespace = namespace.oid AND class.relname = known.table_name
        WHERE known.id = $1 AND class.relkind IN ('r', 'p')
          AND :schema.tracked_id(class.oid) IS NULL
      )
    )
  );
END
$function$;
