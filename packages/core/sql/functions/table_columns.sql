-- The present columns of a table, as audit_shape keeps them, recorded as declared.
CREATE OR REPLACE FUNCTION :schema.table_columns(relation oid, declaration jsonb)
RETURNS TABLE (
  attnum       smallint,
  column_name  text,
  data_type    text,
  base_type    text,
  key_position smallint,
  identity     "char",
  generated    "char",
  recorded     "char"
)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $function$
#variable_conflict use_column
DECLARE
  key text[] := :schema.key_columns(relation);
BEGIN
  RETURN QUERY
    WITH RECURSIVE present AS (
      SELECT attribute.*
      FROM pg_attribute AS attribute
      WHERE attribute.attrelid = relation AND attribute.attnum > 0 AND NOT attribute.attisdropped
    ), below (attnum, type_id, depth) AS (
      SELECT present.attnum, present.atttypid, 0 FROM present
      UNION ALL
      SELECT below.attnum, type.typbasetype, below.depth + 1
      FROM below JOIN pg_type AS type ON type.oid = below.type_id
      WHERE type.typtype = 'd'
    )
    SELECT
      present.attnum,
      present.attname::text,
      format_type(present.atttypid, present.atttypmod),
      (SELECT format_type(below.type_id, NULL) FROM below WHERE below.attnum = present.attnum ORDER BY below.depth DESC LIMIT 1),
      array_position(key, present.attname::text)::smallint,
      present.attidentity,
      present.attgenerated,
      CASE
        -- a trigger does not see virtual columns
        WHEN present.attgenerated = 'v' OR declaration -> 'exclude' ? present.attname::text OR declaration -> 'mask' ? present.attname::text
          OR declaration ? 'only' AND NOT declaration -> 'only' ? present.attname::text AND NOT present.attname::text = ANY (key)
        THEN 'n'
        WHEN declaration -> 'ignore' ? present.attname::text THEN 'i'
        ELSE 'y'
      END::"char"
    FROM present;
END
$function$;
