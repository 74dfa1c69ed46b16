-- What every erasure begins with: the lock of the chain, before anything else, as
-- seal takes it, and what is refused before anything is written.
CREATE OR REPLACE FUNCTION :schema.erase_start(reason text, dry_run boolean)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  IF NOT dry_run AND coalesce(btrim(reason), '') = '' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = 'Nothing is erased without a reason.',
      HINT = 'Say why, such as the number of the request; not who it is about, for that stays.';
  ELSIF NOT dry_run AND current_setting('transaction_isolation') NOT LIKE 'read %' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('Nothing can be erased in a transaction that is %s.', current_setting('transaction_isolation')),
      HINT = 'Do it in one that is READ COMMITTED: it must see what the sealer before it has sealed.';
  END IF;
  IF NOT dry_run THEN
    LOCK TABLE :schema.audit_seal IN SHARE ROW EXCLUSIVE MODE;
    PERFORM :schema.check_chain_end();
    PERFORM :schema.check_leaving();
    -- what the chain says must be on disk, as in seal
    IF current_setting('synchronous_commit') = 'off' THEN
      PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
  END IF;
END
$function$;
