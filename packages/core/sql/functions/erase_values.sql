-- Erases values from events, and from contexts with all of their events, in one
-- act: for erase and erase_user, which say what goes.
--   tracked_id  of whose rows; null: of a user
--   ids, times  the events whose own values go
--   names, tombstones  as redacted_event takes them
--   contexts    from which context_names go, or of these `chosen`
CREATE OR REPLACE FUNCTION :schema.erase_values(
  reason text, tracked_id integer, ids bigint[], times timestamptz[], names text[], tombstones jsonb,
  contexts bigint[], chosen text[], with_reason boolean, dry_run boolean
)
RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off  -- however many they seem to be
SET jit = off
AS $function$
DECLARE
  size CONSTANT integer := 1000;  -- events of an entry
  payload     text := coalesce(current_setting('auditrum.context', true), '');
  of_contexts jsonb;              -- {context_id: what goes of it}
  affected    record;             -- the events, in order
  number      integer;
  columns     text[];
  erasure     :schema.audit_erasure;
  done        record;
  partitions  text[] := '{}';
BEGIN
  SELECT coalesce(jsonb_object_agg(context.id, going.names), '{}')
  INTO of_contexts
  FROM :schema.audit_context AS context
  CROSS JOIN LATERAL (
    SELECT ARRAY(
      SELECT name FROM unnest(:schema.context_names(context, tracked_id IS NULL, with_reason)) AS name
      WHERE chosen IS NULL
      UNION
      SELECT name FROM unnest(chosen) AS name
      WHERE context.metadata ? name
        OR CASE name WHEN 'user_id' THEN context.user_id IS NOT NULL WHEN 'client_addr' THEN context.client_addr IS NOT NULL WHEN 'context_error' THEN context.context_error IS NOT NULL ELSE false END
      ORDER BY 1
    ) AS names
  ) AS going
  WHERE context.id = ANY (contexts)
    AND :schema.redacted_context(context, going.names) IS DISTINCT FROM context
    -- who purged and erased stays known
    AND NOT EXISTS (SELECT FROM :schema.audit_purge AS purge WHERE purge.context_id = context.id)
    AND NOT EXISTS (SELECT FROM :schema.audit_erasure AS other WHERE other.context_id = context.id);

  SELECT coalesce(array_agg(event.id ORDER BY event.id, event.changed_at), '{}') AS ids,
    array_agg(event.changed_at ORDER BY event.id, event.changed_at) AS times,
    array_agg(event.own ORDER BY event.id, event.changed_at) AS own
  INTO affected
  FROM (
    SELECT one.id, one.changed_at, bool_or(one.own) AS own
    FROM (
      SELECT event.id, event.changed_at, true AS own
      FROM unnest(ids, times) AS given (id, changed_at)
      JOIN :schema.audit_event AS event ON event.id = given.id AND event.changed_at = given.changed_at
      WHERE :schema.names_in(event, names) <> '{}' OR tombstones ?| ARRAY[event.object_id, event.old_object_id]
      UNION ALL
      SELECT event.id, event.changed_at, false
      FROM jsonb_object_keys(of_contexts) AS own (id)
      JOIN :schema.audit_context AS context ON context.id = own.id::bigint
      JOIN :schema.audit_event AS event ON event.context_id = context.id AND event.txid = context.txid
    ) AS one
    GROUP BY one.id, one.changed_at
  ) AS event;

  number := cardinality(affected.ids);
  columns := ARRAY(
    SELECT unnest(names)
    UNION ALL
    SELECT DISTINCT 'context.' || name FROM jsonb_each(of_contexts) AS each CROSS JOIN LATERAL jsonb_array_elements_text(each.value) AS name
    ORDER BY 1
  );
  FOR start IN 1 .. number BY size LOOP
    PERFORM :schema.check_sealed(affected.ids[start:start + size - 1], affected.times[start:start + size - 1]);
  END LOOP;
  IF dry_run OR number = 0 AND of_contexts = '{}' THEN
    RETURN jsonb_build_object(
      'id', NULL, 'events', number, 'contexts', (SELECT count(*) FROM jsonb_object_keys(of_contexts)), 'columns', columns,
      'entries', '[]'::jsonb, 'partitions', '[]'::jsonb
    );
  END IF;

  PERFORM :schema.undo_context(reason);
  INSERT INTO :schema.audit_erasure (context_id, reason, table_id, columns, events, contexts, entries)
  SELECT :schema.this_context(), reason, tracked_id, columns, number, count(*), '{}' FROM jsonb_object_keys(of_contexts)
  RETURNING * INTO erasure;
  PERFORM set_config('auditrum.context', payload, true);
  WITH changed AS (
    UPDATE :schema.audit_context AS context
    SET user_id = (form.context).user_id, client_addr = (form.context).client_addr,
      metadata = (form.context).metadata, context_error = (form.context).context_error
    FROM (
      SELECT own.id, :schema.redacted_context(own, ARRAY(SELECT jsonb_array_elements_text(each.value))) AS context
      FROM jsonb_each(of_contexts) AS each JOIN :schema.audit_context AS own ON own.id = each.key::bigint
    ) AS form
    WHERE context.id = form.id
    RETURNING context.tableoid AS relation
  )
  SELECT coalesce(array_agg(DISTINCT (SELECT relname FROM pg_class WHERE oid = changed.relation)::text), '{}') INTO partitions FROM changed;
  FOR start IN 1 .. number BY size LOOP
    done := :schema.redact_events(
      affected.ids[start:start + size - 1], affected.times[start:start + size - 1], affected.own[start:start + size - 1],
      names, tombstones, of_contexts, erasure
    );
    erasure.entries := erasure.entries || done.entry;
    partitions := ARRAY(SELECT unnest(partitions) UNION SELECT unnest(done.partitions) ORDER BY 1);
  END LOOP;
  erasure.entries := array_remove(erasure.entries, NULL);
  IF erasure.entries = '{}' AND EXISTS (SELECT FROM :schema.audit_seal) THEN
    -- none of them was sealed; but that it was done is
    erasure.entries := ARRAY[:schema.redact_entry(erasure, '[]')];
  END IF;
  UPDATE :schema.audit_erasure AS own SET entries = erasure.entries WHERE own.id = erasure.id AND erasure.entries <> '{}';

  -- what was learnt of the past of a table does not hold any more
  UPDATE :schema.audit_table AS known
  SET erased_at = clock_timestamp(), keys_erased = known.keys_erased OR tombstones <> '{}'
  WHERE known.id = tracked_id;
  RETURN jsonb_build_object(
    'id', erasure.id::text, 'events', number, 'contexts', erasure.contexts, 'columns', columns,
    'entries', ARRAY(SELECT entry::text FROM unnest(erasure.entries) AS entry), 'partitions', partitions
  );
END
$function$;
