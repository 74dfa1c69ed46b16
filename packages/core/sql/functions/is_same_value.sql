-- Whether two values of a column, as the log has them, are one in its type: the
-- same moment may have been written in two time zones. Null where one of them is
-- no value of it any more: labels of an enum are renamed, domains get checks.
CREATE OR REPLACE FUNCTION :schema.is_same_value(one jsonb, other jsonb, type text)
RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO'
SET IntervalStyle = 'postgres'
SET extra_float_digits = '1'
SET bytea_output = 'hex'
SET lc_monetary = 'C'
SET array_nulls = on
SET xmloption = content
AS $function$
DECLARE
  is_same boolean;
BEGIN
  EXECUTE format(
    'SELECT to_jsonb(one.value)::text IS NOT DISTINCT FROM to_jsonb(other.value)::text
     FROM jsonb_to_record($1) AS one (value %1$s), jsonb_to_record($2) AS other (value %1$s)',
    type
  )
  INTO is_same
  USING jsonb_build_object('value', one), jsonb_build_object('value', other);
  RETURN is_same;
EXCEPTION WHEN data_exception OR integrity_constraint_violation OR undefined_object THEN
  RETURN NULL;
END
$function$;
