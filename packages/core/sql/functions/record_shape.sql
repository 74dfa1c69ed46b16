-- Adds the present columns of a tracked table to audit_shape if they, or how
-- they are recorded, differ from the shape recorded last.
CREATE OR REPLACE FUNCTION :schema.record_shape(tracked_id integer, relation oid)
RETURNS boolean
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $function$
  WITH shape AS (
    SELECT present.*
    FROM :schema.audit_table AS known
    CROSS JOIN LATERAL :schema.table_columns($2, known.declaration) AS present
    WHERE known.id = tracked_id
  ), latest AS (
    SELECT attnum, column_name, data_type, base_type, key_position, identity, generated, recorded
    FROM :schema.audit_shape
    WHERE table_id = tracked_id
      AND valid_from = (SELECT max(valid_from) FROM :schema.audit_shape WHERE table_id = tracked_id)
  ), written AS (
    INSERT INTO :schema.audit_shape
      (table_id, valid_from, attnum, column_name, data_type, base_type, key_position, identity, generated, recorded, relation)
    SELECT tracked_id, now.moment, shape.*, $2
    FROM shape, (SELECT clock_timestamp() AS moment) AS now
    WHERE EXISTS (SELECT * FROM shape EXCEPT SELECT * FROM latest)
       OR EXISTS (SELECT * FROM latest EXCEPT SELECT * FROM shape)
    RETURNING 1
  )
  SELECT EXISTS (SELECT FROM written)
$function$;
