-- The conditions (when) of the tables that are recorded, as text that is looked at and not run.
CREATE OR REPLACE FUNCTION :schema.conditions()
RETURNS TABLE (table_name text, condition text)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT known.schema_name || '.' || known.table_name,
    CASE jsonb_typeof(known.declaration -> 'when')
      WHEN 'object' THEN (SELECT string_agg(value, ' ') FROM jsonb_each_text(known.declaration -> 'when'))
      ELSE known.declaration ->> 'when'
    END
  FROM :schema.audit_table AS known
  WHERE upper_inf(known.tracked)
$function$;
