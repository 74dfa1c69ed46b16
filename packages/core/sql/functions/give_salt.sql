-- Has every event from now on carry a salt, by which nothing of it can be guessed
-- from its hash. Writers wait for an instant, as in lock_log.
CREATE OR REPLACE FUNCTION :schema.give_salt(patience interval)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  PERFORM set_config('lock_timeout', ceil(extract(epoch FROM patience) * 1000)::text, true);
  PERFORM :schema.lock_log(ARRAY['audit_event'], patience);
  -- of all partitions, too
  ALTER TABLE :schema.audit_event ALTER COLUMN salt SET DEFAULT uuid_send(gen_random_uuid());
END
$function$;
