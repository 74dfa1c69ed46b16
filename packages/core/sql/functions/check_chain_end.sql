-- Refuses to go on with a chain whose end is gone, or all of it: what it had sealed
-- would be sealed anew, as it is now, and nobody would see that. So it is where its end
-- says nothing, or the hashes of its last block are gone, and not by retention.
CREATE OR REPLACE FUNCTION :schema.check_chain_end()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  last_entry CONSTANT bigint := coalesce((SELECT max(id) FROM :schema.audit_seal), -1);
  last_block bigint := coalesce((SELECT max(block) FROM :schema.audit_leaf), -1);
BEGIN
  IF last_block > last_entry
    -- a copy of the schema alone has the default of the salt, and no event
    OR last_entry = -1 AND :schema.has_salt() AND EXISTS (SELECT FROM :schema.audit_event WHERE salt IS NOT NULL)
  THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU006',
      MESSAGE = CASE last_entry
        WHEN -1 THEN 'The chain is gone, though the log was sealed.'
        ELSE format('The chain was cut: it ends with entry %s, and there are hashes of block %s.', last_entry, last_block)
      END,
      HINT = 'Find out who did that, and restore audit_seal and audit_leaf from a backup. If there is none, another chain is begun, which says so for good, with "auditrum enable-hash-chain --anew --reason ...", or select :schema.seal_anew(...).';
  END IF;
  PERFORM :schema.check_last_entry();
  last_block := :schema.lost_leaves();
  IF last_block IS NOT NULL THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU006',
      MESSAGE = format('The hashes of block %s are gone, and its events were not retired.', last_block),
      HINT = 'Find out who did that, and restore audit_leaf from a backup. If there is none, another chain is begun, which says so for good, with "auditrum enable-hash-chain --anew --reason ...", or select :schema.seal_anew(...).';
  END IF;
END
$function$;
