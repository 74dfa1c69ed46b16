-- Drops the triggers, the capture function and the label of a table, by its id: also of
-- one that is gone. Returns false where nothing was left to drop.
CREATE OR REPLACE FUNCTION :schema.drop_capture(tracked_id integer)
RETURNS boolean
LANGUAGE plpgsql STRICT
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  capture regprocedure := to_regprocedure(format('%I.%I()', :'schema', 'capture_' || tracked_id));
  trigger record;
BEGIN
  LOCK TABLE :schema.audit_setting IN SHARE ROW EXCLUSIVE MODE;  -- one at a time; an advisory lock could be held by anybody
  FOR trigger IN
    SELECT tgname AS name, tgrelid::regclass AS table_name
    FROM pg_trigger
    WHERE tgfoid = capture AND tgparentid = 0  -- clones go with their parent
  LOOP
    EXECUTE format('DROP TRIGGER %I ON %s', trigger.name, trigger.table_name);
  END LOOP;
  IF capture IS NOT NULL THEN
    EXECUTE format('DROP FUNCTION %s', capture);
  END IF;
  PERFORM :schema.set_label(tracked_id, NULL);
  UPDATE :schema.audit_table
  SET tracked = tracked * tstzmultirange(tstzrange(NULL, clock_timestamp())), confirmed_at = clock_timestamp()
  WHERE id = tracked_id AND upper_inf(tracked);
  RETURN capture IS NOT NULL;
END
$function$;
