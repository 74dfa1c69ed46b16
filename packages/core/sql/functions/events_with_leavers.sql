-- Events with an id behind after, up to until: those of the log, and those in partitions
-- that a purge is dropping.
CREATE OR REPLACE FUNCTION :schema.events_with_leavers(after bigint, until bigint)
RETURNS SETOF :schema.audit_event
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  leaver regclass;
BEGIN
  RETURN QUERY SELECT event.* FROM :schema.audit_event AS event WHERE event.id > after AND event.id <= until;
  FOR leaver IN SELECT * FROM :schema.leaving_partitions() LOOP
    BEGIN
      RETURN QUERY EXECUTE format('SELECT event.* FROM %s AS event WHERE event.id > $1 AND event.id <= $2', leaver) USING after, until;
    EXCEPTION WHEN undefined_table OR syntax_error THEN
      NULL;  -- it has gone meanwhile: then it has no name
    END;
  END LOOP;
END
$function$;
