-- The partitions of a log, from the oldest on, that a purge leaves nothing of: as
-- far as they hold nothing but what is to go. From the oldest on, so that no gap
-- is left between partitions in which a write would have no home.
--
--   targets   {table_id: until}
--   before    contexts older than this go, unless an event needs them
--   only_one  the first of them is asked for alone
CREATE OR REPLACE FUNCTION :schema.droppable_partitions(log text, targets jsonb, before timestamptz, only_one boolean)
RETURNS TABLE (name text, rows bigint, counts jsonb, bytes bigint)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
#variable_conflict use_variable
DECLARE
  last  timestamptz := CASE log WHEN 'audit_context' THEN before ELSE (
    SELECT max(target.value::timestamptz) FROM jsonb_each_text(targets) AS target
  ) END;
  part  record;
  stays boolean;
  start record;  -- the first partition, if it is empty: it is worth replacing with another one alone
BEGIN
  FOR part IN SELECT * FROM :schema.partitions_of(log) AS known WHERE NOT known.is_leaving LOOP
    EXIT WHEN part.until IS NULL OR last IS NULL OR part.until > last;
    IF log = 'audit_context' THEN
      EXIT WHEN :schema.purge_needs(
        targets,
        coalesce(:schema.partition_bound(log, part.since)::bigint, 0),
        :schema.partition_bound(log, part.until)::bigint
      );
      EXECUTE format('SELECT count(*) FROM %s', part.relation::regclass) INTO rows;
      counts := '{}';
    ELSE
      -- found at once where most is to stay; counting takes a look at all
      EXECUTE format(
        'SELECT EXISTS (SELECT FROM %s WHERE NOT coalesce(($1 ->> table_id::text)::timestamptz >= $2, false))', part.relation::regclass
      )
      INTO stays
      USING targets, part.until;
      EXIT WHEN stays;
      EXECUTE format(
        'SELECT coalesce(jsonb_object_agg(table_id, number), ''{}''), coalesce(sum(number), 0) FROM (SELECT table_id, count(*) AS number FROM %s GROUP BY table_id) AS counted',
        part.relation::regclass
      )
      INTO counts, rows;
    END IF;
    name := part.name;
    bytes := pg_total_relation_size(part.relation);
    IF part.since IS NULL AND rows = 0 THEN
      start := (name, rows, counts, bytes);
      CONTINUE;
    END IF;
    IF start IS NOT NULL THEN
      RETURN QUERY SELECT start.f1, start.f2, start.f3, start.f4;
      EXIT WHEN only_one;
      start := NULL;
    END IF;
    RETURN NEXT;
    EXIT WHEN only_one;
  END LOOP;
END
$function$;
