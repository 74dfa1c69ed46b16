-- Says in the chain that events are about to go by retention: those of a partition
-- with an id behind after, up to until (null: all), that are older than the targets
-- of a purge.
-- Whoever takes them away without that has tampered with the log.
--
-- They have to be what was sealed, or this is refused: what somebody changed would
-- be lost with the evidence. Without entry it only looks.
CREATE OR REPLACE FUNCTION :schema.retire(
  purge_id bigint, relation text, targets jsonb, after bigint, until bigint, entry boolean DEFAULT true
)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off  -- how many events there will be is not known beforehand
SET jit = off
AS $function$
#variable_conflict use_variable
DECLARE
  going   record;
  retired record;
  emptied bigint[];
  is_sealed boolean;  -- just now
BEGIN
  LOCK TABLE :schema.audit_seal IN SHARE ROW EXCLUSIVE MODE;
  PERFORM :schema.check_chain_end();
  IF NOT EXISTS (SELECT FROM :schema.audit_seal) THEN
    RETURN;
  END IF;
  FOREACH is_sealed IN ARRAY ARRAY[false, true] LOOP
    EXECUTE format(
      $query$
      SELECT min(own.id) AS first_id, max(own.id) AS last_id, array_agg(DISTINCT own.context_id) AS contexts
      FROM jsonb_each_text($1) AS target
      JOIN %s AS own ON own.table_id = target.key::integer AND own.changed_at < target.value::timestamptz
      WHERE ($2 IS NULL OR own.id > $2) AND ($3 IS NULL OR own.id <= $3)
      $query$,
      relation
    ) INTO going USING targets, after, until;
    IF going.first_id IS NULL THEN
      RETURN;
    END IF;
    EXECUTE format(
      $query$
      WITH going AS MATERIALIZED (
        SELECT own.id, :schema.event_leaf(CAST(ROW(own.*) AS :schema.audit_event), context) AS leaf
        FROM jsonb_each_text($1) AS target
        JOIN %1$s AS own ON own.table_id = target.key::integer AND own.changed_at < target.value::timestamptz
        LEFT JOIN :schema.audit_context AS context ON context.id = own.context_id AND context.txid = own.txid
          AND context.id = ANY ($4)
        WHERE own.id >= $2 AND own.id <= $3
      ), judged AS MATERIALIZED (
        SELECT going.id, sealed.block, sealed.place,
          CASE
            WHEN sealed.block IS NULL THEN 'unsealed'
            -- an event that was retired once must not be there either
            WHEN sealed.entry IS NOT NULL AND sealed.new_leaf IS NULL OR going.leaf <> coalesce(sealed.new_leaf, sealed.sealed_leaf) THEN 'changed'
          END AS doubt
        FROM going
        LEFT JOIN :schema.sealed_places($2 - 1, $3) AS sealed USING (id)
      ), part AS (
        SELECT block, count(*) AS events, array_agg(place) AS places
        FROM judged WHERE doubt IS NULL
        GROUP BY block
      ), sealed AS (
        SELECT block.id AS block, (said ->> 'events')::integer AS events, row_number() OVER (ORDER BY block.id) AS number
        FROM :schema.audit_seal AS block CROSS JOIN LATERAL :schema.read_entry(block.id, block.entry) AS said
        WHERE said ->> 'kind' = 'block' AND block.id BETWEEN (SELECT min(part.block) FROM part) AND (SELECT max(part.block) FROM part)
      ), whole AS (
        -- blocks in a row are one piece
        SELECT min(run.block) AS block, max(run.block) AS last, sum(run.events) AS events
        FROM (
          SELECT part.block, part.events, sealed.number - row_number() OVER (ORDER BY part.block) AS number
          FROM part JOIN sealed USING (block)
          WHERE part.events = sealed.events
        ) AS run
        GROUP BY run.number
      ), piece AS (
        SELECT whole.block, jsonb_build_object('block', whole.block, 'to', whole.last, 'events', whole.events) AS said FROM whole
        UNION ALL
        SELECT part.block, jsonb_build_object('block', part.block, 'events', part.events, 'which', :schema.bitmap(part.places, sealed.events))
        FROM part JOIN sealed USING (block)
        WHERE part.events < sealed.events
      )
      SELECT
        (SELECT min(id) FROM judged WHERE doubt = 'unsealed') AS unsealed,
        (SELECT min(id) FROM judged WHERE doubt = 'changed') AS changed,
        (SELECT count(*) FROM judged) AS events,
        (SELECT jsonb_agg(said ORDER BY block) FROM piece) AS pieces,
        (SELECT array_agg(block) FROM part) AS blocks
      $query$,
      relation
    ) INTO retired USING targets, going.first_id, going.last_id, going.contexts;
    EXIT WHEN is_sealed OR retired.unsealed IS NULL;
    -- of a transaction that was running when the last round was sealed, perhaps
    WHILE (:schema.seal() ->> 'more')::boolean LOOP
    END LOOP;
  END LOOP;
  IF retired.changed IS NOT NULL THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU006',
      MESSAGE = format('Event %s is not what was sealed, and retention would take it with the evidence.', retired.changed),
      HINT = 'See what "auditrum verify-chain" says of it first.';
  ELSIF retired.unsealed IS NOT NULL THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU003',
      MESSAGE = format('Event %s is to be purged, and is not sealed.', retired.unsealed),
      HINT = 'Seal the log first: auditrum seal.';
  END IF;
  IF NOT entry THEN
    RETURN;
  END IF;

  PERFORM :schema.seal_append('retire', jsonb_build_object(
    'purge', purge_id::text,
    'record', (SELECT encode(:schema.purge_record(purge), 'hex') FROM :schema.audit_purge AS purge WHERE purge.id = purge_id),
    'events', retired.events,
    'retired', retired.pieces
  ));
  emptied := ARRAY(
    SELECT gone.block
    FROM (
      SELECT own.block, count(*) AS events FROM :schema.amendments(retired.blocks) AS own WHERE own.leaf IS NULL GROUP BY own.block
    ) AS gone
    JOIN :schema.audit_leaf AS leaf USING (block)
    WHERE gone.events = cardinality(leaf.ids)
  );
  DELETE FROM :schema.audit_leaf AS leaf WHERE leaf.block = ANY (emptied);
END
$function$;
