-- How sealing is doing: {entries, sealedAt, lagSeconds, moved, salted, cut}; null where it
-- was never enabled. Entries are 0 where the chain is gone though it was.
--   sealedAt    when the last block was made
--   lagSeconds  how old the oldest event is that no block holds; 0 without one, null where moved
--   moved       the chain comes from another cluster, and does not go on here yet
--   salted      new events carry a salt
--   cut         entries at its end are gone: there are hashes of later blocks; or those of its last block are
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
  entries bigint;
  salted  boolean := :schema.has_salt();
  cut     boolean := coalesce((SELECT max(block) FROM :schema.audit_leaf), -1) > coalesce((SELECT max(id) FROM :schema.audit_seal), -1)
    OR :schema.lost_leaves() IS NOT NULL;
  moved   boolean;
  until   record;
  block   record;
  -- behind which nothing is sealed, but for what the last round saw
  after   bigint;
  oldest  timestamptz;
BEGIN
  IF NOT salted AND NOT cut AND NOT EXISTS (SELECT FROM :schema.audit_seal) THEN
    RETURN NULL;
  END IF;
  PERFORM :schema.check_last_entry();
  entries := coalesce((SELECT max(id) + 1 FROM :schema.audit_seal), 0);
  moved := :schema.sealed_elsewhere();
  SELECT * INTO until FROM :schema.sealed_until();
  SELECT own.id, to_timestamp((said ->> 'at')::numeric / 1000000) AS sealed_at, (said ->> 'last')::bigint AS last INTO block
  FROM :schema.audit_seal AS own CROSS JOIN LATERAL :schema.read_entry(own.id, own.entry) AS said
  WHERE own.entry ->> 'kind' = 'block' AND said IS NOT NULL
  ORDER BY own.id DESC
  LIMIT 1;
  IF NOT moved THEN
    -- of a round that is under way, what its blocks hold so far
    after := greatest(until.sequence, CASE WHEN block.id > until.entry THEN block.last END);
    SELECT event.changed_at INTO oldest
    FROM :schema.audit_event AS event
    WHERE event.id > after AND :schema.was_running(event.id, event.txid, until.snapshot, until.sequence, until.before, until.moved)
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
