-- Lets a role erase values from the log, and read it: more than to keep the log,
-- for it changes what is recorded.
--   select auditrum.let_erase('privacy');
-- The erasure runs as the owner of the log, so that the role changes nothing else.
CREATE OR REPLACE FUNCTION :schema.let_erase(eraser regrole)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  routine regprocedure;
BEGIN
  PERFORM :schema.let_read(eraser);
  FOR routine IN
    SELECT oid FROM pg_proc
    WHERE pronamespace = ':schema'::regnamespace AND proname = ANY (ARRAY['erase', 'erase_row', 'erase_statistics', 'erase_user'])
  LOOP
    EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %s', routine, eraser);
  END LOOP;
END
$function$;
