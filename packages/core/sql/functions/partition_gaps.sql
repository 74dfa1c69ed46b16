-- The times for which a log has no partition, in which a write would have no home:
-- since is null of one that begins with the first of all times.
CREATE OR REPLACE FUNCTION :schema.partition_gaps(log text)
RETURNS TABLE (since timestamptz, until timestamptz)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT part.last_until, part.since
  FROM (
    SELECT known.since, lag(known.until) OVER (ORDER BY known.since NULLS FIRST) AS last_until
    FROM :schema.partitions_of(log) AS known
  ) AS part
  WHERE part.since IS DISTINCT FROM part.last_until AND part.since IS NOT NULL
$function$;
