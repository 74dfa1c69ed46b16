-- For row_then, beside a document of past_columns: what it takes to answer by one
-- look at the log and one at the row. Null where the columns are not the present
-- ones, or a value may not be readable.
--
--   version  of past_version
--   from     since when the columns are these
--   live     SQL that reads the row whose key is $1, a JSON array, as it is now
--   told     SQL that reads a row from its image, $1
--
-- In both $2 are names of columns that are missing, $3 what is known of the answer.
CREATE OR REPLACE FUNCTION :schema.plain_past(relation oid, moment jsonb, past jsonb)
RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
AS $function$
DECLARE
  began timestamptz := coalesce(past -> 'shapes' -> -2 ->> 'until', '-infinity');
  lists record;
  row_condition text;
  present text := (:schema.past_version(relation)).version;  -- null: it is not recorded any more
BEGIN
  IF present IS NULL OR relation IS NULL OR past -> 'checked' <> '{}' OR NOT (past -> 'key_steady')::boolean OR (moment ->> 'at')::timestamptz < began THEN
    RETURN NULL;
  END IF;
  SELECT string_agg(format('live.%I OPERATOR(%s.=) ($1 ->> %s)::%s', name, operators, number - 1, type), ' AND ')
  INTO row_condition
  FROM :schema.key_parts(relation)
  HAVING bool_and(type IN (
    'smallint', 'integer', 'bigint', 'numeric', 'boolean', 'uuid', 'date', 'timestamp without time zone', 'timestamp with time zone',
    'text', 'character varying', 'bpchar'
  ));
  IF row_condition IS NULL THEN
    RETURN NULL;
  END IF;
  lists := :schema.past_lists(past);
  RETURN jsonb_build_object(
    'version', present,
    'from', began,
    'live', format('SELECT %s, $2, $3 FROM %s AS live WHERE %s LIMIT 1', lists.live, relation::regclass, row_condition),
    'told', format('SELECT %s, $2, $3 FROM jsonb_to_record($1) AS record (%s)', lists.record, past ->> 'definition')
  );
END
$function$;
