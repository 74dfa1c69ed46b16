-- How far the log is sealed: the last entry of the chain that ends a round. All
-- transactions that are over in its snapshot are sealed. The id of an event is
-- greater than its sequence, unless its transaction was running then: an event takes
-- its id after its transaction took its own, and the sequence was read before the
-- snapshot. Running was what the snapshot lists, and also what is not before its end
-- (xmax), which is behind the last transaction that was over. Of those the events are
-- behind the sequence before: it was read when its sealer had no transaction id yet,
-- and that sealer was over. A round that begins when one is assigned already keeps the
-- sequence of the round before.
DROP FUNCTION IF EXISTS :schema.sealed_until();  -- it did not return before
CREATE OR REPLACE FUNCTION :schema.sealed_until(OUT entry bigint, OUT incarnation integer, OUT snapshot pg_snapshot, OUT sequence bigint, OUT before bigint)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT own.id, (own.entry ->> 'incarnation')::integer, (own.entry ->> 'snapshot')::pg_snapshot, (own.entry ->> 'sequence')::bigint,
    coalesce((
      SELECT (seal.entry ->> 'sequence')::bigint
      FROM :schema.audit_seal AS seal
      WHERE seal.id < own.id AND seal.entry ->> 'kind' IN ('start', 'block', 'rebase')
        AND (seal.entry ->> 'sequence')::bigint < (own.entry ->> 'sequence')::bigint
      ORDER BY seal.id DESC
      LIMIT 1
    ), 0)
  FROM :schema.audit_seal AS own
  WHERE own.entry ->> 'kind' IN ('start', 'block', 'rebase') AND own.entry ->> 'more' IS DISTINCT FROM 'true'
  ORDER BY own.id DESC
  LIMIT 1
$function$;
