-- Where a time lies in the partitions of audit_event (a time) or audit_context
-- (the first id of that time), as the text of a partition bound.
CREATE OR REPLACE FUNCTION :schema.partition_bound(log text, at timestamptz)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET "TimeZone" = 'UTC'
SET "DateStyle" = 'ISO'
AS $function$
  SELECT CASE log
    WHEN 'audit_event' THEN at::text
    WHEN 'audit_context' THEN ((extract(epoch FROM at) * 1000)::bigint << 20)::text
  END
$function$;
