-- All that plan, sync and status ask of the catalogue, as one JSON document, in
-- one snapshot. Reads pg_catalog alone, so every role may run it; no function
-- of ours is called, for a hardened role may not.
--   $1: JSON array of declared names, quoted for to_regclass
--   $2: JSON array of schemas of which every table is declared
WITH RECURSIVE log_schema AS (
  SELECT oid, nspname, nspowner FROM pg_catalog.pg_namespace WHERE nspname = :'schema'
), capture AS (
  SELECT function.oid, substr(function.proname, length('capture_') + 1)::integer AS id,
    obj_description(function.oid, 'pg_proc') AS stamp,
    md5(function.prosrc) AS source, function.prosecdef, function.proconfig
  FROM pg_catalog.pg_proc AS function
  JOIN log_schema ON log_schema.oid = function.pronamespace
  WHERE function.proname ~ '^capture_[0-9]+$'
), carrier AS (
  -- the table of each capture function: the one that inherits from no other carrier
  SELECT capture.id, trigger.tgrelid AS oid
  FROM capture
  JOIN pg_catalog.pg_trigger AS trigger ON trigger.tgfoid = capture.oid AND trigger.tgparentid = 0
  WHERE NOT EXISTS (
    SELECT FROM pg_catalog.pg_inherits AS inherits
    JOIN pg_catalog.pg_trigger AS above ON above.tgrelid = inherits.inhparent AND above.tgfoid = capture.oid
    WHERE inherits.inhrelid = trigger.tgrelid
  )
  GROUP BY capture.id, trigger.tgrelid
), declared AS (
  SELECT name, to_regclass(name)::oid AS oid FROM json_array_elements_text($1::json) AS name
), swept AS (
  SELECT class.oid
  FROM pg_catalog.pg_class AS class
  JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
  WHERE namespace.nspname IN (SELECT json_array_elements_text($2::json))
    AND class.relkind IN ('r', 'p') AND NOT class.relispartition
    AND NOT EXISTS (
      -- tables of extensions are not the application's
      SELECT FROM pg_catalog.pg_depend
      WHERE classid = 'pg_catalog.pg_class'::regclass AND objid = class.oid AND deptype = 'e'
    )
    -- an inheritance child follows its parent
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits WHERE inhrelid = class.oid)
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
)
SELECT json_build_object(
  'server', current_setting('server_version_num')::integer,
  'role', current_user,
  'mayCreateSchema', has_database_privilege(current_database(), 'CREATE'),
  'schema', (
    SELECT json_build_object(
      'owner', pg_get_userbyid(nspowner),
      'mayInstall', pg_has_role(nspowner, 'USAGE'),
      'comment', obj_description(oid, 'pg_namespace'),
      'isEmpty', NOT EXISTS (SELECT FROM pg_catalog.pg_class WHERE relnamespace = log_schema.oid)
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_proc WHERE pronamespace = log_schema.oid)
    )
    FROM log_schema
  ),
  'relations', (
    SELECT coalesce(json_agg(class.relname), '[]')
    FROM pg_catalog.pg_class AS class JOIN log_schema ON log_schema.oid = class.relnamespace
    WHERE class.relkind IN ('r', 'p', 'v')
  ),
  'functions', (
    SELECT coalesce(json_object_agg(function.proname, md5(function.prosrc)), '{}')
    FROM pg_catalog.pg_proc AS function JOIN log_schema ON log_schema.oid = function.pronamespace
    WHERE function.oid NOT IN (SELECT oid FROM capture)
  ),
  'captures', (
    SELECT coalesce(json_agg(json_build_object(
      'id', capture.id,
      'table', (SELECT carrier.oid::text FROM carrier WHERE carrier.id = capture.id LIMIT 1),
      'stamp', capture.stamp,
      'source', capture.source,
      'securityDefiner', capture.prosecdef,
      'settings', capture.proconfig
    ) ORDER BY capture.id), '[]')
    FROM capture
  ),
  'declared', (SELECT coalesce(json_object_agg(name, oid::text), '{}') FROM declared),
  'swept', (SELECT coalesce(json_agg(oid::text), '[]') FROM swept),
  'tables', (
    SELECT coalesce(json_object_agg(class.oid::text, json_build_object(
      'schema', namespace.nspname,
      'table', class.relname,
      'kind', class.relkind,
      'isTemporary', class.relpersistence = 't',
      'isPartition', class.relispartition,
      'mayTrigger', has_table_privilege(class.oid, 'TRIGGER'),
      'columns', (
        SELECT coalesce(json_agg(attname ORDER BY attnum), '[]')
        FROM pg_catalog.pg_attribute
        WHERE attrelid = class.oid AND attnum > 0 AND NOT attisdropped
      ),
      -- as functions/column_list.sql writes it
      'columnList', (
        SELECT coalesce(json_agg(
            concat_ws(' ', attribute.attname, type_namespace.nspname, type.typname, nullif(attribute.atttypmod, -1), nullif(attribute.attgenerated, ''))
            ORDER BY attribute.attnum
          ), '[]')
        FROM pg_catalog.pg_attribute AS attribute
        JOIN pg_catalog.pg_type AS type ON type.oid = attribute.atttypid
        JOIN pg_catalog.pg_namespace AS type_namespace ON type_namespace.oid = type.typnamespace
        WHERE attribute.attrelid = class.oid AND attribute.attnum > 0 AND NOT attribute.attisdropped
      ),
      'key', (
        SELECT coalesce(json_agg(attribute.attname ORDER BY key.position), '[]')
        FROM pg_catalog.pg_index AS index
        CROSS JOIN unnest(index.indkey::smallint[]) WITH ORDINALITY AS key (attnum, position)
        JOIN pg_catalog.pg_attribute AS attribute ON attribute.attrelid = index.indrelid AND attribute.attnum = key.attnum
        WHERE index.indrelid = class.oid AND index.indisprimary AND key.position <= index.indnkeyatts
      ),
      'tree', (
        SELECT json_agg(json_build_object(
          'name', format('%I.%I', branch_namespace.nspname, branch.relname),
          'isPartition', tree.is_partition,
          'triggers', (
            SELECT coalesce(json_object_agg(trigger.tgname, json_build_object(
              'capture', capture.id,
              'type', trigger.tgtype,
              'enabled', trigger.tgenabled,
              'isConditional', trigger.tgqual IS NOT NULL OR trigger.tgattr <> ''
            )), '{}')
            FROM pg_catalog.pg_trigger AS trigger
            JOIN capture ON capture.oid = trigger.tgfoid
            WHERE trigger.tgrelid = branch.oid
          ),
          -- AFTER ROW triggers of the application that fire before ours
          'earlier', (
            SELECT coalesce(json_agg(trigger.tgname ORDER BY trigger.tgname), '[]')
            FROM pg_catalog.pg_trigger AS trigger
            WHERE trigger.tgrelid = branch.oid AND NOT trigger.tgisinternal
              AND trigger.tgtype & 1 = 1 AND trigger.tgtype & 66 = 0
              AND trigger.tgname < :'trigger' COLLATE "C"
              AND NOT starts_with(trigger.tgname, '00_auditrum')  -- of another log
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
