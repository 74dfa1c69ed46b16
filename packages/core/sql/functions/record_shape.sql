-- Adds the present columns of a tracked table to audit_shape if they differ
-- from the shape recorded last.
CREATE OR REPLACE FUNCTION :schema.record_shape(tracked_id integer, relation oid)
RETURNS boolean
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $function$
  WITH RECURSIVE present AS (
    SELECT
      attribute.attnum,
      attribute.attname::text AS column_name,
      format_type(attribute.atttypid, attribute.atttypmod) AS data_type,
      attribute.atttypid AS type_id,
      array_position(:schema.key_columns(relation), attribute.attname::text)::smallint AS key_position,
      attribute.attidentity AS identity,
      attribute.attgenerated AS generated
    FROM pg_attribute AS attribute
    WHERE attribute.attrelid = relation AND attribute.attnum > 0 AND NOT attribute.attisdropped
  ), below (column_name, type_id, depth) AS (
    SELECT column_name, type_id, 0 FROM present
    UNION ALL
    SELECT below.column_name, type.typbasetype, below.depth + 1
    FROM below JOIN pg_type AS type ON type.oid = below.type_id
    WHERE type.typtype = 'd'
  ), shape AS (
    SELECT attnum, column_name, data_type,
      (SELECT format_type(below.type_id, NULL) FROM below WHERE below.column_name = present.column_name ORDER BY depth DESC LIMIT 1) AS base_type,
      key_position, identity, generated
    FROM present
  ), latest AS (
    SELECT attnum, column_name, data_type, base_type, key_position, identity, generated
    FROM :schema.audit_shape
    WHERE table_id = tracked_id
      AND valid_from = (SELECT max(valid_from) FROM :schema.audit_shape WHERE table_id = tracked_id)
  ), written AS (
    INSERT INTO :schema.audit_shape
      (table_id, valid_from, attnum, column_name, data_type, base_type, key_position, identity, generated)
    SELECT tracked_id, now.moment, shape.*
    FROM shape, (SELECT clock_timestamp() AS moment) AS now
    WHERE EXISTS (SELECT * FROM shape EXCEPT SELECT * FROM latest)
       OR EXISTS (SELECT * FROM latest EXCEPT SELECT * FROM shape)
    RETURNING 1
  )
  SELECT EXISTS (SELECT FROM written)
$function$;
