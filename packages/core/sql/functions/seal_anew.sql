-- Begins another chain, over the log as it is now, in the place of one that is
-- broken:
--   select auditrum.seal_anew('audit_seal was lost with disk 3, see incident 17');
-- It says so for good: its first entry has the reason, the role, the time, and what
-- the chain before it was. Digests of that one fit this one never. What is left of
-- it goes: keep a copy of audit_seal and audit_leaf first.
CREATE OR REPLACE FUNCTION :schema.seal_anew(reason text, patience interval DEFAULT '2 seconds')
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  former jsonb;
BEGIN
  IF coalesce(btrim(reason), '') = '' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = 'Another chain is not begun without a reason.',
      HINT = 'Say what happened to the one before it: that stays.';
  ELSIF current_setting('transaction_isolation') NOT LIKE 'read %' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('A chain cannot be begun in a transaction that is %s.', current_setting('transaction_isolation')),
      HINT = 'Do it in one that is READ COMMITTED: it must see what the sealer before it has sealed.';
  END IF;
  LOCK TABLE :schema.audit_seal IN SHARE ROW EXCLUSIVE MODE;
  PERFORM :schema.check_leaving();
  IF NOT EXISTS (SELECT FROM :schema.audit_seal) AND NOT EXISTS (SELECT FROM :schema.audit_leaf) AND NOT :schema.has_salt() THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU003',
      MESSAGE = 'The log is not sealed yet.',
      HINT = 'Begin with "auditrum enable-hash-chain", or select :schema.enable_sealing().';
  ELSIF (:schema.verify_chain() ->> 'ok')::boolean THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = 'The chain is in order, and goes on.',
      HINT = 'Another one takes the place only of one that is broken, as "auditrum verify-chain" says.';
  END IF;

  SELECT jsonb_build_object(
    'log', (SELECT entry ->> 'log' FROM :schema.audit_seal WHERE id = 0),
    'entries', (SELECT count(*) FROM :schema.audit_seal),
    'last', (SELECT encode(:schema.entry_leaf(entry), 'hex') FROM :schema.audit_seal ORDER BY id DESC LIMIT 1)
  ) INTO former;
  DELETE FROM :schema.audit_seal;
  DELETE FROM :schema.audit_leaf;
  -- entries of the chain that went
  UPDATE :schema.audit_erasure SET entries = '{}' WHERE entries <> '{}';
  IF NOT :schema.has_salt() THEN
    PERFORM :schema.give_salt(patience);
  END IF;
  PERFORM :schema.seal_start(jsonb_build_object('reason', btrim(reason), 'former', former));
END
$function$;
