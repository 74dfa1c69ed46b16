-- What people call a row, as functions/label.sql has it.
WITH tracked AS MATERIALIZED (
  SELECT :schema.table_id(CASE WHEN pg_catalog.cardinality(pg_catalog.parse_ident($1)) = 1 THEN pg_catalog.to_regclass($1) END, pg_catalog.parse_ident($1)) AS id
)
SELECT :schema.row_label(tracked.id, :schema.row_id(tracked.id, $2::text::jsonb)) AS label
FROM tracked
