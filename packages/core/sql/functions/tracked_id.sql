-- The id of a table that is tracked now, from the trigger that it carries;
-- null when it has none of its own. A child calls its parent's function, and
-- still does when it has left the parent (NO INHERIT): of several tables
-- without a parent that does, the function is that of the oldest trigger.
CREATE OR REPLACE FUNCTION :schema.tracked_id(relation oid)
RETURNS integer
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $function$
BEGIN
  RETURN (
    SELECT substr(function.proname, length('capture_') + 1)::integer
    FROM pg_trigger AS trigger
    JOIN pg_proc AS function ON function.oid = trigger.tgfoid
    JOIN pg_namespace AS namespace ON namespace.oid = function.pronamespace
    WHERE trigger.tgrelid = relation
      AND trigger.tgname = :'trigger'
      AND namespace.nspname = :'schema'
      AND function.proname ~ '^capture_[0-9]+$'
      AND NOT EXISTS (
        SELECT
        FROM pg_trigger AS older
        WHERE older.tgfoid = trigger.tgfoid AND older.tgname = trigger.tgname AND older.tgparentid = 0
          AND older.oid < trigger.oid
          AND NOT EXISTS (
            SELECT FROM pg_inherits
            JOIN pg_trigger AS above ON above.tgrelid = inhparent AND above.tgfoid = older.tgfoid
            WHERE inhrelid = older.tgrelid
          )
      )
      AND NOT EXISTS (
        SELECT FROM pg_inherits
        JOIN pg_trigger AS above ON above.tgrelid = inhparent AND above.tgfoid = trigger.tgfoid
        WHERE inhrelid = relation
      )
    LIMIT 1
  );
END
$function$;
