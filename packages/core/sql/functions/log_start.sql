-- From when on the log has partitions; null where it has all. After a purge it has,
-- too: what that took is noted with each table (known_since).
CREATE OR REPLACE FUNCTION :schema.log_start()
RETURNS timestamptz
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
AS $function$
BEGIN
  RETURN (
    WITH bound (text) AS NOT MATERIALIZED (
      SELECT pg_get_expr((SELECT relpartbound FROM pg_class WHERE oid = inhrelid), inhrelid)
      FROM pg_inherits
      WHERE inhparent = ':schema.audit_event'::regclass AND NOT inhdetachpending
    )
    -- the first partition begins at MINVALUE: where it is gone, somebody dropped it
    SELECT CASE WHEN NOT EXISTS (SELECT FROM bound WHERE bound.text LIKE '%FROM (MINVALUE)%') THEN (
      SELECT min(substring(bound.text FROM $pattern$FROM \('([^']+)'\)$pattern$)::timestamptz) FROM bound
    ) END
  );
END
$function$;
