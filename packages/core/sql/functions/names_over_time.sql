-- The names that columns of a table have had, these included. The present ones may
-- have been given since the last sync.
CREATE OR REPLACE FUNCTION :schema.names_over_time(tracked_id integer, columns text[])
RETURNS text[]
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  WITH known (relation, attnum, name) AS (
    SELECT shape.relation, shape.attnum, shape.column_name FROM :schema.audit_shape AS shape WHERE shape.table_id = tracked_id
    UNION
    SELECT attrelid, attnum, attname FROM pg_attribute WHERE attrelid = :schema.live_table(tracked_id) AND attnum > 0 AND NOT attisdropped
  )
  SELECT ARRAY(
    SELECT unnest(columns)
    UNION
    SELECT other.name
    FROM known AS own
    JOIN known AS other ON other.relation = own.relation AND other.attnum = own.attnum
    WHERE own.name = ANY (columns)
  )
$function$;
