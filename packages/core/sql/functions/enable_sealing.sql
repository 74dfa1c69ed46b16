-- Begins the chain of the log, and has every event from now on carry a salt, by
-- which nothing of it can be guessed from its hash. Returns false where sealing was
-- on already; it gives back the salt then, if somebody took it away, and says so.
--
-- Writers wait for an instant, as in lock_log.
CREATE OR REPLACE FUNCTION :schema.enable_sealing(patience interval DEFAULT '2 seconds')
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  is_new boolean;
BEGIN
  IF current_setting('server_encoding') <> 'UTF8' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU003',
      MESSAGE = format('The log cannot be sealed in a database whose encoding is %s.', current_setting('server_encoding')),
      HINT = 'Use a database whose encoding is UTF8: hashes are taken over UTF-8.';
  END IF;
  LOCK TABLE :schema.audit_seal IN SHARE ROW EXCLUSIVE MODE;
  is_new := NOT EXISTS (SELECT FROM :schema.audit_seal);
  IF NOT is_new AND :schema.has_salt() THEN
    RETURN false;
  END IF;
  IF is_new THEN
    PERFORM :schema.check_chain_end();
    PERFORM :schema.check_leaving();
  END IF;
  PERFORM :schema.give_salt(patience);
  IF NOT is_new THEN
    RAISE NOTICE 'Somebody had taken the salt of new events away: they carry one again.'
      USING HINT = 'Find out who did it: what an event holds can be guessed from its hash where its salt is known.';
  ELSE
    PERFORM :schema.seal_start('{}');
  END IF;
  RETURN is_new;
END
$function$;
