-- Whether a change was made after a moment, as past_moment gives it. Without
-- settings of its own, so that it is inlined; only functions call it that have
-- pinned the search_path.
CREATE OR REPLACE FUNCTION :schema.is_after(moment jsonb, id bigint, changed_at timestamptz, txid xid8)
RETURNS boolean
LANGUAGE sql STABLE
AS $function$
  SELECT :schema.is_later(
    (moment ->> 'at')::timestamptz, (moment ->> 'event')::bigint,
    pg_catalog.translate(moment ->> 'open', '[]', '{}')::xid8[], (moment ->> 'open_since')::timestamptz,
    (moment ->> 'snapshot')::pg_snapshot, (moment ->> 'unseen_since')::timestamptz,
    id, changed_at, txid
  )
$function$;
