-- The object_id of a row of a tracked table, from its key as people give it: a
-- scalar, an array in key order, an object with the key's columns, or for a
-- composite key the text of one of these. Each part is read as its column's
-- type, so that '042' finds 42 and a uuid may be in upper case; of an array that
-- is a JSON array. What is no key
-- of the table is an error. An object_id, as events have it, is one as well.
CREATE OR REPLACE FUNCTION :schema.row_id(tracked_id integer, identity jsonb)
RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET TimeZone = 'UTC'
SET DateStyle = 'ISO'
SET extra_float_digits = '1'
AS $function$
DECLARE
  tracked :schema.audit_table := (SELECT known FROM :schema.audit_table AS known WHERE known.id = tracked_id);
  names   text[] := tracked.key_columns;
  shown   text := format('The key of %I.%I is (%s)', tracked.schema_name, tracked.table_name, array_to_string(names, ', '));
  type    text;
  parts   jsonb := '[]';
  part    jsonb;
BEGIN
  IF jsonb_typeof(identity) = 'string' AND identity #>> '{}' ~ '^md5 [0-9a-f]{32}$' THEN
    RETURN identity #>> '{}';
  END IF;
  IF names = '{}' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('%I.%I has no primary key, so none of its rows can be named.', tracked.schema_name, tracked.table_name),
      HINT = 'Read the whole table''s history, and look for the row in old and new data.';
  END IF;
  IF cardinality(names) > 1 AND jsonb_typeof(identity) = 'string' AND identity #>> '{}' ~ '^\s*(\[.*\]|\{.*\})\s*$' THEN
    identity := (identity #>> '{}')::jsonb;
  END IF;
  IF jsonb_typeof(identity) = 'object' AND identity ?& names AND identity - names = '{}' THEN
    identity := (SELECT jsonb_agg(identity -> name ORDER BY position) FROM unnest(names) WITH ORDINALITY AS key (name, position));
  ELSIF jsonb_typeof(identity) IN ('string', 'number', 'boolean') THEN
    identity := jsonb_build_array(identity);
  END IF;
  IF jsonb_typeof(identity) IS DISTINCT FROM 'array' OR jsonb_array_length(identity) <> cardinality(names) OR identity @> '[null]' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('%s names no row. %s.', coalesce(identity::text, 'null'), shown),
      HINT = 'Give a value for each column of the key, and no other.';
  END IF;

  FOR position IN 1 .. cardinality(names) LOOP
    part := identity -> position - 1;
    SELECT shape.base_type INTO type
    FROM :schema.audit_shape AS shape
    WHERE shape.table_id = tracked_id AND shape.column_name = names[position]
    ORDER BY shape.valid_from DESC
    LIMIT 1;
    BEGIN
      -- types that are read without code of the application's
      part := CASE
        -- an array or a record, as events have it
        WHEN jsonb_typeof(part) IN ('array', 'object') THEN part
        WHEN type LIKE '%[]' THEN (part #>> '{}')::jsonb
        ELSE CASE type
        WHEN 'smallint' THEN to_jsonb((part #>> '{}')::smallint)
        WHEN 'integer' THEN to_jsonb((part #>> '{}')::integer)
        WHEN 'bigint' THEN to_jsonb((part #>> '{}')::bigint)
        WHEN 'boolean' THEN to_jsonb((part #>> '{}')::boolean)
        WHEN 'uuid' THEN to_jsonb((part #>> '{}')::uuid)
        WHEN 'date' THEN to_jsonb((part #>> '{}')::date)
        WHEN 'timestamp without time zone' THEN to_jsonb((part #>> '{}')::timestamp)
        WHEN 'timestamp with time zone' THEN to_jsonb((part #>> '{}')::timestamptz)
        WHEN 'numeric' THEN to_jsonb((part #>> '{}')::numeric)
        WHEN 'real' THEN to_jsonb((part #>> '{}')::real)
        WHEN 'double precision' THEN to_jsonb((part #>> '{}')::double precision)
        WHEN 'jsonb' THEN part
        ELSE to_jsonb(part #>> '{}')
        END
      END;
    EXCEPTION WHEN data_exception THEN
      -- unless the column had another type once, whose rows are still in the log
      IF NOT EXISTS (
        SELECT FROM :schema.audit_shape AS shape
        WHERE shape.table_id = tracked_id AND shape.column_name = names[position] AND shape.base_type <> type
      ) THEN
        RAISE EXCEPTION USING
          ERRCODE = 'AU005',
          MESSAGE = format('%s is no %s. %s.', part, type, shown),
          HINT = format(CASE WHEN type LIKE '%[]' THEN 'Give %s as a JSON array.' ELSE 'Give %s as a value of that type.' END, names[position]);
      END IF;
    END;
    parts := parts || jsonb_build_array(part);
  END LOOP;
  RETURN :schema.bounded_id(CASE WHEN cardinality(names) = 1 THEN parts ->> 0 ELSE parts::text END);
END
$function$;
