-- Seals the next block: at most so many events of transactions that are over now
-- and were not when the last round began. A round of more events than that is
-- several blocks with the same snapshot, in the order of their ids.
-- Returns {block, events, more, begins}: block is null where there was nothing to
-- seal, begins tells whether a round began with it.
--
-- It reads what is new by its ids, and goes back to earlier ones only for
-- transactions that were running then: one that runs for long holds up nothing.
-- Of these a snapshot names only those whose ids are below its end, which is behind
-- the last one that was over; others may have had events by then as well.
CREATE OR REPLACE FUNCTION :schema.seal_block(max_events integer)
RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET jit = off
SET client_encoding = 'UTF8'  -- as leaf_query wants it
SET enable_nestloop = off  -- the newest events are in no statistics: one would be expected of thousands
SET enable_bitmapscan = off  -- the BRIN index tells little of rows that were updated
SET TimeZone = 'UTC'  -- or times that are put into a query may be others there
SET enable_sort = off  -- by ids that are read in order, or each block reads all that is left
AS $function$
DECLARE
  -- where transaction ids do not tell, because they began anew in another cluster
  new_to_chain CONSTANT text := $condition$
    NOT EXISTS (
      SELECT FROM :schema.audit_leaf AS leaf
      WHERE leaf.first_id <= leaf.last_id AND leaf.last_id < 9223372036854775807 AND int8range(leaf.first_id, leaf.last_id, '[]') @> event.id AND event.id = ANY (leaf.ids)
    )
  $condition$;
  until      record;             -- the last round: what is sealed
  last       record;             -- the last block, or where the chain begins here
  goes_on    boolean;            -- the round that the last block belongs to
  restored   boolean;            -- the first one after the log has moved to this cluster
  sequence   bigint;
  snapshot   pg_snapshot;
  own        xid8;
  after      bigint := -1;       -- where the last block of this round ended
  finished   xid8[];             -- what was running then, and is over
  first      xid8;               -- the oldest that may have been running then
  round      record;
  last_reach bigint;
  reach      bigint := 0;        -- behind which their events are
  query      text;
  chosen     record;
  quickly    boolean;
  made       record;
  new_id     bigint;
