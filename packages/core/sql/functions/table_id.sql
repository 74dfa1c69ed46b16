-- Finds a table as people name it: one that is tracked now, else the one that
-- was last known by that name. For the reading functions, which pass what the
-- caller's own search_path makes of the name.
CREATE OR REPLACE FUNCTION :schema.table_id(relation oid, name_parts text[])
RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT coalesce(
    :schema.tracked_id(relation),
    (
      SELECT max(id)
      FROM :schema.audit_table
      WHERE table_name = name_parts[cardinality(name_parts)]
        AND (cardinality(name_parts) = 1 OR schema_name = name_parts[cardinality(name_parts) - 1])
    )
  )
$function$;
