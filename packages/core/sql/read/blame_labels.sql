-- What people call the rows that the lines of a blame refer to, by column.
--   $2: the row, as the lines have it
WITH tracked AS MATERIALIZED (
  SELECT :schema.table_id(CASE WHEN pg_catalog.cardinality(pg_catalog.parse_ident($1)) = 1 THEN pg_catalog.to_regclass($1) END, pg_catalog.parse_ident($1)) AS id
)
SELECT :schema.reference_labels(tracked.id, $2::text::jsonb)::text AS labels
FROM tracked
