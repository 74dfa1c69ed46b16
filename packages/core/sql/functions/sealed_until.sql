-- How far the log is sealed: the last entry of the chain that ends a round. All
-- transactions that are over in its snapshot are sealed, whatever the ids of their
-- events. What is not, has an id greater than its sequence, unless its transaction was
-- running then: an event takes its id after its transaction took its own, and the
-- sequence was read before the snapshot. Running was what the snapshot lists, and also
-- what is not before its end (xmax), which is behind the last transaction that was
-- over. Of those the events are behind the sequence before: it was read when its sealer
-- had no transaction id yet, and that sealer was over. A round that begins when one is
-- assigned already keeps the sequence of the round before.
--
-- moved: the snapshot is of another cluster than this, and the first round here has
-- not ended. Entries that have not their form say nothing.
DROP FUNCTION IF EXISTS :schema.sealed_until();  -- it did not return whether it moved
CREATE OR REPLACE FUNCTION :schema.sealed_until(
  OUT entry bigint, OUT incarnation integer, OUT snapshot pg_snapshot, OUT sequence bigint, OUT before bigint, OUT moved boolean
)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_sort = off  -- by ids backwards, or it would read all of the chain
AS $function$
  SELECT own.id, (said ->> 'incarnation')::integer, (said ->> 'snapshot')::pg_snapshot, (said ->> 'sequence')::bigint,
    coalesce((
      SELECT (earlier ->> 'sequence')::bigint
      FROM :schema.audit_seal AS seal CROSS JOIN LATERAL :schema.read_entry(seal.id, seal.entry) AS earlier
      WHERE seal.id < own.id AND seal.entry ->> 'kind' IN ('start', 'block', 'rebase')
        AND seal.entry ->> 'sequence' IS DISTINCT FROM said ->> 'sequence'  -- a round may be many blocks
        AND (earlier ->> 'sequence')::bigint < (said ->> 'sequence')::bigint
      ORDER BY seal.id DESC
      LIMIT 1
    ), 0),
    :schema.sealed_elsewhere() OR (
      SELECT later ->> 'incarnation' <> said ->> 'incarnation'
      FROM :schema.audit_seal AS seal CROSS JOIN LATERAL :schema.read_entry(seal.id, seal.entry) AS later
      WHERE seal.id >= own.id AND seal.entry ->> 'kind' IN ('start', 'block', 'rebase') AND later IS NOT NULL
      ORDER BY seal.id DESC
      LIMIT 1
    )
  FROM :schema.audit_seal AS own CROSS JOIN LATERAL :schema.read_entry(own.id, own.entry) AS said
  WHERE own.entry ->> 'kind' IN ('start', 'block', 'rebase') AND own.entry ->> 'more' IS DISTINCT FROM 'true' AND said IS NOT NULL
  ORDER BY own.id DESC
  LIMIT 1
$function$;
