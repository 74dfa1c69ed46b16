-- Which settings roles may change that superusers alone may otherwise: what
-- decides whether triggers fire, what names programs, libraries or files that the
-- server runs or reads, and the others. PostgreSQL 15 and newer.
--   $1: JSON array of role names
SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
  'role', asked.rolname,
  'capability', CASE
    WHEN parameter.parname = 'session_replication_role' THEN 'replica_role'
    WHEN parameter.parname IN (
      'archive_cleanup_command', 'archive_command', 'archive_library', 'dynamic_library_path', 'extension_control_path',
      'hba_file', 'ident_file', 'jit_provider', 'local_preload_libraries', 'log_directory', 'log_filename',
      'oauth_validator_libraries', 'recovery_end_command', 'restore_command', 'session_preload_libraries',
      'shared_preload_libraries', 'ssl_passphrase_command'
    ) THEN 'server_files'
    ELSE 'set_parameters'
  END,
  'how', pg_catalog.format('%s on the parameter %s', privilege.name, parameter.parname)
    || CASE WHEN role.oid <> asked.oid THEN pg_catalog.format(' (as %I)', role.rolname) ELSE '' END
) ORDER BY asked.rolname, parameter.parname, privilege.name, role.rolname), '[]')::text AS rights
FROM pg_catalog.pg_roles AS asked
JOIN pg_catalog.pg_roles AS role ON pg_catalog.pg_has_role(asked.oid, role.oid, 'MEMBER')
CROSS JOIN pg_catalog.pg_parameter_acl AS parameter
CROSS JOIN pg_catalog.unnest(ARRAY['SET', 'ALTER SYSTEM']) AS privilege (name)
WHERE asked.rolname IN (SELECT pg_catalog.json_array_elements_text($1::text::json))
  AND NOT asked.rolsuper AND NOT role.rolsuper
  AND pg_catalog.has_parameter_privilege(role.oid, parameter.parname, privilege.name)
  AND (role.oid = asked.oid OR NOT pg_catalog.has_parameter_privilege(asked.oid, parameter.parname, privilege.name))
  -- what everybody may set is not given by that
  AND NOT (privilege.name = 'SET' AND EXISTS (
    SELECT FROM pg_catalog.pg_settings AS setting
    WHERE pg_catalog.lower(setting.name) = parameter.parname AND setting.context = 'user'
  ))
