-- What people call a row, as declared for its table; null without a label:
--   select auditrum.label('orders', '42');
-- Everything is qualified, because the caller's search_path is needed for the
-- name of the table, and would else decide what the rest means.
CREATE OR REPLACE FUNCTION :schema.label(table_name text, object_id text)
RETURNS text
LANGUAGE sql STABLE
AS $function$
  SELECT :schema.row_label(found.id, :schema.row_id(found.id, pg_catalog.to_jsonb($2)))
  FROM (
    SELECT :schema.table_id(CASE WHEN pg_catalog.cardinality(pg_catalog.parse_ident($1)) = 1 THEN pg_catalog.to_regclass($1) END, pg_catalog.parse_ident($1)) AS id
  ) AS found
$function$;
