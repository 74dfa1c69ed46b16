-- The SHA-256 of a value as text, hexadecimal; "too large" where that is over a
-- billion bytes, or more than PostgreSQL can hold.
CREATE OR REPLACE FUNCTION :schema.value_hash(value jsonb)
RETURNS text
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  form text;
BEGIN
  form := value::text;  -- not above: what fails there is not caught
  RETURN CASE WHEN octet_length(form) <= 1000000000 THEN encode(sha256(convert_to(form, 'UTF8')), 'hex') ELSE 'too large' END;
EXCEPTION WHEN program_limit_exceeded OR internal_error THEN
  RETURN 'too large';  -- internal_error as in canonical_event
END
$function$;
