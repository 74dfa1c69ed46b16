-- The time with which the overflow partition of audit_event or audit_context
-- begins: up to there partitions were made ahead. Null before the
-- first one was made.
CREATE OR REPLACE FUNCTION :schema.overflow_start(log text)
RETURNS timestamptz
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET "TimeZone" = 'UTC'
SET "DateStyle" = 'ISO'
AS $function$
  SELECT CASE log
    WHEN 'audit_event' THEN bound::timestamptz
    WHEN 'audit_context' THEN to_timestamp((bound::bigint >> 20) / 1000.0)
  END
  FROM (
    SELECT substring(pg_get_expr(relpartbound, oid) FROM $pattern$FROM \('([^']+)'\)$pattern$) AS bound
    FROM pg_class
    WHERE oid = to_regclass(format('%I.%I', :'schema', log || '_overflow'))
  ) AS overflow
$function$;
