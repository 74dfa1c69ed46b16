-- A table compared with its log, as functions/verify.sql does it.
WITH tracked AS MATERIALIZED (
  SELECT :schema.table_id(CASE WHEN pg_catalog.cardinality(pg_catalog.parse_ident($1)) = 1 THEN pg_catalog.to_regclass($1) END, pg_catalog.parse_ident($1)) AS id
)
SELECT :schema.verify(tracked.id, $2::integer)::text AS answer
FROM tracked
