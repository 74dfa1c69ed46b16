-- Whether a change was made after a moment, as past_moment gives it. Without
-- settings of its own, so that it is inlined; only functions call it that have
-- pinned the search_path.
CREATE OR REPLACE FUNCTION :schema.is_after(moment jsonb, id bigint, changed_at timestamptz, txid xid8)
RETURNS boolean
LANGUAGE sql STABLE
AS $function$
  SELECT coalesce(id > (moment ->> 'event')::bigint, changed_at > (moment ->> 'at')::timestamptz)
    OR coalesce(changed_at >= (moment ->> 'open_since')::timestamptz AND (moment -> 'open') ? txid::text, false)
    OR coalesce(
      changed_at >= (moment ->> 'unseen_since')::timestamptz
        AND NOT pg_catalog.pg_visible_in_snapshot(txid, (moment ->> 'snapshot')::pg_snapshot)
        -- ids of before a restore into a new cluster may lie ahead
        AND txid < pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())
        -- a snapshot does not show the transaction that took it
        AND txid IS DISTINCT FROM pg_catalog.pg_current_xact_id_if_assigned(),
      false
    )
$function$;
