-- Finds a table as people name it: one that is tracked now, else the one that
-- was last known by that name. For the reading functions, which pass what the
-- caller's own search_path makes of a name without a schema. A name that the
-- log does not know is an error: an empty history would be a wrong answer.
CREATE OR REPLACE FUNCTION :schema.table_id(relation oid, name_parts text[])
RETURNS integer
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  wanted_name   text := name_parts[cardinality(name_parts)];
  wanted_schema text := name_parts[cardinality(name_parts) - 1];
  known_id         integer;
  places        text[];
BEGIN
  -- looked up here, because the caller may have no right on the application's schema
  relation := coalesce(relation, (
    SELECT class.oid
    FROM pg_class AS class JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
    WHERE class.relname = wanted_name AND namespace.nspname = wanted_schema
  ));
  known_id := :schema.tracked_id(relation);
  IF known_id IS NOT NULL THEN
    RETURN known_id;
  END IF;
  IF relation IS NOT NULL THEN
    -- the caller sees this table: one of the same name elsewhere is not meant
    wanted_schema := (
      SELECT namespace.nspname
      FROM pg_class AS class JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
      WHERE class.oid = relation
    );
  END IF;
  SELECT max(id), array_agg(DISTINCT format('%I.%I', schema_name, table_name))
  INTO known_id, places
  FROM :schema.audit_table
  WHERE table_name = wanted_name AND (wanted_schema IS NULL OR schema_name = wanted_schema);
  IF cardinality(places) > 1 THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('The log knows several tables "%s": %s.', wanted_name, array_to_string(places, ', ')),
      HINT = 'Name the schema, too.';
  ELSIF known_id IS NULL THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('The log knows no table "%s".', array_to_string(name_parts, '.')),
      HINT = coalesce(
        'Did you mean "' || :schema.nearest_name(wanted_name, ARRAY(SELECT table_name FROM :schema.audit_table)) || '"?',
        'Track it, then its history begins.'
      );
  END IF;
  RETURN known_id;
END
$function$;
