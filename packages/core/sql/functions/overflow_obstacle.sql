-- What keeps the overflow from becoming a partition, and what is to be done; null
-- where nothing does. What a clock wrote that was wrong by that much would make
-- one partition of all that is to come.
CREATE OR REPLACE FUNCTION :schema.overflow_obstacle()
RETURNS TABLE (message text, remedy text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  far timestamptz := clock_timestamp() + interval '10 years';
BEGIN
  IF :schema.is_beyond('audit_event', far) OR :schema.is_beyond('audit_context', far) THEN
    message := 'A clock that was wrong wrote rows of more than ten years ahead, so that the overflow cannot become a partition: all later events go to it.';
    remedy := format(
      'Nothing is lost. As the owner of the log copy these rows elsewhere, delete them, and run maintain() again: DELETE FROM %1$I.audit_event WHERE changed_at > now() + interval ''10 years''; DELETE FROM %1$I.audit_context WHERE started_at > now() + interval ''10 years''.',
      :'schema'
    );
    RETURN NEXT;
  END IF;
END
$function$;
