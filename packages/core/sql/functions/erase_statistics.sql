-- Gathers the statistics of partitions anew: those that were gathered before an
-- erasure may hold some of what was erased. Returns the partitions of which it
-- could not, because somebody else was at them. To be called when it is committed.
CREATE OR REPLACE FUNCTION :schema.erase_statistics(partitions text[])
RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $function$
DECLARE
  part record;
  left_out text[] := '{}';
BEGIN
  FOR part IN
    -- with the whole where somebody has analyzed that, which no autovacuum does
    SELECT known.name
    FROM unnest(ARRAY['audit_event', 'audit_context']) AS log
    CROSS JOIN LATERAL (
      SELECT own.name FROM :schema.partitions_of(log) AS own WHERE own.name = ANY (partitions)
      UNION ALL
      SELECT log WHERE EXISTS (SELECT FROM pg_stats AS own WHERE own.schemaname = :'schema' AND own.tablename = log)
    ) AS known
  LOOP
    BEGIN
      EXECUTE format('ANALYZE :schema.%I', part.name);
    EXCEPTION WHEN lock_not_available THEN
      left_out := left_out || part.name;
    END;
  END LOOP;
  RETURN left_out;
END
$function$;
