SELECT :schema.create_partitions();

INSERT INTO :schema.audit_setting (name, value)
VALUES ('schema_version', pg_catalog.to_jsonb(:version))
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- whoever may call it could attribute changes to others
REVOKE ALL ON FUNCTION :schema.write_context FROM PUBLIC;

-- readable by every role, unlike audit_setting
COMMENT ON SCHEMA :schema IS 'auditrum schema version :version';

DO $install$
BEGIN
  -- of what is new alone: what was granted since to those who read stays
  PERFORM :schema.make_private(object.catalogue, object.oid)
  FROM (
    SELECT 'pg_namespace'::regclass AS catalogue, oid FROM pg_namespace WHERE nspname = :'schema'
    UNION ALL SELECT 'pg_class'::regclass, oid FROM pg_class WHERE relnamespace = ':schema'::regnamespace
    UNION ALL SELECT 'pg_proc'::regclass, oid FROM pg_proc WHERE pronamespace = ':schema'::regnamespace
  ) AS object
  WHERE object.catalogue || ' ' || object.oid <> ALL (pg_catalog.current_setting('auditrum.present')::text[]);

  -- readers, as let_read has made them, need what is new as well
  PERFORM :schema.let_read(privilege.grantee::regrole)
  FROM pg_proc AS reading CROSS JOIN pg_catalog.aclexplode(reading.proacl) AS privilege
  WHERE reading.oid = ':schema.warn_of_gaps'::regproc AND privilege.grantee NOT IN (reading.proowner, 0);

  -- and so do those who keep the log, as let_maintain has made them
  PERFORM :schema.let_maintain(privilege.grantee::regrole)
  FROM pg_proc AS keeping CROSS JOIN pg_catalog.aclexplode(keeping.proacl) AS privilege
  WHERE keeping.oid = ':schema.maintain'::regproc AND privilege.grantee NOT IN (keeping.proowner, 0);

  -- and who may erase, as let_erase has made them
  PERFORM :schema.let_erase(privilege.grantee::regrole)
  FROM pg_proc AS erasing CROSS JOIN pg_catalog.aclexplode(erasing.proacl) AS privilege
  WHERE erasing.oid = ':schema.erase_row'::regproc AND privilege.grantee NOT IN (erasing.proowner, 0);

  -- all that harden gave: a function that was dropped to be made anew has lost its rights
  PERFORM :schema.let_read(role.oid),
    CASE WHEN role.rolname = known.given ->> 'admin' THEN :schema.let_maintain(role.oid) END
  FROM pg_catalog.jsonb_each(:schema.hardened()) AS known (app, given)
  JOIN pg_roles AS role ON role.rolname = known.given ->> 'admin' OR role.rolname = known.app AND (known.given -> 'letRead')::boolean
  WHERE role.oid <> (SELECT nspowner FROM pg_namespace WHERE nspname = :'schema');

  PERFORM pg_catalog.set_config('search_path', pg_catalog.current_setting('auditrum.search_path'), true);
END
$install$;
