-- From here to the end names mean what pg_catalog says, not what somebody has
-- put into a schema of the search_path. The end gives the path back.
DO $install$
BEGIN
  PERFORM pg_catalog.set_config('auditrum.search_path', pg_catalog.current_setting('search_path'), true);
  PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
END
$install$;

-- Refuses, before anything is changed, what the rest could not stand on, and
-- makes the schema. SQLSTATE AU003.
DO $install$
DECLARE
  present record;
  problem   record;
BEGIN
  IF pg_catalog.current_setting('search_path') <> 'pg_catalog, pg_temp' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU003',
      MESSAGE = 'The SQL that installs the log is not being run in one transaction.',
      HINT = 'Begin a transaction before it and commit after it, as psql does with -1.';
  END IF;
  IF pg_catalog.current_setting('server_version_num')::integer < 140000 THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU003',
      MESSAGE = pg_catalog.format('This server is PostgreSQL %s, and auditrum needs 14 or newer.', pg_catalog.current_setting('server_version')),
      HINT = 'Upgrade the server, or connect to a newer one.';
  END IF;

  SELECT namespace.oid, owner.oid AS owner_id, owner.rolname AS owner,
    owner.oid = role.oid OR (role.rolsuper AND owner.rolsuper) AS may_install,
    pg_catalog.to_regclass(':schema.audit_setting') AS lockable
  INTO present
  FROM pg_namespace AS namespace
  JOIN pg_roles AS owner ON owner.oid = namespace.nspowner
  CROSS JOIN pg_roles AS role
  WHERE namespace.nspname = :'schema' AND role.rolname = current_user;

  IF present.oid IS NULL THEN
    CREATE SCHEMA :schema;
    PERFORM pg_catalog.set_config('auditrum.present', '{}', true);
    RETURN;
  END IF;

  -- whoever owns the schema, or can create in it, decides what runs as the owner of the log
  IF NOT present.may_install THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU003',
      MESSAGE = pg_catalog.format('The schema %I belongs to %I, and the log is being installed by %I.', :'schema', present.owner, current_user),
      HINT = pg_catalog.format('Install it as %I, or hand the schema over first: ALTER SCHEMA %I OWNER TO %I.', present.owner, :'schema', current_user);
  END IF;

  IF present.lockable IS NOT NULL THEN
    -- one at a time; an advisory lock could be held by anybody
    LOCK TABLE :schema.audit_setting IN SHARE ROW EXCLUSIVE MODE;
  END IF;

  SELECT pg_catalog.substring(pg_catalog.obj_description(present.oid, 'pg_namespace'), '^auditrum schema version ([0-9]+)$')::integer AS version
  INTO problem;
  IF problem.version > :version THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU003',
      MESSAGE = pg_catalog.format('The log in schema %I has version %s, and this auditrum knows versions up to %s.', :'schema', problem.version, :version),
      HINT = 'Upgrade the auditrum packages of this program.';
  ELSIF problem.version IS NULL AND (
    EXISTS (SELECT FROM pg_class WHERE relnamespace = present.oid)
    OR EXISTS (SELECT FROM pg_proc WHERE pronamespace = present.oid)
  ) THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU003',
      MESSAGE = pg_catalog.format('The schema %I holds objects that auditrum did not create.', :'schema'),
      HINT = 'Choose another schema for the log with the option schema.';
  END IF;

  SELECT coalesce(pg_catalog.quote_ident(role.rolname), 'PUBLIC') AS name
  INTO problem
  FROM pg_namespace AS namespace
  CROSS JOIN pg_catalog.aclexplode(namespace.nspacl) AS privilege
  LEFT JOIN pg_roles AS role ON role.oid = privilege.grantee
  WHERE namespace.oid = present.oid AND privilege.privilege_type = 'CREATE'
    AND privilege.grantee <> present.owner_id AND role.rolsuper IS NOT TRUE
  LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU003',
      MESSAGE = pg_catalog.format('%s may create objects in the schema %I of the log.', problem.name, :'schema'),
      HINT = pg_catalog.format('Take that away first: REVOKE CREATE ON SCHEMA %I FROM %s.', :'schema', problem.name);
  END IF;

  SELECT object.name, owner.rolname AS owner
  INTO problem
  FROM (
    SELECT pg_catalog.format('%I.%I', :'schema', relname) AS name, relowner AS owner FROM pg_class WHERE relnamespace = present.oid
    UNION ALL
    SELECT oid::regprocedure::text, proowner FROM pg_proc WHERE pronamespace = present.oid
  ) AS object
  JOIN pg_roles AS owner ON owner.oid = object.owner
  WHERE object.owner <> present.owner_id AND NOT owner.rolsuper
  ORDER BY object.name
  LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU003',
      MESSAGE = pg_catalog.format('%s belongs to %I, and the schema of the log to %I.', problem.name, problem.owner, present.owner),
      HINT = pg_catalog.format('Drop it, or, if you know it to be of the log, hand it over first: ALTER ... OWNER TO %I.', present.owner);
  END IF;

  -- so that the end knows what is new
  PERFORM pg_catalog.set_config('auditrum.present', pg_catalog.array_agg(object.name)::text, true)
  FROM (
    SELECT 'pg_namespace ' || present.oid AS name
    UNION ALL SELECT 'pg_class ' || oid FROM pg_class WHERE relnamespace = present.oid
    UNION ALL SELECT 'pg_proc ' || oid FROM pg_proc WHERE pronamespace = present.oid
  ) AS object;
END
$install$;
