-- Where the log keeps its rows, and which of these cannot be there, as a condition:
-- what functions/misplaced_rows.sql looks for. Times stand in it as this session writes
-- them: not where it cannot be relied on that they are read as what they were.
SELECT part.relname::pg_catalog.text AS name,
  CASE
    WHEN parent.relname = 'audit_event' AND NOT pg_catalog.starts_with(pg_catalog.current_setting('DateStyle'), 'ISO') THEN 'id IS NULL'
    WHEN range.bounds IS NOT NULL
      THEN pg_catalog.concat_ws(' OR ', 'id IS NULL', own.key || ' IS NULL', own.key || ' < ' || nullif(range.bounds[1], 'MINVALUE'), own.key || ' >= ' || nullif(range.bounds[2], 'MAXVALUE'))
    ELSE pg_catalog.concat_ws(' OR NOT ', 'id IS NULL', CASE WHEN own.bound IS NOT NULL THEN pg_catalog.pg_get_partition_constraintdef(part.oid) END)
  END AS condition
FROM pg_catalog.pg_class AS parent
JOIN pg_catalog.pg_inherits AS link ON link.inhparent = parent.oid
JOIN pg_catalog.pg_class AS part ON part.oid = link.inhrelid
CROSS JOIN LATERAL (
  SELECT CASE parent.relname WHEN 'audit_event' THEN 'changed_at' ELSE 'id' END AS key, pg_catalog.pg_get_expr(part.relpartbound, part.oid) AS bound
) AS own
CROSS JOIN LATERAL pg_catalog.regexp_match(own.bound, '^FOR VALUES FROM [(](MINVALUE|''[^'']+'')[)] TO [(](MAXVALUE|''[^'']+'')[)]$') AS range (bounds)
WHERE parent.relname IN ('audit_event', 'audit_context') AND parent.relnamespace = pg_catalog.to_regnamespace(':schema') AND part.relkind = 'r'
  AND pg_catalog.has_table_privilege(part.oid, 'SELECT')  -- who may read the table need not read its partitions
UNION ALL VALUES
  ('audit_seal', 'id IS NULL'),
  ('audit_erasure', 'id IS NULL'),
  ('audit_purge', 'id IS NULL'),
  ('audit_leaf', 'block IS NULL OR first_id IS NULL OR last_id IS NULL')
ORDER BY name