BEGIN
  SELECT * INTO until FROM :schema.sealed_until();
  SELECT own.id, said INTO last
  FROM :schema.audit_seal AS own CROSS JOIN LATERAL :schema.read_entry(own.id, own.entry) AS said
  WHERE own.entry ->> 'kind' IN ('start', 'block', 'rebase') AND said IS NOT NULL
  ORDER BY own.id DESC
  LIMIT 1;
  goes_on := last.id <> until.entry;
  restored := goes_on AND (last.said ->> 'incarnation')::integer <> until.incarnation;
  IF goes_on THEN
    sequence := last.said ->> 'sequence';
    snapshot := last.said ->> 'snapshot';
    after := coalesce((last.said ->> 'last')::bigint, -1);
  ELSE
    -- in this order, and as two statements: see sealed_until
    sequence := until.sequence;
    IF pg_current_xact_id_if_assigned() IS NULL THEN
      -- it never falls, also where somebody has set it back
      SELECT greatest(CASE WHEN is_called THEN last_value ELSE last_value - 1 END, until.sequence) INTO sequence FROM :schema.audit_event_id_seq;
    END IF;
    snapshot := pg_current_snapshot();
    own := pg_current_xact_id_if_assigned();
    IF pg_visible_in_snapshot(own, snapshot) THEN
      -- to a snapshot its own transaction is over, but there may be more of it
      snapshot := format(
        '%s:%s:%s', least(own, pg_snapshot_xmin(snapshot)), pg_snapshot_xmax(snapshot),
        (SELECT string_agg(running::text, ',' ORDER BY running) FROM (SELECT pg_snapshot_xip(snapshot) UNION ALL SELECT own) AS open (running))
      )::pg_snapshot;
    END IF;
  END IF;

  finished := ARRAY(
    SELECT running FROM pg_snapshot_xip(until.snapshot) AS running WHERE restored OR pg_visible_in_snapshot(running, snapshot)
  );
  first := coalesce((SELECT running FROM unnest(finished) AS running ORDER BY running LIMIT 1), pg_snapshot_xmax(until.snapshot));
  -- the sequence before the last one of the rounds that ended before it: see sealed_until
  FOR round IN
    SELECT (said ->> 'incarnation')::integer AS incarnation, (said ->> 'sequence')::bigint AS sequence,
      pg_snapshot_xmax((said ->> 'snapshot')::pg_snapshot) AS xmax
    FROM :schema.audit_seal AS own CROSS JOIN LATERAL :schema.read_entry(own.id, own.entry) AS said
    WHERE own.id <= until.entry AND own.entry ->> 'kind' IN ('start', 'block', 'rebase') AND said IS NOT NULL
    ORDER BY own.id DESC
  LOOP
    CONTINUE WHEN round.incarnation = until.incarnation AND round.xmax > first OR round.incarnation > until.incarnation;
    last_reach := coalesce(last_reach, round.sequence);
    IF round.sequence < last_reach OR round.incarnation < until.incarnation THEN
      reach := round.sequence;
      EXIT;
    END IF;
  END LOOP;

  -- with the values in it: partitions are left out by them when it is planned
  query := format(
    '(SELECT id, changed_at, context_id, salt FROM :schema.audit_event AS event WHERE id > %L AND %s ORDER BY id LIMIT %s + 1)',
    greatest(until.sequence, after),
    -- behind the sequence is also what was committed between it and the snapshot
    CASE WHEN restored THEN format('(id <= %L OR pg_visible_in_snapshot(txid, %L)) AND %s', sequence, snapshot, new_to_chain)
      -- the last round has sealed what was over by its snapshot, also what had its id behind its sequence
      ELSE format('pg_visible_in_snapshot(txid, %L) AND NOT pg_visible_in_snapshot(txid, %L)', snapshot, until.snapshot) END,
    max_events
  );
  query := query || format(
    ' UNION ALL (SELECT id, changed_at, context_id, salt FROM :schema.audit_event AS event WHERE id > %L AND id <= %L AND (txid = ANY (%L::xid8[])%s) AND %s ORDER BY id LIMIT %s + 1)',
    greatest(reach, after), until.sequence, finished,
    CASE WHEN NOT restored THEN format(' OR txid >= %L AND pg_visible_in_snapshot(txid, %L)', pg_snapshot_xmax(until.snapshot), snapshot) END,
    new_to_chain,
    max_events
  );
  EXECUTE format(
    $query$
    SELECT (array_agg(id ORDER BY id))[:%2$s] AS ids, (array_agg(changed_at ORDER BY id))[:%2$s] AS times,
      min(changed_at) AS since, max(changed_at) AS until, array_agg(DISTINCT context_id) AS contexts,
      coalesce(bool_or(salt IS NULL), false) AS unsalted, count(*) > %2$s AS more
    FROM (SELECT * FROM (%1$s) AS unsealed ORDER BY id LIMIT %2$s + 1) AS next
    $query$,
    query, max_events
  ) INTO chosen;
  IF chosen.ids IS NULL AND NOT goes_on THEN
    RETURN jsonb_build_object('block', NULL, 'events', 0, 'more', false, 'begins', true);
  END IF;

  IF chosen.unsalted THEN
    -- from before the log was sealed
    UPDATE :schema.audit_event AS event
    SET salt = uuid_send(gen_random_uuid())
    FROM unnest(chosen.ids, chosen.times) AS own (id, changed_at)
    WHERE event.id = own.id AND event.changed_at = own.changed_at AND event.salt IS NULL;
  END IF;
  FOREACH quickly IN ARRAY ARRAY[true, false] LOOP
    BEGIN
      EXECUTE format(
        $query$
        -- hashed before they are sorted, or whole rows would be
        WITH hashed AS MATERIALIZED (%s)
        SELECT coalesce((SELECT string_agg(leaf, ''::bytea ORDER BY id, changed_at) FROM hashed), '') AS hashes,
          ARRAY(SELECT DISTINCT table_id FROM hashed) AS tables,
          EXISTS (SELECT FROM hashed WHERE leaf IS NULL) AS is_unfit
        $query$,
        :schema.leaf_query(
          ':schema.audit_event AS event',
          format(
            'event.id = ANY ($1) AND event.id BETWEEN %L AND %L AND event.changed_at BETWEEN %L AND %L',
            chosen.ids[1], chosen.ids[cardinality(chosen.ids)], chosen.since, chosen.until
          ),
          '$2', quickly
        )
      ) INTO made USING chosen.ids, chosen.contexts;
      EXIT WHEN NOT made.is_unfit;
    EXCEPTION WHEN program_limit_exceeded OR internal_error THEN
      IF NOT quickly THEN
        RAISE;
      END IF;
    END;
  END LOOP;

  new_id := :schema.seal_append('block', jsonb_build_object(
    'incarnation', coalesce((last.said ->> 'incarnation')::integer, until.incarnation),
    'snapshot', snapshot,
    'sequence', sequence::text,
    'more', chosen.more,
    'events', coalesce(cardinality(chosen.ids), 0),
    'last', chosen.ids[cardinality(chosen.ids)]::text,
    'root', encode(:schema.merkle_root(made.hashes), 'hex'),
    'tables', (
      SELECT coalesce(jsonb_object_agg(known.id, known.schema_name || '.' || known.table_name), '{}')
      FROM :schema.audit_table AS known
      WHERE known.id = ANY (made.tables)
    )
  ));
  IF chosen.ids IS NOT NULL THEN
    INSERT INTO :schema.audit_leaf (block, first_id, last_id, since, until, ids, hashes)
    VALUES (new_id, chosen.ids[1], chosen.ids[cardinality(chosen.ids)], chosen.since, chosen.until, chosen.ids, made.hashes);
  END IF;
  RETURN jsonb_build_object('block', new_id, 'events', coalesce(cardinality(chosen.ids), 0), 'more', chosen.more, 'begins', NOT goes_on);
END
$function$;
