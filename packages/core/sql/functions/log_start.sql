-- From when on the log has all that it was told; null where nothing was purged.
CREATE OR REPLACE FUNCTION :schema.log_start()
RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
AS $function$
  -- the first partition begins at MINVALUE: where it is gone, the log was purged
  SELECT min(bound.start)
  FROM (
    SELECT substring(pg_get_expr(partition.relpartbound, partition.oid) FROM $pattern$FROM \('([^']+)'\)$pattern$)::timestamptz AS start
    FROM pg_inherits JOIN pg_class AS partition ON partition.oid = inhrelid
    WHERE inhparent = ':schema.audit_event'::regclass
  ) AS bound
  HAVING count(*) = count(bound.start)
$function$;
