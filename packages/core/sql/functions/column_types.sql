-- The types, below all domains, that the columns of a tracked table had at a
-- time: {"total": "numeric", ...}. For reading events exactly.
CREATE OR REPLACE FUNCTION :schema.column_types(tracked_id integer, at timestamptz)
RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT jsonb_object_agg(column_name, base_type)
  FROM :schema.audit_shape
  WHERE table_id = tracked_id
    AND valid_from = (
      SELECT coalesce(max(valid_from) FILTER (WHERE valid_from <= at), min(valid_from))
      FROM :schema.audit_shape
      WHERE table_id = tracked_id
    )
$function$;
