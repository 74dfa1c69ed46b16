-- The types, below all domains, of the columns of tracked tables, and from when
-- on: {"total": "numeric", ...}. For reading many events exactly.
CREATE OR REPLACE FUNCTION :schema.columns_over_time(tracked_ids integer[])
RETURNS TABLE (table_id integer, since timestamptz, types jsonb)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT
    shape.table_id,
    -- what was before the first is read as the first
    CASE row_number() OVER (PARTITION BY shape.table_id ORDER BY shape.valid_from) WHEN 1 THEN '-infinity' ELSE shape.valid_from END,
    jsonb_object_agg(shape.column_name, shape.base_type)
  FROM :schema.audit_shape AS shape
  WHERE shape.table_id = ANY (tracked_ids)
  GROUP BY shape.table_id, shape.valid_from
$function$;
