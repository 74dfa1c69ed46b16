-- Refuses, before anything is changed, what the rest could not stand on, and
-- makes the schema. SQLSTATE AU003.
DO $install$
DECLARE
  present record;
BEGIN
  IF current_setting('server_version_num')::integer < 140000 THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU003',
      MESSAGE = format('This server is PostgreSQL %s, and auditrum needs 14 or newer.', current_setting('server_version')),
      HINT = 'Upgrade the server, or connect to a newer one.';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('auditrum.install ' || :'schema', 0));

  SELECT namespace.oid,
    substring(obj_description(namespace.oid, 'pg_namespace') FROM '^auditrum schema version ([0-9]+)$')::integer AS version
  INTO present
  FROM pg_namespace AS namespace
  WHERE namespace.nspname = :'schema';

  IF present.oid IS NULL THEN
    CREATE SCHEMA :schema;
  ELSIF present.version > :version THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU003',
      MESSAGE = format('The log in schema %I has version %s, and this auditrum knows versions up to %s.', :'schema', present.version, :version),
      HINT = 'Upgrade the auditrum packages of this program.';
  ELSIF present.version IS NULL AND (
    EXISTS (SELECT FROM pg_class WHERE relnamespace = present.oid)
    OR EXISTS (SELECT FROM pg_proc WHERE pronamespace = present.oid)
  ) THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU003',
      MESSAGE = format('The schema %I holds objects that auditrum did not create.', :'schema'),
      HINT = 'Choose another schema for the log with the option schema.';
  END IF;
END
$install$;
