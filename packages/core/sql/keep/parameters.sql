-- Who may set what decides whether triggers fire; PostgreSQL 15 and newer.
--   $1: JSON array of role names
SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
  'role', asked.rolname,
  'capability', 'replica_role',
  'how', privilege.name || ' on the parameter session_replication_role'
    || CASE WHEN role.oid <> asked.oid THEN pg_catalog.format(' (as %I)', role.rolname) ELSE '' END
) ORDER BY asked.rolname, privilege.name, role.rolname), '[]')::text AS rights
FROM pg_catalog.pg_roles AS asked
JOIN pg_catalog.pg_roles AS role ON pg_catalog.pg_has_role(asked.oid, role.oid, 'MEMBER')
CROSS JOIN pg_catalog.unnest(ARRAY['SET', 'ALTER SYSTEM']) AS privilege (name)
WHERE asked.rolname IN (SELECT pg_catalog.json_array_elements_text($1::text::json))
  AND NOT asked.rolsuper AND NOT role.rolsuper
  AND pg_catalog.has_parameter_privilege(role.oid, 'session_replication_role', privilege.name)
  AND (role.oid = asked.oid OR NOT pg_catalog.has_parameter_privilege(asked.oid, 'session_replication_role', privilege.name))
