-- Refuses to go on from a chain whose end is no entry any more: neither its last one,
-- nor the last that says how far the log is sealed. SQLSTATE AU006.
CREATE OR REPLACE FUNCTION :schema.check_last_entry()
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  wrong bigint;
BEGIN
  SELECT own.id INTO wrong
  FROM (SELECT seal.id, seal.entry FROM :schema.audit_seal AS seal ORDER BY seal.id DESC LIMIT 1) AS own
  WHERE :schema.read_entry(own.id, own.entry) IS NULL;
  IF NOT FOUND THEN
    SELECT own.id INTO wrong
    FROM (
      SELECT seal.id, seal.entry FROM :schema.audit_seal AS seal
      WHERE seal.entry ->> 'kind' IN ('start', 'block', 'rebase')
      ORDER BY seal.id DESC
      LIMIT 1
    ) AS own
    WHERE :schema.read_entry(own.id, own.entry) IS NULL;
  END IF;
  IF FOUND THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU006',
      MESSAGE = format('The chain is broken: entry %s, at its end, has not the form of an entry.', wrong),
      HINT = 'See what "auditrum verify-chain" says, or select :schema.verify_chain(). Restore audit_seal from a backup, or begin another chain, which says so for good, with "auditrum enable-hash-chain --anew --reason ...", or select :schema.seal_anew(...).';
  END IF;
END
$function$;
