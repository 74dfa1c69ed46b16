-- A column that a tracked table has, or once had; any other name is an error,
-- because no event would be a wrong answer.
CREATE OR REPLACE FUNCTION :schema.known_column(tracked_id integer, name text)
RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  known text[] := ARRAY(
    SELECT column_name FROM :schema.audit_shape WHERE table_id = tracked_id
    UNION
    -- by a name that it was given since
    SELECT attname FROM pg_attribute WHERE attrelid = :schema.live_table(tracked_id) AND attnum > 0 AND NOT attisdropped
    ORDER BY 1
  );
BEGIN
  IF name IS NULL OR name = ANY (known) THEN
    RETURN name;
  END IF;
  RAISE EXCEPTION USING
    ERRCODE = 'AU005',
    MESSAGE = (SELECT format('%I.%I has no column "%s".', schema_name, table_name, name) FROM :schema.audit_table WHERE id = tracked_id),
    HINT = coalesce(
      'Did you mean "' || :schema.nearest_name(name, known) || '"?',
      'Its columns are ' || array_to_string(known, ', ') || '.'
    );
END
$function$;
