-- Lets a role keep the log: make partitions, let go of what is old, seal. What it calls
-- runs as the owner of the log, so that it cannot change a single event by itself:
--   select auditrum.let_maintain('operators');
CREATE OR REPLACE FUNCTION :schema.let_maintain(keeper regrole)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  routine regprocedure;
BEGIN
  EXECUTE format('GRANT USAGE ON SCHEMA :schema TO %s', keeper);
  FOR routine IN
    SELECT oid FROM pg_proc
    WHERE pronamespace = ':schema'::regnamespace AND proname = ANY (ARRAY[
      'close_overflow', 'create_partitions', 'maintain', 'maintain_step', 'purge', 'run_maintenance', 'seal'
    ])
  LOOP
    EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %s', routine, keeper);
  END LOOP;
  -- and hear of the log's health
  EXECUTE format(
    'GRANT EXECUTE ON FUNCTION :schema.log_status(), :schema.log_costs(interval, boolean), :schema.hardened(), :schema.conditions() TO %s',
    keeper);
END
$function$;
