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
  PERFORM set_config('lock_timeout', ceil(extract(epoch FROM patience) * 1000)::text, true);
  PERFORM :schema.lock_log(ARRAY['audit_event'], patience);
  -- of all partitions, too
  ALTER TABLE :schema.audit_event ALTER COLUMN salt SET DEFAULT uuid_send(gen_random_uuid());
  IF NOT is_new THEN
    RAISE NOTICE 'Somebody had taken the salt of new events away: they carry one again.'
      USING HINT = 'Find out who did it: what an event holds can be guessed from its hash where its salt is known.';
  ELSE
    PERFORM :schema.seal_append('start', jsonb_build_object(
      'log', gen_random_uuid(),
      'incarnation', (SELECT value FROM :schema.audit_setting WHERE name = 'incarnation'),
      'system', :schema.system_identifier(),
      'snapshot', '1:1:',
      'sequence', '0'
    ));
  END IF;
  RETURN is_new;
END
$function$;
