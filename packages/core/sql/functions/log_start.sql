-- From when on the log has all that it was told; null where nothing was purged.
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
      WHERE inhparent = ':schema.audit_event'::regclass
    )
    -- the first partition begins at MINVALUE: where it is gone, the log was purged
    SELECT CASE WHEN NOT EXISTS (SELECT FROM bound WHERE bound.text LIKE '%FROM (MINVALUE)%') THEN (
      SELECT min(substring(bound.text FROM $pattern$FROM \('([^']+)'\)$pattern$)::timestamptz) FROM bound
    ) END
  );
END
$function$;
