-- is_after with the parts of the moment as values: in a condition on many months
-- they cost less than a document.
CREATE OR REPLACE FUNCTION :schema.is_later(
  at timestamptz, event bigint, open xid8[], open_since timestamptz, snapshot pg_snapshot, unseen_since timestamptz,
  id bigint, changed_at timestamptz, txid xid8
)
RETURNS boolean
LANGUAGE sql STABLE
AS $function$
  SELECT coalesce(id > event, changed_at > at)
    OR coalesce(changed_at >= open_since AND txid = ANY (open), false)
    OR coalesce(
      changed_at >= unseen_since
        AND NOT pg_catalog.pg_visible_in_snapshot(txid, snapshot)
        -- ids of before a restore into a new cluster may lie ahead
        AND txid < pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())
        -- a snapshot does not show the transaction that took it
        AND txid IS DISTINCT FROM pg_catalog.pg_current_xact_id_if_assigned(),
      false
    )
$function$;
