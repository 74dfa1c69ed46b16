-- Whether the events with these ids are what was sealed. Returns {verified,
-- redacted, pending, problems}: how many agree with their leaf, how many of these
-- are redacted, and how many are not sealed yet. A problem is {kind, event, block,
-- entry}: the entry of the chain that amended the event, if one did.
--   missing: it is gone
--   added: it is in no block, and should be; or is there twice; or its block holds what
--     was over, and sealed, before it
--   edited: it, or its context, is not what was sealed, or left by its redaction
--   moved: it is sealed in another place
--   retired: it was retired, and is there
--   redacted: it calls itself redacted, and the chain does not
CREATE OR REPLACE FUNCTION :schema.verify_events(after bigint, until bigint)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
SET client_encoding = 'UTF8'  -- as leaf_query wants it
SET enable_nestloop = off  -- the newest events are in no statistics: one would be expected of thousands
SET enable_bitmapscan = off  -- the BRIN index tells little of rows that were updated
SET TimeZone = 'UTC'  -- or times that are put into a query may be others there
AS $function$
DECLARE
  sealed    record;
  bounds    record;
  source    text;
  condition text;
  query     text;
  quickly   boolean;
  is_unfit  boolean;
  verdict   jsonb;
BEGIN
  SELECT coalesce(snapshot, '1:1:') AS snapshot, coalesce(sequence, 0) AS sequence, coalesce(before, 0) AS before, coalesce(moved, false) AS moved
  INTO sealed
  FROM (SELECT) AS one LEFT JOIN :schema.sealed_until() ON true;
  query := $query$
    WITH listed AS MATERIALIZED (
      SELECT * FROM :schema.sealed_places($1, $2)
    ), present AS (
      %s
    ), round AS MATERIALIZED (
      SELECT known.block, :schema.sealed_before(known.block) AS over FROM (SELECT DISTINCT block FROM listed) AS known
    ), judged AS (
      SELECT id, block, listed.entry, present.leaf, present.redacted IS NOT NULL AS redacted,
        CASE
          WHEN present.txid IS NULL THEN CASE WHEN listed.entry IS NULL OR listed.new_leaf IS NOT NULL THEN 'missing' END
          WHEN present.leaf IS NULL THEN 'unfit'
          WHEN listed.block IS NULL THEN CASE
            WHEN :schema.was_running(id, present.txid, $3, $4, $5, $7) THEN 'pending'
            ELSE 'added'
          END
          WHEN listed.entry IS NOT NULL AND listed.new_leaf IS NULL THEN 'retired'
          -- what was erased says so itself, and the entry means this event
          WHEN listed.new_leaf IS NOT NULL AND NOT coalesce(present.redacted @> listed.lost, false) THEN 'edited'
          WHEN present.leaf = coalesce(listed.new_leaf, listed.sealed_leaf) THEN CASE WHEN pg_visible_in_snapshot(present.txid, round.over) THEN 'added' ELSE 'verified' END
          WHEN present.redacted IS NOT NULL AND listed.entry IS NULL THEN 'redacted'
          ELSE 'edited'
        END AS kind
      FROM listed FULL JOIN present USING (id) LEFT JOIN round USING (block)
    ), counted AS MATERIALIZED (
      SELECT count(*) FILTER (WHERE kind = 'verified') AS verified, count(*) FILTER (WHERE kind = 'verified' AND redacted) AS redacted,
        count(*) FILTER (WHERE kind = 'pending') AS pending, count(block) > (SELECT count(*) FROM listed) AS are_doubled,
        coalesce(bool_or(kind = 'unfit'), false) AS is_unfit
      FROM judged
    ), doubled AS (
      -- there as it was sealed, and there again
      SELECT id, block, entry, redacted
      FROM (SELECT judged.*, row_number() OVER (PARTITION BY id, block) AS number FROM judged WHERE kind = 'verified') AS own
      WHERE number > 1 AND (SELECT are_doubled FROM counted)
    ), problem AS (
      SELECT id, block, entry, 'added' AS kind FROM doubled
      UNION ALL
      SELECT id, block, entry,
        CASE
          WHEN kind IN ('edited', 'added') AND EXISTS (SELECT FROM listed WHERE listed.sealed_leaf = judged.leaf AND listed.id <> judged.id)
          THEN 'moved'
          -- beside the one that was sealed
          WHEN kind = 'edited' AND (SELECT are_doubled FROM counted) AND EXISTS (
            SELECT FROM judged AS other WHERE other.kind = 'verified' AND other.id = judged.id AND other.block = judged.block
          ) THEN 'added'
          ELSE kind
        END AS kind
      FROM judged
      WHERE kind NOT IN ('verified', 'pending')
    )
    SELECT jsonb_build_object(
      'verified', counted.verified - (SELECT count(*) FROM doubled),
      'redacted', counted.redacted - (SELECT count(*) FROM doubled WHERE redacted),
      'pending', counted.pending,
      'problems', (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
          'kind', kind,
          'event', id::text,
          'block', block::text,
          'entry', entry
        ) ORDER BY id), '[]')
        FROM problem
      )
    ), counted.is_unfit
    FROM counted
    $query$;
  FOREACH source IN ARRAY ARRAY[':schema.audit_event', ':schema.events_with_leavers($1, $2)'] LOOP
    -- with the values in it: partitions are left out by them when it is planned
    EXECUTE format(
      'SELECT min(changed_at) AS since, max(changed_at) AS until, array_agg(DISTINCT context_id) AS contexts FROM %s AS event WHERE id > $1 AND id <= $2',
      source
    ) INTO bounds USING after, until;
    condition := format(
      'event.id > $1 AND event.id <= $2 AND event.changed_at BETWEEN %L AND %L', coalesce(bounds.since, 'infinity'), coalesce(bounds.until, '-infinity')
    );
    FOREACH quickly IN ARRAY ARRAY[true, false] LOOP
      BEGIN
        EXECUTE format(query, :schema.leaf_query(source || ' AS event', condition, '$6', quickly))
        INTO verdict, is_unfit USING after, until, sealed.snapshot, sealed.sequence, sealed.before, bounds.contexts, sealed.moved;
        EXIT WHEN NOT is_unfit;
      EXCEPTION WHEN program_limit_exceeded OR internal_error THEN
        IF NOT quickly THEN
          RAISE;
        END IF;
      END;
    END LOOP;
    -- what retention is taking off is not gone yet
    EXIT WHEN NOT verdict -> 'problems' @> '[{"kind": "missing"}]' OR NOT EXISTS (SELECT FROM :schema.leaving_partitions());
  END LOOP;
  RETURN verdict;
END
$function$;
