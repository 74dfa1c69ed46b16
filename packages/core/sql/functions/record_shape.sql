-- Adds the present columns of a tracked table to audit_shape if they differ
-- from the shape recorded last.
CREATE OR REPLACE FUNCTION :schema.record_shape(tracked_id integer, relation oid)
RETURNS boolean
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $function$
  WITH shape AS (
    SELECT attnum, column_name, data_type, base_type, key_position, identity, generated
    FROM :schema.table_columns($2)
  ), latest AS (
    SELECT attnum, column_name, data_type, base_type, key_position, identity, generated
    FROM :schema.audit_shape
    WHERE table_id = tracked_id
      AND valid_from = (SELECT max(valid_from) FROM :schema.audit_shape WHERE table_id = tracked_id)
  ), written AS (
    INSERT INTO :schema.audit_shape
      (table_id, valid_from, attnum, column_name, data_type, base_type, key_position, identity, generated, relation)
    SELECT tracked_id, now.moment, shape.*, $2
    FROM shape, (SELECT clock_timestamp() AS moment) AS now
    WHERE EXISTS (SELECT * FROM shape EXCEPT SELECT * FROM latest)
       OR EXISTS (SELECT * FROM latest EXCEPT SELECT * FROM shape)
    RETURNING 1
  )
  SELECT EXISTS (SELECT FROM written)
$function$;
