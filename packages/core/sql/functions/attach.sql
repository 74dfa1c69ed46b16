-- Attaches a table to a log, between two bounds as SQL. What it has refused rows by goes:
-- being detached has left it a constraint that says what its bounds were.
CREATE OR REPLACE FUNCTION :schema.attach(log text, partition text, since text, until text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  name text;
BEGIN
  FOR name IN
    SELECT own.conname FROM pg_constraint AS own
    WHERE own.conrelid = to_regclass(format('%I.%I', :'schema', partition)) AND own.contype = 'c'
      AND NOT EXISTS (SELECT FROM pg_constraint AS whole WHERE whole.conrelid = to_regclass(format('%I.%I', :'schema', log)) AND whole.conname = own.conname)
  LOOP
    EXECUTE format('ALTER TABLE :schema.%I DROP CONSTRAINT %I', partition, name);
  END LOOP;
  EXECUTE format('ALTER TABLE :schema.%I ATTACH PARTITION :schema.%I FOR VALUES FROM (%s) TO (%s)', log, partition, since, until);
END
$function$;
