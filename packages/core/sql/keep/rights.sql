-- What roles may do: to the log, to the recording of tables, to the server. A
-- list of who may what, and how. "Who" is a role with all that it inherits and
-- all that it can become (SET ROLE); PUBLIC is in what has_*_privilege says. Of
-- superusers only that they are, of owners of the log only that is said here:
-- the rest follows. Qualified, and with operands of the operators' own types,
-- for the reason given in install/catalogue.sql.
--   $1: JSON array of role names
--   $2: JSON array of the functions that readers call
--   $3: JSON array of the functions that who maintains the log calls
WITH RECURSIVE log_schema AS (
  SELECT oid, nspname, nspowner FROM pg_catalog.pg_namespace WHERE nspname = :'schema'
), asked AS (
  SELECT oid, rolname, rolsuper FROM pg_catalog.pg_roles
  WHERE rolname IN (SELECT pg_catalog.json_array_elements_text($1::text::json))
), can AS (
  SELECT asked.rolname AS who, role.oid, role.rolname AS name, role.rolsuper, role.rolcreaterole, role.rolreplication,
    role.rolbypassrls, role.oid <> asked.oid AS is_other
  FROM asked
  JOIN pg_catalog.pg_roles AS role
    ON role.oid = asked.oid OR NOT asked.rolsuper AND pg_catalog.pg_has_role(asked.oid, role.oid, 'MEMBER')
), able AS (
  SELECT can.* FROM can WHERE NOT can.rolsuper
), stranger AS (
  SELECT able.* FROM able WHERE able.oid NOT IN (SELECT nspowner FROM log_schema)
), relation AS (
  SELECT class.oid, class.relkind, class.relispartition, class.relowner, class.relname,
    pg_catalog.format('%I.%I', log_schema.nspname, class.relname) AS name
  FROM log_schema JOIN pg_catalog.pg_class AS class ON class.relnamespace = log_schema.oid
  WHERE class.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
), routine AS (
  SELECT function.oid, function.proowner, function.prosecdef, function.proconfig, function.proname,
    pg_catalog.format('%I.%I', log_schema.nspname, function.proname) AS name,
    CASE
      WHEN function.proname::text ~ '^capture_[0-9]+$' THEN 'attach_capture'
      WHEN function.proname IN (SELECT pg_catalog.json_array_elements_text($2::text::json)) THEN 'read_log'
      WHEN function.proname IN (SELECT pg_catalog.json_array_elements_text($3::text::json)) THEN 'maintain_log'
      ELSE 'call_functions'
    END AS capability
  FROM log_schema JOIN pg_catalog.pg_proc AS function ON function.pronamespace = log_schema.oid
), audited (oid, table_id) AS (
  -- tracked tables with all below them
  SELECT trigger.tgrelid, pg_catalog.substr(routine.proname, pg_catalog.length('capture_') + 1)::integer
  FROM routine JOIN pg_catalog.pg_trigger AS trigger ON trigger.tgfoid = routine.oid
  WHERE routine.capability = 'attach_capture'
  UNION
  SELECT inherits.inhrelid, audited.table_id
  FROM audited JOIN pg_catalog.pg_inherits AS inherits ON inherits.inhparent = audited.oid
), recorded AS (
  SELECT DISTINCT class.oid, class.relowner, namespace.oid AS namespace, namespace.nspname, namespace.nspowner,
    pg_catalog.format('%I.%I', namespace.nspname, class.relname) AS name
  FROM audited
  JOIN pg_catalog.pg_class AS class ON class.oid = audited.oid
  JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
), named AS (
  -- what conditions (when) name in other schemas than pg_catalog, which alone is in their path
  SELECT DISTINCT declared.table_name AS of_table, namespace.oid AS namespace, namespace.nspname,
    found.names[2] AS written, found.name
  FROM :schema.conditions() AS declared
  CROSS JOIN LATERAL (
    SELECT match.names, CASE WHEN pg_catalog.starts_with(match.names[2], '"')
        THEN pg_catalog.replace(pg_catalog.substr(match.names[2], 2, pg_catalog.length(match.names[2]) - 2), '""', '"')
        ELSE pg_catalog.lower(match.names[2])
      END AS name,
      CASE WHEN pg_catalog.starts_with(match.names[1], '"')
        THEN pg_catalog.replace(pg_catalog.substr(match.names[1], 2, pg_catalog.length(match.names[1]) - 2), '""', '"')
        ELSE pg_catalog.lower(match.names[1])
      END AS schema
    FROM pg_catalog.regexp_matches(
      -- without its strings
      pg_catalog.regexp_replace(declared.condition, '''([^'']|'''')*''', '''''', 'g'),
      '("(?:[^"]|"")+"|[[:alpha:]_][[:alnum:]_$]*)\s*\.\s*("(?:[^"]|"")+"|[[:alpha:]_][[:alnum:]_$]*|[-+*/<>=~!@#%^&|`?]+)',
      'g'
    ) AS match (names)
  ) AS found
  JOIN pg_catalog.pg_namespace AS namespace ON namespace.nspname = found.schema
  WHERE namespace.nspname NOT IN ('pg_catalog', 'information_schema', 'old', 'new')
), may (who, name, is_other, capability, how) AS (
  SELECT who, name, is_other, 'superuser', 'a superuser' FROM can WHERE rolsuper
  UNION ALL
  SELECT who, name, is_other, 'own_log', pg_catalog.format('owner of the schema %I', log_schema.nspname)
  FROM able JOIN log_schema ON log_schema.nspowner = able.oid
  UNION ALL
  SELECT who, stranger.name, is_other, 'own_log', 'owner of ' || relation.name
  FROM stranger JOIN relation ON relation.relowner = stranger.oid
  UNION ALL
  SELECT who, stranger.name, is_other, 'own_log', 'owner of ' || routine.name || '()'
  FROM stranger JOIN routine ON routine.proowner = stranger.oid
  UNION ALL
  SELECT who, stranger.name, is_other,
    CASE
      WHEN privilege.name = 'SELECT' THEN CASE WHEN relation.relname = 'audit_key' THEN 'read_keys' ELSE 'read_log' END
      WHEN privilege.name = 'MAINTAIN' THEN 'lock_log'
      WHEN relation.relispartition THEN 'write_partitions'
      WHEN relation.relkind = 'v' THEN 'write_views'
      WHEN privilege.name = 'TRUNCATE' THEN 'truncate_log'
      ELSE 'write_events'
    END,
    privilege.name || ' on ' || relation.name
  FROM stranger
  CROSS JOIN relation
  CROSS JOIN pg_catalog.unnest(
    CASE WHEN pg_catalog.current_setting('server_version_num')::integer >= 170000
      THEN ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN']
      ELSE ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']
    END
  ) AS privilege (name)
  WHERE relation.relkind <> 'S' AND relation.relowner <> stranger.oid AND (
    pg_catalog.has_table_privilege(stranger.oid, relation.oid, privilege.name)
    OR privilege.name IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES')
      AND pg_catalog.has_any_column_privilege(stranger.oid, relation.oid, privilege.name)
  )
  UNION ALL
  SELECT who, stranger.name, is_other, 'event_ids', privilege.name || ' on ' || relation.name
  FROM stranger
  CROSS JOIN relation
  CROSS JOIN pg_catalog.unnest(ARRAY['USAGE', 'UPDATE']) AS privilege (name)
  WHERE relation.relkind = 'S' AND relation.relowner <> stranger.oid
    AND pg_catalog.has_sequence_privilege(stranger.oid, relation.oid, privilege.name)
  UNION ALL
  SELECT who, stranger.name, is_other, routine.capability, 'EXECUTE on ' || routine.name || '()'
  FROM stranger CROSS JOIN routine CROSS JOIN log_schema
  WHERE routine.proowner <> stranger.oid AND pg_catalog.has_function_privilege(stranger.oid, routine.oid, 'EXECUTE')
    -- a trigger function must be named by its schema; that of a new partition is not
    AND (routine.capability <> 'attach_capture' OR pg_catalog.has_schema_privilege(stranger.oid, log_schema.oid, 'USAGE'))
  UNION ALL
  SELECT who, stranger.name, is_other, 'create_in_log', pg_catalog.format('CREATE on the schema %I', log_schema.nspname)
  FROM stranger JOIN log_schema ON pg_catalog.has_schema_privilege(stranger.oid, log_schema.oid, 'CREATE')
  UNION ALL
  SELECT who, able.name, is_other, 'temp_shadowing', 'the search_path of ' || routine.name || '()'
  FROM able CROSS JOIN routine
  WHERE routine.prosecdef AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (routine.proconfig), false)
  UNION ALL
  SELECT who, able.name, is_other, 'search_path', 'the search_path of ' || routine.name || '()'
  FROM able CROSS JOIN routine
  WHERE routine.prosecdef AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (routine.proconfig), false)
  UNION ALL
  SELECT who, able.name, is_other, 'search_path', 'CREATE on the schema pg_catalog'
  FROM able WHERE pg_catalog.has_schema_privilege(able.oid, 'pg_catalog', 'CREATE')
  UNION ALL
  SELECT who, stranger.name, is_other, 'run_as_condition',
    pg_catalog.format('%s of %s, which the condition (when) of %s names', reach.how, pg_catalog.format('%I.%s', named.nspname, named.written), named.of_table)
  FROM stranger
  JOIN named ON true
  CROSS JOIN LATERAL (
    SELECT 'owner' AS how
    WHERE EXISTS (
        SELECT FROM pg_catalog.pg_proc AS function
        WHERE function.pronamespace = named.namespace AND function.proname = named.name AND function.proowner = stranger.oid
      ) OR EXISTS (
        SELECT FROM pg_catalog.pg_class AS class
        WHERE class.relnamespace = named.namespace AND class.relname = named.name AND class.relowner = stranger.oid
      ) OR EXISTS (
        SELECT FROM pg_catalog.pg_type AS type
        WHERE type.typnamespace = named.namespace AND type.typname = named.name AND type.typowner = stranger.oid
      ) OR EXISTS (
        SELECT FROM pg_catalog.pg_operator AS operator
        WHERE operator.oprnamespace = named.namespace AND operator.oprname = named.name AND operator.oprowner = stranger.oid
      )
    UNION ALL
    SELECT 'may create in the schema'
    WHERE pg_catalog.has_schema_privilege(stranger.oid, named.namespace, 'CREATE')
  ) AS reach
  UNION ALL
  SELECT who, able.name, is_other, 'disable_triggers', 'owner of ' || recorded.name
  FROM able JOIN recorded ON recorded.relowner = able.oid
  UNION ALL
  SELECT who, able.name, is_other, 'disable_triggers', 'TRIGGER on ' || recorded.name
  FROM able JOIN recorded ON recorded.relowner <> able.oid AND pg_catalog.has_table_privilege(able.oid, recorded.oid, 'TRIGGER')
  UNION ALL
  SELECT who, able.name, is_other, 'truncate_tables', 'TRUNCATE on ' || recorded.name
  FROM able JOIN recorded ON pg_catalog.has_table_privilege(able.oid, recorded.oid, 'TRUNCATE')
  UNION ALL
  SELECT DISTINCT who, able.name, is_other, 'drop_tables', pg_catalog.format('owner of the schema %I', recorded.nspname)
  FROM able JOIN recorded ON recorded.nspowner = able.oid
  UNION ALL
  SELECT who, able.name, is_other, 'drop_tables', 'owner of the database'
  FROM able JOIN pg_catalog.pg_database AS database ON database.datdba = able.oid
  WHERE database.datname = pg_catalog.current_database()
  UNION ALL
  SELECT who, able.name, is_other, 'grant_roles', 'CREATEROLE'
  FROM able
  WHERE able.rolcreaterole AND pg_catalog.current_setting('server_version_num')::integer < 160000  -- later: of the roles that it made
  UNION ALL
  -- of a role that one is a member of such a setting does not count
  SELECT who, able.name, is_other, 'replica_role', 'sessions begin with ' || setting.value
  FROM able
  JOIN pg_catalog.pg_db_role_setting AS own ON own.setrole IN (0::oid, able.oid)
  CROSS JOIN pg_catalog.unnest(own.setconfig) AS setting (value)
  WHERE NOT is_other AND setting.value = 'session_replication_role=replica'::text
    AND own.setdatabase IN (SELECT 0::oid UNION ALL SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
  UNION ALL
  SELECT who, able.name, is_other, 'subscribe', pg_catalog.format('owner of the subscription %I', subscription.subname)
  FROM able
  JOIN pg_catalog.pg_subscription AS subscription ON subscription.subowner = able.oid
  JOIN pg_catalog.pg_database AS database ON database.oid = subscription.subdbid
  WHERE database.datname = pg_catalog.current_database()
  UNION ALL
  SELECT who, able.name, is_other, 'server_files', 'EXECUTE on pg_catalog.lo_export'
  FROM able WHERE pg_catalog.has_function_privilege(able.oid, 'pg_catalog.lo_export(oid, text)'::text, 'EXECUTE'::text)
  UNION ALL
  SELECT who, able.name, is_other, 'copy_cluster', 'REPLICATION' FROM able WHERE able.rolreplication
  UNION ALL
  SELECT who, able.name, is_other, 'bypass_policies', 'BYPASSRLS' FROM able WHERE able.rolbypassrls
  UNION ALL
  SELECT who, able.name, is_other,
    CASE able.name
      WHEN 'pg_write_all_data' THEN 'write_events'
      WHEN 'pg_maintain' THEN 'lock_log'
      WHEN 'pg_create_subscription' THEN 'subscribe'
      WHEN 'pg_signal_backend' THEN 'end_sessions'
      ELSE 'server_files'
    END,
    'member of ' || able.name::text
  FROM able
  WHERE able.name IN (
    'pg_write_all_data', 'pg_maintain', 'pg_create_subscription', 'pg_signal_backend', 'pg_execute_server_program',
    'pg_write_server_files'
  )
)
SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('role', who, 'capability', capability, 'how', how) ORDER BY who, capability, how), '[]')::text AS rights
FROM (
  -- what it has by itself, or inherits, need not be said once more of the role that it is from
  SELECT DISTINCT ON (who, capability, how COLLATE "C") who, capability,
    how || CASE WHEN is_other THEN pg_catalog.format(' (as %I)', name) ELSE '' END AS how
  FROM may
  ORDER BY who, capability, how COLLATE "C", is_other, name
) AS said
