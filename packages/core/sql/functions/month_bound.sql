-- Where a month begins in the partitions of audit_event (a time) or
-- audit_context (the first id of that time), as the text of a partition bound.
CREATE OR REPLACE FUNCTION :schema.month_bound(log text, month timestamptz)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET "TimeZone" = 'UTC'
AS $function$
  SELECT CASE log
    WHEN 'audit_event' THEN month::text
    WHEN 'audit_context' THEN ((extract(epoch FROM month) * 1000)::bigint << 20)::text
  END
$function$;
