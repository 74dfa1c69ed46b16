-- What stands in the place of the log's tables and is none, or does not show to
-- everybody all that is in it: as functions/verify_relations.sql tells it.
WITH place AS (
  SELECT own.oid, own.relname, wanted.kind
  FROM (
      VALUES ('audit_event', 'p'), ('audit_context', 'p'), ('audit_seal', 'r'), ('audit_leaf', 'r'),
        ('audit_table', 'r'), ('audit_shape', 'r'), ('audit_erasure', 'r'), ('audit_purge', 'r')
    ) AS wanted (name, kind)
  JOIN pg_catalog.pg_class AS own ON own.relname = wanted.name AND own.relnamespace = pg_catalog.to_regnamespace(':schema')
  UNION ALL
  SELECT part.oid, part.relname, CASE own.relkind WHEN 'p' THEN 'r' END
  FROM pg_catalog.pg_class AS own
  JOIN pg_catalog.pg_inherits AS link ON link.inhparent = own.oid
  JOIN pg_catalog.pg_class AS part ON part.oid = link.inhrelid
  WHERE own.relname IN ('audit_event', 'audit_context', 'audit_seal', 'audit_leaf', 'audit_table', 'audit_shape', 'audit_erasure', 'audit_purge') AND own.relnamespace = pg_catalog.to_regnamespace(':schema')
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
