-- Takes every privilege on a new object of the log from everybody but its
-- owner: the default privileges of the role that created it may have opened it.
--   catalogue: pg_namespace, pg_class or pg_proc
CREATE OR REPLACE FUNCTION :schema.make_private(catalogue regclass, object oid)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  grantee record;
BEGIN
  FOR grantee IN
    SELECT DISTINCT private.kind, private.name, coalesce(quote_ident(role.rolname), 'PUBLIC') AS role
    FROM (
      SELECT 'SCHEMA' AS kind, quote_ident(nspname) AS name, nspowner AS owner, coalesce(nspacl, acldefault('n', nspowner)) AS acl
      FROM pg_namespace
      WHERE catalogue = 'pg_namespace'::regclass AND oid = object
      UNION ALL
      SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, oid::regclass::text, relowner, relacl
      FROM pg_class
      WHERE catalogue = 'pg_class'::regclass AND oid = object AND relkind IN ('r', 'p', 'v', 'S')
      UNION ALL
      SELECT 'ROUTINE', oid::regprocedure::text, proowner, coalesce(proacl, acldefault('f', proowner))
      FROM pg_proc
      WHERE catalogue = 'pg_proc'::regclass AND oid = object
    ) AS private
    CROSS JOIN aclexplode(private.acl) AS privilege
    LEFT JOIN pg_roles AS role ON role.oid = privilege.grantee
    WHERE privilege.grantee <> private.owner
  LOOP
    EXECUTE format('REVOKE ALL ON %s %s FROM %s CASCADE', grantee.kind, grantee.name, grantee.role);
  END LOOP;
END
$function$;
