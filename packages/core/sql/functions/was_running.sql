-- Whether an event that no block holds may be one of a transaction that was running
-- when the last round was sealed; else it should be in a block. See sealed_until.
CREATE OR REPLACE FUNCTION :schema.was_running(id bigint, txid xid8, snapshot pg_snapshot, sequence bigint, before bigint)
RETURNS boolean
LANGUAGE sql IMMUTABLE  -- without a setting, so that it is inlined
AS $function$
  SELECT id OPERATOR(pg_catalog.>) sequence
    OR NOT pg_catalog.pg_visible_in_snapshot(txid, snapshot)
      AND (id OPERATOR(pg_catalog.>) before OR txid OPERATOR(pg_catalog.<) pg_catalog.pg_snapshot_xmax(snapshot))
$function$;
