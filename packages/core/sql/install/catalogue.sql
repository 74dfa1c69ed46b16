-- All that plan, sync and status ask of the catalogue, as one JSON document, in
-- one snapshot. Reads pg_catalog alone, so every role may run it; no function
-- of ours is called, for a hardened role may not. It runs under the search_path
-- of the caller, which to_regclass needs: hence every function is qualified, and
-- no operator has operands of other types than it is defined for, because else
-- one that somebody has put into that path would fit better and be called.
--   $1: JSON array of declared names, quoted for to_regclass
--   $2: JSON array of schemas of which every table is declared
--   $3: JSON array of [key, schema or null, table]: names of tables that are
--       not to be tracked. Not for to_regclass, which asks for a right on the schema
WITH RECURSIVE log_schema AS (
  SELECT oid, nspname, nspowner, nspacl FROM pg_catalog.pg_namespace WHERE nspname = :'schema'
), capture AS (
  SELECT function.oid, pg_catalog.substr(function.proname, pg_catalog.length('capture_') + 1)::integer AS id,
    pg_catalog.obj_description(function.oid, 'pg_proc') AS stamp,
    pg_catalog.md5(function.prosrc) AS source, function.prosecdef, function.proconfig
  FROM pg_catalog.pg_proc AS function
  JOIN log_schema ON log_schema.oid = function.pronamespace
  WHERE function.proname::text ~ '^capture_[0-9]+$'
), carrier AS (
  -- the table of each capture function: the one that inherits from no other carrier; of several,
  -- a child that left its parent kept the parent's trigger, the oldest
  SELECT DISTINCT ON (capture.id) capture.id, trigger.tgrelid AS oid
  FROM capture
  JOIN pg_catalog.pg_trigger AS trigger ON trigger.tgfoid = capture.oid AND trigger.tgparentid = 0::oid
  WHERE NOT EXISTS (
    SELECT FROM pg_catalog.pg_inherits AS inherits
    JOIN pg_catalog.pg_trigger AS above ON above.tgrelid = inherits.inhparent AND above.tgfoid = capture.oid
    WHERE inherits.inhrelid = trigger.tgrelid
  )
  ORDER BY capture.id, trigger.tgname = :'trigger' DESC, trigger.oid
), declared AS (
  SELECT name, pg_catalog.to_regclass(name)::oid AS oid FROM pg_catalog.json_array_elements_text($1::text::json) AS name
), swept AS (
  SELECT class.oid
  FROM pg_catalog.pg_class AS class
  JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
  WHERE namespace.nspname IN (SELECT pg_catalog.json_array_elements_text($2::text::json))
    AND class.relkind IN ('r', 'p') AND NOT class.relispartition
    AND NOT EXISTS (
      -- tables of extensions are not the application's
      SELECT FROM pg_catalog.pg_depend
      WHERE classid = 'pg_catalog.pg_class'::regclass::oid AND objid = class.oid AND deptype = 'e'
    )
), wanted AS (
  SELECT oid FROM declared WHERE oid IS NOT NULL
  UNION SELECT oid FROM swept
  UNION SELECT oid FROM carrier
), tree (root, oid, depth, is_partition) AS (
  SELECT oid, oid, 0, false FROM wanted
  UNION
  SELECT tree.root, inherits.inhrelid, tree.depth + 1, class.relispartition
  FROM tree
  JOIN pg_catalog.pg_inherits AS inherits ON inherits.inhparent = tree.oid
  JOIN pg_catalog.pg_class AS class ON class.oid = inherits.inhrelid
  WHERE class.relkind IN ('r', 'p')
    -- a child that is tracked itself, or with another parent, is not recorded with this one
    AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_trigger AS trigger
      JOIN capture ON capture.oid = trigger.tgfoid
      JOIN carrier ON carrier.id = capture.id
      WHERE trigger.tgrelid = inherits.inhrelid AND trigger.tgname = :'trigger' AND carrier.oid <> tree.root
        AND (carrier.oid = inherits.inhrelid OR EXISTS (
          SELECT FROM pg_catalog.pg_inherits AS other
          WHERE other.inhrelid = inherits.inhrelid AND other.inhparent = carrier.oid
        ))
    )
)
SELECT pg_catalog.json_build_object(
  'server', pg_catalog.current_setting('server_version_num')::integer,
  'role', current_user,
  'mayCreateSchema', pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'),
  'schema', (
    SELECT pg_catalog.json_build_object(
      'owner', pg_catalog.pg_get_userbyid(nspowner),
      'mayInstall', (
        SELECT owner.oid = role.oid OR (owner.rolsuper AND role.rolsuper)
        FROM pg_catalog.pg_roles AS owner CROSS JOIN pg_catalog.pg_roles AS role
        WHERE owner.oid = nspowner AND role.rolname = current_user
      ),
      -- those who could put functions of their own beside ours
      'creators', (
        SELECT coalesce(pg_catalog.json_agg(coalesce(pg_catalog.quote_ident(role.rolname), 'PUBLIC')), '[]')
        FROM pg_catalog.aclexplode(nspacl) AS privilege
        LEFT JOIN pg_catalog.pg_roles AS role ON role.oid = privilege.grantee
        WHERE privilege.privilege_type = 'CREATE' AND privilege.grantee <> nspowner AND role.rolsuper IS NOT TRUE
      ),
      'foreign', (
        SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('name', object.name, 'owner', owner.rolname) ORDER BY object.name), '[]')
        FROM (
          SELECT relname::text AS name, relowner AS owner FROM pg_catalog.pg_class WHERE relnamespace = log_schema.oid
          UNION ALL
          SELECT pg_catalog.format('%s(%s)', proname, pg_catalog.pg_get_function_identity_arguments(oid)), proowner
          FROM pg_catalog.pg_proc WHERE pronamespace = log_schema.oid
        ) AS object
        JOIN pg_catalog.pg_roles AS owner ON owner.oid = object.owner
        WHERE object.owner <> nspowner AND NOT owner.rolsuper
      ),
      'comment', pg_catalog.obj_description(oid, 'pg_namespace'),
      'isEmpty', NOT EXISTS (SELECT FROM pg_catalog.pg_class WHERE relnamespace = log_schema.oid)
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_proc WHERE pronamespace = log_schema.oid)
    )
    FROM log_schema
  ),
  -- who else may change the log, or have it changed
  'writers', (
    SELECT coalesce(pg_catalog.json_agg(writer ORDER BY writer.object, writer.role), '[]')
    FROM (
      SELECT kind, object, coalesce(pg_catalog.quote_ident(role.rolname), 'PUBLIC') AS role,
        pg_catalog.string_agg(DISTINCT privilege_type, ', '::text ORDER BY privilege_type) AS privileges
      FROM (
        SELECT CASE WHEN class.relkind = 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind, class.relname::text AS object,
          class.relowner AS owner, privilege.grantee, privilege.privilege_type
        FROM log_schema
        JOIN pg_catalog.pg_class AS class ON class.relnamespace = log_schema.oid
        CROSS JOIN pg_catalog.aclexplode(class.relacl) AS privilege
        WHERE class.relkind IN ('r', 'p', 'v', 'S')
        UNION ALL
        SELECT 'TABLE', class.relname::text, class.relowner, privilege.grantee, privilege.privilege_type
        FROM log_schema
        JOIN pg_catalog.pg_class AS class ON class.relnamespace = log_schema.oid
        JOIN pg_catalog.pg_attribute AS attribute ON attribute.attrelid = class.oid
        CROSS JOIN pg_catalog.aclexplode(attribute.attacl) AS privilege
        UNION ALL
        SELECT 'FUNCTION', pg_catalog.format('%s(%s)', function.proname, pg_catalog.pg_get_function_identity_arguments(function.oid)),
          function.proowner, privilege.grantee, privilege.privilege_type
        FROM log_schema
        JOIN pg_catalog.pg_proc AS function ON function.pronamespace = log_schema.oid
        CROSS JOIN pg_catalog.aclexplode(coalesce(function.proacl, pg_catalog.acldefault('f', function.proowner))) AS privilege
        WHERE function.proname = 'write_context'
          -- the owner of a table may call its function: partitions that are made by it need that
          OR (function.oid IN (SELECT capture.oid FROM capture) AND NOT EXISTS (
            SELECT FROM capture
            JOIN carrier ON carrier.id = capture.id
            JOIN tree ON tree.root = carrier.oid
            JOIN pg_catalog.pg_class AS class ON class.oid = tree.oid
            WHERE capture.oid = function.oid AND class.relowner = privilege.grantee
          ))
      ) AS granted
      LEFT JOIN pg_catalog.pg_roles AS role ON role.oid = granted.grantee
      WHERE granted.grantee <> granted.owner
        AND granted.privilege_type IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER', 'EXECUTE')
      GROUP BY granted.kind, granted.object, role.rolname
    ) AS writer
  ),
  'relations', (
    SELECT coalesce(pg_catalog.json_agg(class.relname), '[]')
    FROM pg_catalog.pg_class AS class JOIN log_schema ON log_schema.oid = class.relnamespace
    WHERE class.relkind IN ('r', 'p', 'v')
  ),
  'functions', (
    SELECT coalesce(pg_catalog.json_object_agg(function.proname, pg_catalog.md5(function.prosrc)), '{}')
    FROM pg_catalog.pg_proc AS function JOIN log_schema ON log_schema.oid = function.pronamespace
    WHERE function.oid NOT IN (SELECT oid FROM capture)
  ),
  'captures', (
    SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
      'id', capture.id,
      'table', (SELECT carrier.oid::text FROM carrier WHERE carrier.id = capture.id),
      -- tables that left the tree and kept its triggers
      'strays', (
        SELECT coalesce(pg_catalog.json_agg(DISTINCT pg_catalog.format('%I.%I', namespace.nspname, class.relname)), '[]')
        FROM pg_catalog.pg_trigger AS trigger
        JOIN pg_catalog.pg_class AS class ON class.oid = trigger.tgrelid
        JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
        WHERE trigger.tgfoid = capture.oid AND NOT EXISTS (
          SELECT FROM tree JOIN carrier ON carrier.oid = tree.root
          WHERE carrier.id = capture.id AND tree.oid = trigger.tgrelid
        )
      ),
      'stamp', capture.stamp,
      'source', capture.source,
      'securityDefiner', capture.prosecdef,
      'settings', capture.proconfig,
      'label', (
        SELECT pg_catalog.md5(function.prosrc)
        FROM pg_catalog.pg_proc AS function JOIN log_schema ON log_schema.oid = function.pronamespace
        WHERE function.proname::text = 'label_' || capture.id::text AND function.prosecdef
      )
    ) ORDER BY capture.id), '[]')
    FROM capture
  ),
  'declared', (SELECT coalesce(pg_catalog.json_object_agg(name, oid::text), '{}') FROM declared),
  'schemas', (
    SELECT coalesce(pg_catalog.json_agg(nspname), '[]') FROM pg_catalog.pg_namespace
    WHERE nspname IN (SELECT pg_catalog.json_array_elements_text($2::text::json))
  ),
  'named', (
    SELECT coalesce(pg_catalog.json_object_agg(name ->> 0, CASE
        WHEN name ->> 1 IS NULL THEN pg_catalog.to_regclass(pg_catalog.quote_ident(name ->> 2))::oid::text
        ELSE (
          SELECT class.oid::text
          FROM pg_catalog.pg_class AS class
          JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
          WHERE namespace.nspname = name ->> 1 AND class.relname = name ->> 2
        )
      END), '{}')
    FROM pg_catalog.json_array_elements($3::text::json) AS name
  ),
  'swept', (SELECT coalesce(pg_catalog.json_agg(oid::text), '[]') FROM swept),
  'tables', (
    SELECT coalesce(pg_catalog.json_object_agg(class.oid::text, pg_catalog.json_build_object(
      'schema', namespace.nspname,
      'table', class.relname,
      'kind', class.relkind,
      'isTemporary', class.relpersistence = 't',
      'isPartition', class.relispartition,
      'above', (
        WITH RECURSIVE above (oid) AS (
          SELECT inhparent FROM pg_catalog.pg_inherits WHERE inhrelid = class.oid
          UNION
          SELECT inherits.inhparent
          FROM above JOIN pg_catalog.pg_inherits AS inherits ON inherits.inhrelid = above.oid
        )
        SELECT coalesce(pg_catalog.json_agg(above.oid::text), '[]') FROM above
      ),
      -- types that are made into json by a function of somebody else's, which would run as the
      -- owner of the log
      'foreignCasts', (
        WITH RECURSIVE part (type_id) AS (
          SELECT atttypid FROM pg_catalog.pg_attribute WHERE attrelid = class.oid AND attnum > 0 AND NOT attisdropped
          UNION
          SELECT inner_part.type_id
          FROM part
          JOIN pg_catalog.pg_type AS type ON type.oid = part.type_id
          CROSS JOIN LATERAL (
            SELECT type.typbasetype AS type_id WHERE type.typtype = 'd'::"char"
            UNION ALL SELECT type.typelem WHERE type.typelem <> 0::oid
            UNION ALL
            SELECT atttypid FROM pg_catalog.pg_attribute
            WHERE attrelid = type.typrelid AND type.typtype = 'c'::"char" AND attnum > 0 AND NOT attisdropped
          ) AS inner_part
        )
        SELECT coalesce(pg_catalog.json_agg(pg_catalog.format_type(part.type_id, NULL::integer)), '[]')
        FROM part
        JOIN pg_catalog.pg_cast AS conversion ON conversion.castsource = part.type_id AND conversion.casttarget = 'json'::regtype::oid
        JOIN pg_catalog.pg_proc AS function ON function.oid = conversion.castfunc
        JOIN pg_catalog.pg_roles AS owner ON owner.oid = function.proowner
        WHERE part.type_id >= 16384::oid AND NOT owner.rolsuper
          AND function.proowner <> coalesce(
            (SELECT nspowner FROM log_schema),
            (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user)
          )
      ),
      'mayTrigger', pg_catalog.has_table_privilege(class.oid, 'TRIGGER'),
      'columns', (
        SELECT coalesce(pg_catalog.json_agg(attname ORDER BY attnum), '[]')
        FROM pg_catalog.pg_attribute
        WHERE attrelid = class.oid AND attnum > 0 AND NOT attisdropped
      ),
      -- as functions/column_list.sql writes it
      'columnList', (
        SELECT coalesce(pg_catalog.json_agg(
            pg_catalog.concat_ws(' ', attribute.attname, type_namespace.nspname, type.typname, nullif(attribute.atttypmod, -1), nullif(attribute.attgenerated, ''))
            ORDER BY attribute.attnum
          ), '[]')
        FROM pg_catalog.pg_attribute AS attribute
        JOIN pg_catalog.pg_type AS type ON type.oid = attribute.atttypid
        JOIN pg_catalog.pg_namespace AS type_namespace ON type_namespace.oid = type.typnamespace
        WHERE attribute.attrelid = class.oid AND attribute.attnum > 0 AND NOT attribute.attisdropped
      ),
      'key', (
        SELECT coalesce(pg_catalog.json_agg(attribute.attname ORDER BY key.position), '[]')
        FROM pg_catalog.pg_index AS index
        CROSS JOIN pg_catalog.unnest(index.indkey::smallint[]) WITH ORDINALITY AS key (attnum, position)
        JOIN pg_catalog.pg_attribute AS attribute ON attribute.attrelid = index.indrelid AND attribute.attnum = key.attnum
        WHERE index.indrelid = class.oid AND index.indisprimary AND key.position <= index.indnkeyatts
      ),
      'tree', (
        SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
          'name', pg_catalog.format('%I.%I', branch_namespace.nspname, branch.relname),
          'isPartition', tree.is_partition,
          'triggers', (
            SELECT coalesce(pg_catalog.json_object_agg(trigger.tgname, pg_catalog.json_build_object(
              'capture', capture.id,
              'type', trigger.tgtype,
              'enabled', trigger.tgenabled,
              'isConditional', trigger.tgqual IS NOT NULL OR pg_catalog.cardinality(trigger.tgattr::smallint[]) > 0
            )), '{}')
            FROM pg_catalog.pg_trigger AS trigger
            JOIN capture ON capture.oid = trigger.tgfoid
            WHERE trigger.tgrelid = branch.oid
          ),
          -- AFTER ROW triggers of the application that fire before ours
          'earlier', (
            SELECT coalesce(pg_catalog.json_agg(trigger.tgname ORDER BY trigger.tgname), '[]')
            FROM pg_catalog.pg_trigger AS trigger
            WHERE trigger.tgrelid = branch.oid AND NOT trigger.tgisinternal
              AND trigger.tgtype::integer & 1 = 1 AND trigger.tgtype::integer & 66 = 0
              AND trigger.tgname < :'trigger' COLLATE "C"
              AND NOT pg_catalog.starts_with(trigger.tgname, '00_auditrum')  -- of another log
          )
        ) ORDER BY tree.depth, branch.relname)
        FROM tree
        JOIN pg_catalog.pg_class AS branch ON branch.oid = tree.oid
        JOIN pg_catalog.pg_namespace AS branch_namespace ON branch_namespace.oid = branch.relnamespace
        WHERE tree.root = class.oid
      )
    )), '{}')
    FROM wanted
    JOIN pg_catalog.pg_class AS class ON class.oid = wanted.oid
    JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
  )
)::text AS catalogue
