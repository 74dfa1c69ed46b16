-- How sealing is doing: {entries, sealedAt, lagSeconds, moved, salted, cut}; null where it
-- was never enabled. Entries are 0 where the chain is gone though it was.
--   sealedAt    when the last block was made
--   lagSeconds  how old the oldest event is that no block holds; 0 without one, null where moved
--   moved       the chain comes from another cluster, and does not go on here yet
--   salted      new events carry a salt
--   cut         entries at its end are gone: there are hashes of later blocks
--
-- What was committed late by a transaction that was running when the last round was
-- sealed is not looked for: it has no index, and new events tell as well that nobody seals.
CREATE OR REPLACE FUNCTION :schema.sealing_status()
RETURNS json
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
AS $function$
DECLARE
  entries bigint := coalesce((SELECT max(id) + 1 FROM :schema.audit_seal), 0);
  salted  boolean := :schema.has_salt();
  moved   boolean := :schema.sealed_elsewhere();
  cut     boolean := coalesce((SELECT max(block) FROM :schema.audit_leaf) >= entries, false);
  until   record;
  block   record;
  -- behind which nothing is sealed, but for what the last round saw
  after   bigint;
  -- of the round's snapshot nothing can be said where it comes from before the chain moved
  comes_from_here boolean;
  oldest  timestamptz;
BEGIN
  IF entries = 0 AND NOT salted AND NOT cut THEN
    RETURN NULL;
  END IF;
  SELECT * INTO until FROM :schema.sealed_until();
  SELECT own.id, to_timestamp((own.entry ->> 'at')::numeric / 1000000) AS sealed_at, (own.entry ->> 'last')::bigint AS last INTO block
  FROM :schema.audit_seal AS own WHERE own.entry ->> 'kind' = 'block' ORDER BY own.id DESC LIMIT 1;
  IF NOT moved THEN
    -- of a round that is under way, what its blocks hold so far
    after := greatest(until.sequence, CASE WHEN block.id > until.entry THEN block.last END);
    comes_from_here := until.incarnation = (SELECT value::integer FROM :schema.audit_setting WHERE name = 'incarnation');
    SELECT event.changed_at INTO oldest
    FROM :schema.audit_event AS event
    WHERE event.id > after AND NOT (comes_from_here AND pg_visible_in_snapshot(event.txid, until.snapshot))
    ORDER BY event.id
    LIMIT 1;
  END IF;
  RETURN json_build_object(
    'entries', entries,
    'sealedAt', block.sealed_at,
    'lagSeconds', CASE WHEN NOT moved THEN round(greatest(extract(epoch FROM clock_timestamp() - oldest), 0)::numeric, 3) END,
    'moved', moved,
    'salted', salted,
    'cut', cut
  );
END
$function$;
