-- Seals what was committed since the last time: adds blocks to the chain, over
-- the events of all transactions that are over. Nobody waits for it but another
-- sealer; one that runs for long holds up nothing, and is sealed when it is over.
-- As long as it returns "more": true there is more to seal, each in a transaction
-- of its own:
--   select auditrum.seal();
--
-- To be called every few seconds, by the command, by pg_cron or a timer: until it
-- is sealed, whoever may change the log changes it unseen.
CREATE OR REPLACE FUNCTION :schema.seal(max_events integer DEFAULT 10000)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  blocks CONSTANT integer := 10;
  block  jsonb;
  has_begun boolean := false;
  sealed jsonb := '{"blocks": 0, "events": 0, "more": false}';
BEGIN
  IF max_events IS NULL OR max_events NOT BETWEEN 1 AND 100000 THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('A block cannot hold %s events.', coalesce(max_events::text, 'null')),
      HINT = 'Give a number from 1 to 100000.';
  ELSIF current_setting('transaction_isolation') NOT LIKE 'read %' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('The log cannot be sealed in a transaction that is %s.', current_setting('transaction_isolation')),
      HINT = 'Do it in one that is READ COMMITTED: it must see the block of the sealer before it.';
  END IF;
  LOCK TABLE :schema.audit_seal IN SHARE ROW EXCLUSIVE MODE;
  -- what a block seals must be on disk before it, also what was committed with synchronous_commit = off
  IF current_setting('synchronous_commit') = 'off' THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;

  PERFORM :schema.check_chain_end();
  IF NOT EXISTS (SELECT FROM :schema.audit_seal) THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU003',
      MESSAGE = 'The log is not sealed yet.',
      HINT = 'Begin with "auditrum enable-hash-chain", or select :schema.enable_sealing().';
  ELSIF current_setting('server_encoding') <> 'UTF8' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU003',
      MESSAGE = format('The log cannot be sealed in a database whose encoding is %s.', current_setting('server_encoding')),
      HINT = 'Restore it into one whose encoding is UTF8: hashes are taken over UTF-8.';
  ELSIF :schema.sealed_elsewhere() THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU003',
      MESSAGE = 'The log was sealed in another cluster, whose transaction ids mean nothing here.',
      HINT = 'If it was restored or upgraded on purpose, go on with "auditrum seal --rebase", or select :schema.seal_rebase().';
  ELSIF (SELECT seqcache <> 1 FROM pg_sequence WHERE seqrelid = ':schema.audit_event_id_seq'::regclass) THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU003',
      MESSAGE = 'The sequence of event ids hands them out in advance, so that sealed ids cannot be told from later ones.',
      HINT = 'Change that: ALTER SEQUENCE :schema.audit_event_id_seq CACHE 1.';
  ELSIF (SELECT last_value FROM :schema.audit_event_id_seq) < (SELECT leaf.last_id FROM :schema.audit_leaf AS leaf ORDER BY leaf.block DESC LIMIT 1) THEN
    -- somebody has set it back, or a copy of the log has come without it
    RAISE EXCEPTION USING
      ERRCODE = 'AU003',
      MESSAGE = 'The sequence of event ids is behind events that are sealed already: new ones get ids that were given before.',
      HINT = 'Set it forward: SELECT setval('':schema.audit_event_id_seq'', (SELECT max(id) FROM :schema.audit_event)). Those that were written meanwhile "auditrum verify-chain" names.';
  END IF;

  FOR number IN 1..blocks LOOP
    block := :schema.seal_block(max_events);
    has_begun := has_begun OR (block ->> 'begins')::boolean;
    EXIT WHEN block -> 'block' = 'null';
    sealed := jsonb_build_object(
      'blocks', (sealed ->> 'blocks')::integer + 1,
      'events', (sealed ->> 'events')::integer + (block ->> 'events')::integer,
      'more', block -> 'more'
    );
    -- behind the end of a round that was under way comes one of its own
    EXIT WHEN NOT (block ->> 'more')::boolean AND has_begun;
  END LOOP;
  RETURN sealed;
END
$function$;
