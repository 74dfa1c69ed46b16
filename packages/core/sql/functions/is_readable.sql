-- Whether a value from the log can be read as a type: labels of an enum are
-- renamed, domains get checks, columns other types.
CREATE OR REPLACE FUNCTION :schema.is_readable(value jsonb, type text)
RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET IntervalStyle = 'postgres'
SET lc_monetary = 'C'
SET array_nulls = on
SET xmloption = content
AS $function$
BEGIN
  EXECUTE format('SELECT value FROM jsonb_to_record($1) AS record (value %s)', type) USING jsonb_build_object('value', value);
  RETURN true;
EXCEPTION WHEN data_exception OR integrity_constraint_violation OR undefined_object OR undefined_table OR undefined_function
  OR invalid_schema_name THEN
  RETURN false;
END
$function$;
