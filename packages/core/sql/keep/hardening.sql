-- What hardening has to know and to change: one JSON document. Qualified, and
-- with operands of the operators' own types, for the reason given in
-- install/catalogue.sql.
--   $1: the application's role
--   $2: the role that maintains and reads, or null
--   $3: who is to own the log, or null for who owns it now
--   $4, $5: as $2 and $3 of rights.sql
WITH RECURSIVE log_schema AS (
  SELECT oid, nspname, nspowner, nspacl, pg_catalog.format('%I', nspname) AS name
  FROM pg_catalog.pg_namespace WHERE nspname = :'schema'
), me AS (
  SELECT oid, rolname, rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user
), app AS (
  SELECT oid, rolname, rolsuper FROM pg_catalog.pg_roles WHERE rolname = $1::text
), owner AS (
  SELECT role.oid, role.rolname, role.rolsuper
  FROM log_schema JOIN pg_catalog.pg_roles AS role
    ON CASE WHEN $3::text IS NULL THEN role.oid = log_schema.nspowner ELSE role.rolname = $3::text END
), can AS (
  -- the application's role, and those that it is a member of
  SELECT role.oid, role.rolname AS name
  FROM app JOIN pg_catalog.pg_roles AS role
    ON role.oid = app.oid OR NOT app.rolsuper AND pg_catalog.pg_has_role(app.oid, role.oid, 'MEMBER')
), relation AS (
  SELECT class.oid, class.relkind, class.relname, class.relowner AS owner, class.relacl AS acl,
    pg_catalog.format('%s.%I', log_schema.name, class.relname) AS name,
    CASE class.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind
  FROM log_schema JOIN pg_catalog.pg_class AS class ON class.relnamespace = log_schema.oid
  WHERE class.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
), routine AS (
  SELECT function.oid, function.proname, function.proowner AS owner, function.proconfig, function.prosecdef,
    coalesce(function.proacl, pg_catalog.acldefault('f', function.proowner)) AS acl,
    pg_catalog.format('%s.%I(%s)', log_schema.name, function.proname, pg_catalog.pg_get_function_identity_arguments(function.oid)) AS name
  FROM log_schema JOIN pg_catalog.pg_proc AS function ON function.pronamespace = log_schema.oid
), capture AS (
  SELECT routine.oid, routine.name FROM routine WHERE routine.proname::text ~ '^capture_[0-9]+$'
), audited (oid, capture) AS (
  SELECT trigger.tgrelid, capture.oid
  FROM capture JOIN pg_catalog.pg_trigger AS trigger ON trigger.tgfoid = capture.oid
  UNION
  SELECT inherits.inhrelid, audited.capture
  FROM audited JOIN pg_catalog.pg_inherits AS inherits ON inherits.inhparent = audited.oid
), recorded AS (
  SELECT DISTINCT class.oid, class.relowner AS owner, class.relacl AS acl, namespace.oid AS namespace, namespace.nspname,
    pg_catalog.format('%I.%I', namespace.nspname, class.relname) AS name
  FROM audited
  JOIN pg_catalog.pg_class AS class ON class.oid = audited.oid AND class.relkind IN ('r', 'p')
  JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
), part (type_id) AS (
  SELECT attribute.atttypid
  FROM recorded JOIN pg_catalog.pg_attribute AS attribute ON attribute.attrelid = recorded.oid
  WHERE attribute.attnum > 0 AND NOT attribute.attisdropped
  UNION
  SELECT inner_part.type_id
  FROM part
  JOIN pg_catalog.pg_type AS type ON type.oid = part.type_id
  CROSS JOIN LATERAL (
    SELECT type.typbasetype AS type_id WHERE type.typtype = 'd'::"char"
    UNION ALL SELECT type.typelem WHERE type.typelem <> 0::oid
    UNION ALL
    SELECT attribute.atttypid FROM pg_catalog.pg_attribute AS attribute
    WHERE attribute.attrelid = type.typrelid AND type.typtype = 'c'::"char" AND attribute.attnum > 0 AND NOT attribute.attisdropped
  ) AS inner_part
), taken_type AS (
  -- those that the application owns
  SELECT pg_catalog.format('%I.%I', namespace.nspname, type.typname) AS name, type.typnamespace AS namespace, type.typowner AS owner
  FROM part
  JOIN pg_catalog.pg_type AS type ON type.oid = part.type_id
  JOIN can ON can.oid = type.typowner
  JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = type.typnamespace
  LEFT JOIN pg_catalog.pg_class AS class ON class.oid = type.typrelid
  -- arrays go with their elements, rows with their tables
  WHERE type.typelem = 0::oid AND (class.oid IS NULL OR class.relkind = 'c')
), granted AS (
  SELECT 'SCHEMA' AS kind, log_schema.name, log_schema.nspowner AS owner, privilege.grantee, privilege.grantor,
    privilege.privilege_type = 'USAGE' AS is_reading
  FROM log_schema CROSS JOIN pg_catalog.aclexplode(log_schema.nspacl) AS privilege
  UNION ALL
  SELECT relation.kind, relation.name, relation.owner, privilege.grantee, privilege.grantor,
    relation.relname IN ('auditlog', 'contexts', 'purges', 'erasures', 'audit_seal', 'audit_leaf') AND privilege.privilege_type = 'SELECT'
  FROM relation CROSS JOIN pg_catalog.aclexplode(relation.acl) AS privilege
  UNION ALL
  SELECT relation.kind, relation.name, relation.owner, privilege.grantee, privilege.grantor,
    relation.relname = 'audit_event' AND attribute.attname = 'id' AND privilege.privilege_type = 'SELECT'
  FROM relation
  JOIN pg_catalog.pg_attribute AS attribute ON attribute.attrelid = relation.oid
  CROSS JOIN pg_catalog.aclexplode(attribute.attacl) AS privilege
  UNION ALL
  SELECT 'ROUTINE', routine.name, routine.owner, privilege.grantee, privilege.grantor,
    routine.proname IN (SELECT pg_catalog.json_array_elements_text($4::text::json))
  FROM routine CROSS JOIN pg_catalog.aclexplode(routine.acl) AS privilege
  -- who owns a tracked table must be allowed what the triggers of its partitions call
  WHERE NOT EXISTS (
    SELECT FROM audited JOIN recorded ON recorded.oid = audited.oid
    WHERE audited.capture = routine.oid AND recorded.owner = privilege.grantee
  )
)
SELECT pg_catalog.json_build_object(
  'server', pg_catalog.current_setting('server_version_num')::integer,
  'role', (SELECT rolname FROM me),
  'isSuperuser', (SELECT rolsuper FROM me),
  'holder', (SELECT pg_catalog.pg_get_userbyid(nspowner) FROM log_schema),  -- who owns it now
  'mayChange', (SELECT pg_catalog.pg_has_role(me.oid, log_schema.nspowner, 'USAGE') FROM me CROSS JOIN log_schema),
  'owner', (SELECT pg_catalog.json_build_object('name', rolname, 'isSuperuser', rolsuper) FROM owner),
  'app', (SELECT pg_catalog.json_build_object('name', rolname, 'isSuperuser', rolsuper) FROM app),
  'admin', (SELECT pg_catalog.json_build_object('name', rolname, 'isSuperuser', rolsuper) FROM pg_catalog.pg_roles WHERE rolname = $2::text),
  'memberOf', (SELECT coalesce(pg_catalog.json_agg(name ORDER BY name), '[]') FROM can WHERE name <> $1::text),
  'superusers', (
    SELECT coalesce(pg_catalog.json_agg(role.rolname ORDER BY role.rolname), '[]')
    FROM can JOIN pg_catalog.pg_roles AS role ON role.oid = can.oid
    WHERE role.rolsuper AND can.name <> $1::text
  ),
  'settings', :schema.hardened(),
  -- what would run, or hide rows, where nothing of the kind is ours
  'foreign', (
    SELECT coalesce(pg_catalog.json_agg(found.what ORDER BY found.what), '[]')
    FROM (
      SELECT pg_catalog.format('the trigger %I of %s', trigger.tgname, relation.name) AS what
      FROM relation JOIN pg_catalog.pg_trigger AS trigger ON trigger.tgrelid = relation.oid
      WHERE NOT trigger.tgisinternal
      UNION ALL
      SELECT pg_catalog.format('the rule %I of %s', rule.rulename, relation.name)
      FROM relation JOIN pg_catalog.pg_rewrite AS rule ON rule.ev_class = relation.oid
      WHERE rule.rulename <> '_RETURN'
      UNION ALL
      SELECT 'FORCE ROW LEVEL SECURITY of ' || relation.name
      FROM relation JOIN pg_catalog.pg_class AS class ON class.oid = relation.oid
      WHERE class.relforcerowsecurity
      UNION ALL
      SELECT 'the search_path of ' || routine.name
      FROM routine
      WHERE (routine.prosecdef OR routine.proname IN ('let_read', 'let_maintain', 'make_private'))
        AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (routine.proconfig), false)
    ) AS found
  ),
  'revoked', (
    SELECT coalesce(pg_catalog.json_agg(revoked ORDER BY revoked.kind DESC, revoked.name, revoked.grantee), '[]')
    FROM (
      SELECT granted.kind, granted.name, coalesce(pg_catalog.quote_ident(can.name), 'PUBLIC') AS grantee,
        pg_catalog.bool_and(granted.is_reading) AS "isReading",
        -- who passed it on, and could again
        (pg_catalog.array_agg(DISTINCT pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(granted.grantor)))
          FILTER (WHERE granted.grantor <> granted.owner)) AS grantors
      FROM granted LEFT JOIN can ON can.oid = granted.grantee
      WHERE (can.oid IS NOT NULL OR granted.grantee = 0::oid) AND granted.grantee <> granted.owner
      GROUP BY granted.kind, granted.name, can.name
    ) AS revoked
  ),
  'defaults', (
    -- for objects that are made in this schema later; those for all schemas are taken back when ours are made
    SELECT coalesce(pg_catalog.json_agg(DISTINCT pg_catalog.format(
      'ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA %s REVOKE ALL ON %s FROM %s',
      pg_catalog.pg_get_userbyid(defaults.defaclrole), log_schema.name,
      CASE defaults.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' ELSE 'FUNCTIONS' END,
      coalesce(pg_catalog.quote_ident(can.name), 'PUBLIC')
    )), '[]')
    FROM log_schema
    JOIN pg_catalog.pg_default_acl AS defaults ON defaults.defaclnamespace = log_schema.oid
    CROSS JOIN pg_catalog.aclexplode(defaults.defaclacl) AS privilege
    LEFT JOIN can ON can.oid = privilege.grantee
    WHERE defaults.defaclobjtype IN ('r', 'S', 'f') AND (can.oid IS NOT NULL OR privilege.grantee = 0::oid)
  ),
  -- in the order in which every write locks them: contexts before events
  'moved', (
    SELECT coalesce(pg_catalog.json_agg(moved.statement ORDER BY moved.position, moved.name), '[]')
    FROM owner CROSS JOIN LATERAL (
      SELECT 0 AS position, log_schema.name, pg_catalog.format('ALTER SCHEMA %s OWNER TO %I', log_schema.name, owner.rolname) AS statement
      FROM log_schema WHERE log_schema.nspowner <> owner.oid
      UNION ALL
      SELECT CASE WHEN relation.relkind = 'v' THEN 2 ELSE 1 END, relation.name,
        pg_catalog.format('ALTER %s %s OWNER TO %I', CASE relation.relkind WHEN 'v' THEN 'VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, relation.name, owner.rolname)
      FROM relation
      WHERE relation.owner <> owner.oid
        -- a sequence that belongs to a column goes with its table
        AND NOT EXISTS (
          SELECT FROM pg_catalog.pg_depend AS owned
          WHERE owned.classid = 'pg_catalog.pg_class'::regclass::oid AND owned.objid = relation.oid
            AND relation.relkind = 'S' AND owned.deptype IN ('a', 'i')
        )
      UNION ALL
      SELECT 3, routine.name, pg_catalog.format('ALTER ROUTINE %s OWNER TO %I', routine.name, owner.rolname)
      FROM routine WHERE routine.owner <> owner.oid
    ) AS moved
  ),
  'foreignOwners', (
    -- the application's role and those that it can become, as owners of the log
    SELECT coalesce(pg_catalog.json_agg(DISTINCT can.name), '[]')
    FROM can
    WHERE can.oid IN (SELECT nspowner FROM log_schema) OR can.oid IN (SELECT owner FROM relation) OR can.oid IN (SELECT owner FROM routine)
  ),
  'ownerWithin', (SELECT coalesce(pg_catalog.json_agg(can.name), '[]') FROM can JOIN owner ON owner.oid = can.oid),
  'adminWithin', (SELECT coalesce(pg_catalog.json_agg(can.name), '[]') FROM can WHERE can.name = $2::text),
  -- by which others decide what happens to rows, or what runs as the owner of a table
  'rowRights', (
    SELECT coalesce(pg_catalog.json_agg(DISTINCT pg_catalog.jsonb_build_object(
      'statement', pg_catalog.format('REVOKE %s ON %s FROM %s', privilege.privilege_type, recorded.name, coalesce(pg_catalog.quote_ident(can.name), 'PUBLIC')),
      'mayRevoke', (SELECT pg_catalog.pg_has_role(me.oid, recorded.owner, 'USAGE') FROM me),
      -- a foreign key to a table may call a cast, as its owner: that is for tables of the owner of the log
      'isTaken', privilege.privilege_type = 'REFERENCES'::text AND recorded.owner NOT IN (SELECT oid FROM owner)
    )), '[]')
    FROM recorded
    CROSS JOIN LATERAL (
      SELECT own.grantee, own.privilege_type FROM pg_catalog.aclexplode(recorded.acl) AS own
      UNION
      SELECT own.grantee, own.privilege_type
      FROM pg_catalog.pg_attribute AS attribute CROSS JOIN pg_catalog.aclexplode(attribute.attacl) AS own
      WHERE attribute.attrelid = recorded.oid
    ) AS privilege
    LEFT JOIN can ON can.oid = privilege.grantee
    WHERE (privilege.privilege_type = 'TRIGGER'::text
        OR privilege.privilege_type = 'REFERENCES'::text AND recorded.owner IN (SELECT oid FROM owner UNION ALL SELECT oid FROM can))
      AND privilege.grantee <> recorded.owner
      AND (can.oid IS NOT NULL OR privilege.grantee = 0::oid)
      -- sync creates triggers by it
      AND privilege.grantee NOT IN (SELECT oid FROM owner)
  ),
  'tables', (
    -- what the application owns of what is recorded, and what it is to keep of that
    SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', recorded.name,
      'owner', pg_catalog.quote_ident(can.name),
      'sequences', (
        SELECT coalesce(pg_catalog.json_agg(pg_catalog.format('%I.%I', namespace.nspname, sequence.relname)), '[]')
        FROM pg_catalog.pg_depend AS owned
        JOIN pg_catalog.pg_class AS sequence ON sequence.oid = owned.objid AND sequence.relkind = 'S'
        JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = sequence.relnamespace
        WHERE owned.classid = 'pg_catalog.pg_class'::regclass::oid AND owned.refclassid = 'pg_catalog.pg_class'::regclass::oid
          AND owned.refobjid = recorded.oid AND owned.deptype IN ('a', 'i')
      ),
      'captures', (
        SELECT coalesce(pg_catalog.json_agg(DISTINCT capture.name), '[]')
        FROM audited JOIN capture ON capture.oid = audited.capture WHERE audited.oid = recorded.oid
      )
    ) ORDER BY recorded.name), '[]')
    FROM recorded JOIN can ON can.oid = recorded.owner
  ),
  'types', (
    SELECT coalesce(pg_catalog.json_agg(DISTINCT taken_type.name), '[]') FROM taken_type
  ),
  -- what whoever is no superuser lacks to hand these over
  'handingNeeds', (
    SELECT coalesce(pg_catalog.json_agg(DISTINCT need.what ORDER BY need.what), '[]')
    FROM me CROSS JOIN owner CROSS JOIN LATERAL (
      SELECT pg_catalog.format('CREATE on the schema %1$s for %2$I (GRANT CREATE ON SCHEMA %1$s TO %2$I)', pg_catalog.quote_ident(namespace.nspname), owner.rolname) AS what
      FROM pg_catalog.pg_namespace AS namespace
      WHERE namespace.oid IN (
          SELECT recorded.namespace FROM recorded JOIN can ON can.oid = recorded.owner
          UNION ALL SELECT taken_type.namespace FROM taken_type
        ) AND NOT pg_catalog.has_schema_privilege(owner.oid, namespace.oid, 'CREATE')
      UNION ALL
      SELECT pg_catalog.format('the rights of %I for %I, who runs this', can.name, me.rolname)
      FROM can
      WHERE can.oid IN (SELECT recorded.owner FROM recorded UNION ALL SELECT taken_type.owner FROM taken_type)
        AND NOT pg_catalog.pg_has_role(me.oid, can.oid, 'USAGE')
      UNION ALL
      SELECT pg_catalog.format('SET ROLE %1$I for %2$I, who runs this (GRANT %1$I TO %2$I)', owner.rolname, me.rolname)
      WHERE NOT pg_catalog.pg_has_role(me.oid, owner.oid,
        CASE WHEN pg_catalog.current_setting('server_version_num')::integer >= 160000 THEN 'SET' ELSE 'MEMBER' END)
    ) AS need
    WHERE NOT me.rolsuper AND EXISTS (SELECT FROM recorded JOIN can ON can.oid = recorded.owner UNION ALL SELECT FROM taken_type)
  ),
  -- what the owner of the log needs so that it can go on tracking
  'ownerNeeds', (
    SELECT coalesce(pg_catalog.json_agg(need.statement ORDER BY need.statement), '[]')
    FROM owner CROSS JOIN LATERAL (
      SELECT pg_catalog.format('GRANT TRIGGER ON %s TO %I', recorded.name, owner.rolname) AS statement
      FROM recorded CROSS JOIN me
      WHERE NOT pg_catalog.has_table_privilege(owner.oid, recorded.oid, 'TRIGGER') AND pg_catalog.pg_has_role(me.oid, recorded.owner, 'USAGE')
      UNION
      SELECT pg_catalog.format('GRANT USAGE ON SCHEMA %I TO %I', recorded.nspname, owner.rolname)
      FROM recorded CROSS JOIN me JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = recorded.namespace
      WHERE NOT pg_catalog.has_schema_privilege(owner.oid, namespace.oid, 'USAGE') AND pg_catalog.pg_has_role(me.oid, namespace.nspowner, 'USAGE')
    ) AS need
  ),
  -- and who owns a table, so that the triggers of new partitions may call its function
  'callers', (
    SELECT coalesce(pg_catalog.json_agg(DISTINCT pg_catalog.jsonb_build_object(
      'table', recorded.name,
      'statement', pg_catalog.format('GRANT EXECUTE ON ROUTINE %s TO %I', routine.name, pg_catalog.pg_get_userbyid(recorded.owner))
    )), '[]')
    FROM owner
    CROSS JOIN recorded
    JOIN audited ON audited.oid = recorded.oid
    JOIN routine ON routine.oid = audited.capture
    WHERE recorded.owner <> owner.oid
      -- what it could as the owner of the function it cannot when that has gone over
      AND (recorded.owner = routine.owner OR NOT pg_catalog.has_function_privilege(recorded.owner, routine.oid, 'EXECUTE'))
  ),
  'mayRead', (
    SELECT pg_catalog.json_object_agg(reader.rolname,
      pg_catalog.has_schema_privilege(reader.oid, log_schema.oid, 'USAGE')
      AND NOT EXISTS (
        SELECT FROM routine
        WHERE routine.proname IN (SELECT pg_catalog.json_array_elements_text($4::text::json))
          AND NOT pg_catalog.has_function_privilege(reader.oid, routine.oid, 'EXECUTE')
      )
      AND NOT EXISTS (
        SELECT FROM relation
        WHERE relation.relname IN ('auditlog', 'contexts', 'purges', 'erasures', 'audit_seal', 'audit_leaf') AND NOT pg_catalog.has_table_privilege(reader.oid, relation.oid, 'SELECT')
      ))
    FROM log_schema CROSS JOIN pg_catalog.pg_roles AS reader
    WHERE reader.rolname IN ($1::text, $2::text)
  ),
  'mayMaintain', NOT EXISTS (
    SELECT FROM pg_catalog.pg_roles AS admin CROSS JOIN routine
    WHERE admin.rolname = $2::text
      AND routine.proname IN (SELECT pg_catalog.json_array_elements_text($5::text::json))
      AND NOT pg_catalog.has_function_privilege(admin.oid, routine.oid, 'EXECUTE')
  )
)::text AS facts
