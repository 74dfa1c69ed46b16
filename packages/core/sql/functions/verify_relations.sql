-- Whether what stands in the place of the log's tables is what they are: tables, which
-- show to everybody all that is in them. Returns problems as verify_links does, with a
-- message. Of the same in sql/read/odd_relations.sql no function is asked.
CREATE OR REPLACE FUNCTION :schema.verify_relations()
RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
  WITH wanted AS (
    SELECT own.oid, list.kind
    FROM (
      VALUES ('audit_event', 'p'), ('audit_context', 'p'), ('audit_seal', 'r'), ('audit_leaf', 'r'),
        ('audit_table', 'r'), ('audit_shape', 'r'), ('audit_erasure', 'r'), ('audit_purge', 'r')
    ) AS list (name, kind)
    JOIN pg_class AS own ON own.relname = list.name AND own.relnamespace = to_regnamespace(':schema')
  ), place AS (
    SELECT wanted.oid, wanted.kind FROM wanted
    UNION ALL
    SELECT link.inhrelid, CASE wanted.kind WHEN 'p' THEN 'r' END
    FROM wanted JOIN pg_inherits AS link ON link.inhparent = wanted.oid
  ), odd AS (
    SELECT own.relname,
      CASE
        WHEN place.kind IS NULL THEN 'adds rows of its own to a table of the log'
        WHEN own.relkind <> place.kind::"char" THEN format('is a %s', CASE own.relkind
          WHEN 'r' THEN 'table without partitions' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table'
          ELSE format('relation of the kind "%s"', own.relkind) END)
        -- policies for others are the owner's affair
        WHEN own.relforcerowsecurity OR row_security_active(own.oid) THEN 'has row level security for who verifies'
        WHEN EXISTS (SELECT FROM pg_trigger AS own_trigger WHERE own_trigger.tgrelid = own.oid AND NOT own_trigger.tgisinternal AND own_trigger.tgparentid = 0 AND own_trigger.tgtype & 2 = 2) THEN 'has a trigger that decides what is written'
        WHEN EXISTS (SELECT FROM pg_rewrite AS rule WHERE rule.ev_class = own.oid) THEN 'has rules'
      END AS what
    FROM place JOIN pg_class AS own ON own.oid = place.oid
  )
  SELECT coalesce(jsonb_agg(jsonb_build_object(
    'kind', 'rewritten', 'event', NULL, 'block', NULL, 'entry', NULL,
    'message', format('%I %s: what is verified need not be what others read.', relname, what)
  ) ORDER BY relname), '[]')
  FROM odd
  WHERE what IS NOT NULL
$function$;
