-- A partition that somebody has detached by hand and that maintain puts back: until then
-- the log does not know what it holds. Null where there is none.
CREATE OR REPLACE FUNCTION :schema.missed_partition()
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT part.name
  FROM unnest(ARRAY['audit_event', 'audit_context']) AS log
  CROSS JOIN LATERAL :schema.detached_partitions(log) AS part
  WHERE EXISTS (SELECT FROM :schema.partition_gaps(log))
  LIMIT 1
$function$;
