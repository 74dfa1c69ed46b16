-- Deletes the next events of a purge, at most so many, in the order of partitions
-- and ids; false where none is left. Partitions that hold none of them cost one
-- look at an index.
CREATE OR REPLACE FUNCTION :schema.purge_events(purge_id bigint, size integer)
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
AS $function$
DECLARE
  purge    :schema.audit_purge;
  part     record;
  last     timestamptz;
  after    bigint;
  end_id   bigint;
  is_asked boolean;
  gone     record;
BEGIN
  LOCK TABLE :schema.audit_seal IN SHARE ROW EXCLUSIVE MODE;  -- before any partition, as everywhere
  SELECT * INTO purge FROM :schema.audit_purge WHERE id = purge_id;
  SELECT max(target.value::timestamptz) INTO last FROM jsonb_each_text(purge.targets) AS target;
  FOR part IN
    SELECT known.name, format('%I.%I', :'schema', known.name) AS relation, coalesce(known.since, '-infinity') AS since
    FROM :schema.partitions_of('audit_event') AS known
    WHERE NOT known.is_leaving AND coalesce(known.since, '-infinity') BETWEEN purge.place_since AND last
  LOOP
    CONTINUE WHEN NOT :schema.hold_partition(part.name, 'ROW EXCLUSIVE');
    after := CASE WHEN part.since = purge.place_since THEN purge.place_id ELSE -1 END;
    IF after = -1 THEN
      EXECUTE format(
        'SELECT EXISTS (SELECT FROM jsonb_each_text($1) AS target JOIN %s AS event ON event.table_id = target.key::integer AND event.changed_at < target.value::timestamptz)',
        part.relation
      )
      INTO is_asked
      USING purge.targets;
      CONTINUE WHEN NOT is_asked;
    END IF;
    LOOP
      EXECUTE format(
        'SELECT max(id) FROM (SELECT id FROM %s WHERE id > $1 AND changed_at < $2 ORDER BY id LIMIT $3) AS next', part.relation
      )
      INTO end_id
      USING after, last, size;
      EXIT WHEN end_id IS NULL;
      PERFORM :schema.retire(purge_id, part.relation, purge.targets, after, end_id);
      EXECUTE format(
        $query$
        WITH gone AS (
          DELETE FROM %s AS event
          USING jsonb_each_text($1) AS target
          WHERE event.id > $2 AND event.id <= $3
            AND event.table_id = target.key::integer AND event.changed_at < target.value::timestamptz
          RETURNING event.table_id, pg_column_size(event.*) AS bytes
        ), counted AS (
          SELECT table_id, count(*) AS events, sum(bytes) AS bytes FROM gone GROUP BY table_id
        )
        SELECT coalesce(jsonb_object_agg(table_id, events), '{}') AS counts, coalesce(sum(events), 0) AS events, coalesce(sum(bytes), 0) AS bytes FROM counted
        $query$,
        part.relation
      )
      INTO gone
      USING purge.targets, after, end_id;
      after := end_id;
      IF gone.events > 0 THEN
        UPDATE :schema.audit_purge AS own
        SET place_since = part.since,
          place_id = end_id,
          events = own.events + gone.events,
          bytes = own.bytes + gone.bytes,
          counts = :schema.added_counts(own.counts, gone.counts)
        WHERE own.id = purge_id;
        RETURN true;
      END IF;
    END LOOP;
  END LOOP;
  UPDATE :schema.audit_purge SET place_log = 'audit_context', place_id = -1 WHERE id = purge_id;
  RETURN false;
END
$function$;
