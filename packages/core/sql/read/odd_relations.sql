-- What stands in the place of the log's tables and is none, or does not show to
-- everybody all that is in it: as functions/verify_relations.sql tells it.
WITH wanted AS (
  SELECT own.oid, list.kind
  FROM (
    VALUES ('audit_event', 'p'), ('audit_context', 'p'), ('audit_seal', 'r'), ('audit_leaf', 'r'),
      ('audit_table', 'r'), ('audit_shape', 'r'), ('audit_erasure', 'r'), ('audit_purge', 'r')
  ) AS list (name, kind)
  JOIN pg_catalog.pg_class AS own ON own.relname = list.name AND own.relnamespace = pg_catalog.to_regnamespace(':schema')
), place AS (
  SELECT wanted.oid, wanted.kind FROM wanted
  UNION ALL
  SELECT link.inhrelid, CASE wanted.kind WHEN 'p' THEN 'r' END
  FROM wanted JOIN pg_catalog.pg_inherits AS link ON link.inhparent = wanted.oid
), odd AS (
  SELECT own.relname,
    CASE
      WHEN place.kind IS NULL THEN 'adds rows of its own to a table of the log'
      WHEN own.relkind <> place.kind::pg_catalog."char" THEN pg_catalog.format('is a %s', CASE own.relkind
        WHEN 'r' THEN 'table without partitions' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table'
        ELSE pg_catalog.format('relation of the kind "%s"', own.relkind) END)
      WHEN own.relforcerowsecurity OR pg_catalog.row_security_active(own.oid) THEN 'has row level security for who verifies'
      WHEN EXISTS (SELECT FROM pg_catalog.pg_trigger AS own_trigger WHERE own_trigger.tgrelid = own.oid AND NOT own_trigger.tgisinternal AND own_trigger.tgparentid = 0 AND own_trigger.tgtype & 2 = 2) THEN 'has a trigger that decides what is written'
      WHEN EXISTS (SELECT FROM pg_catalog.pg_rewrite AS rule WHERE rule.ev_class = own.oid) THEN 'has rules'
    END AS what
  FROM place JOIN pg_catalog.pg_class AS own ON own.oid = place.oid
)
SELECT pg_catalog.format('%I %s: what is verified need not be what others read.', odd.relname, odd.what) AS message
FROM odd
WHERE odd.what IS NOT NULL
ORDER BY odd.relname
