-- How far the log is sealed: the last entry of the chain that ends a round. All
-- transactions that are over in its snapshot are sealed. The id of an event is
-- greater than its sequence, unless its transaction is one of those that the
-- snapshot calls running: an event takes its id after its transaction took its own,
-- and the sequence was read before the snapshot.
CREATE OR REPLACE FUNCTION :schema.sealed_until(OUT entry bigint, OUT incarnation integer, OUT snapshot pg_snapshot, OUT sequence bigint)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT id, (own.entry ->> 'incarnation')::integer, (own.entry ->> 'snapshot')::pg_snapshot, (own.entry ->> 'sequence')::bigint
  FROM :schema.audit_seal AS own
  WHERE own.entry ->> 'kind' IN ('start', 'block', 'rebase') AND own.entry ->> 'more' IS DISTINCT FROM 'true'
  ORDER BY id DESC
  LIMIT 1
$function$;
