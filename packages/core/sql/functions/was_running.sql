-- Whether an event that no block holds may be one of a transaction that was running
-- when the last round was sealed, or that has begun since; else it should be in a block.
-- See sealed_until, which tells the rest. Where the chain has moved, transaction ids do
-- not tell, and all is behind its sequence that came since.
DROP FUNCTION IF EXISTS :schema.was_running(bigint, xid8, pg_snapshot, bigint, bigint);  -- it did not know
CREATE OR REPLACE FUNCTION :schema.was_running(id bigint, txid xid8, snapshot pg_snapshot, sequence bigint, before bigint, moved boolean)
RETURNS boolean
LANGUAGE sql STABLE  -- without a setting, so that it is inlined
AS $function$
  SELECT moved AND id OPERATOR(pg_catalog.>) sequence
    OR NOT pg_catalog.pg_visible_in_snapshot(txid, snapshot)
      AND (id OPERATOR(pg_catalog.>) before OR txid OPERATOR(pg_catalog.<) pg_catalog.pg_snapshot_xmax(snapshot))
      -- whoever can be seen has begun
      AND (
        moved OR txid OPERATOR(pg_catalog.<) pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())
        OR txid OPERATOR(pg_catalog.=) pg_catalog.pg_current_xact_id_if_assigned()
      )
$function$;
