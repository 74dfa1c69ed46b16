-- Where somebody dropped partitions by hand: the log remembers that it knows
-- nothing of what was before, and has a partition for all times again. Returns the
-- names of the new ones.
DROP FUNCTION IF EXISTS :schema.mend_log();  -- it returned nothing
CREATE OR REPLACE FUNCTION :schema.mend_log()
RETURNS SETOF text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  since timestamptz := (SELECT max(gap.until) FROM :schema.partition_gaps('audit_event') AS gap);
BEGIN
  IF EXISTS (SELECT FROM :schema.audit_purge WHERE finished_at IS NULL) THEN
    RETURN;  -- it was a purge, which mends that itself, and knows better what is gone
  END IF;
  IF since IS NOT NULL THEN
    UPDATE :schema.audit_table SET purged_until = greatest(purged_until, since);
  END IF;
  RETURN QUERY SELECT :schema.mend_start('audit_event');
  RETURN QUERY SELECT :schema.mend_start('audit_context');
END
$function$;
