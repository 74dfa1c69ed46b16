-- The partitions of audit_event or audit_context, oldest first, with the times
-- between which they lie: since is null of the first one, until of the overflow.
-- What is being detached (is_leaving) no longer belongs to the log for those
-- who read.
CREATE OR REPLACE FUNCTION :schema.partitions_of(log text)
RETURNS TABLE (name text, relation oid, since timestamptz, until timestamptz, is_leaving boolean)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET "TimeZone" = 'UTC'
SET "DateStyle" = 'ISO'
AS $function$
  SELECT part.relname::text, part.oid,
    CASE log WHEN 'audit_event' THEN bound.texts[1]::timestamptz ELSE to_timestamp((bound.texts[1]::bigint >> 20) / 1000.0) END AS since,
    CASE log WHEN 'audit_event' THEN bound.texts[2]::timestamptz ELSE to_timestamp((bound.texts[2]::bigint >> 20) / 1000.0) END,
    inherits.inhdetachpending
  FROM pg_inherits AS inherits
  JOIN pg_class AS part ON part.oid = inherits.inhrelid
  CROSS JOIN LATERAL regexp_matches(
    pg_get_expr(part.relpartbound, part.oid), $pattern$FROM \((?:MINVALUE|'([^']+)')\) TO \((?:MAXVALUE|'([^']+)')\)$pattern$
  ) AS bound (texts)
  WHERE inherits.inhparent = to_regclass(format('%I.%I', :'schema', log))
  ORDER BY since NULLS FIRST
$function$;
