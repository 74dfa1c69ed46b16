-- SQL that compares the primary key of a row, called row_name, with a key as a
-- JSON array of its parts: with = it finds the row by the table's index, with >
-- what comes behind it. A key that cannot be one is nobody's. Null without a key.
CREATE OR REPLACE FUNCTION :schema.key_condition(relation oid, row_name text, operator text, key jsonb)
RETURNS text
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $function$
BEGIN
  RETURN (
    WITH part AS (
      SELECT own.*, CASE
        -- JSON is not how an array or a record is read
        WHEN jsonb_typeof(key -> own.number - 1) IN ('array', 'object')
        THEN format('(SELECT value FROM pg_catalog.jsonb_to_record(%L) AS record (value %s))', jsonb_build_object('value', key -> own.number - 1), own.type)
        ELSE format('%L::%s', key ->> own.number - 1, own.type)
      END AS literal
      FROM :schema.key_parts(relation) AS own
    )
    SELECT CASE
      WHEN NOT bool_and(:schema.is_readable(key -> number - 1, type)) THEN 'false'
      -- one comparison of rows, which the index understands, unless the types' operators live apart
      WHEN operator <> '=' AND min(operators) = max(operators) THEN format(
        'ROW(%s) OPERATOR(%s.%s) ROW(%s)',
        string_agg(format('%s.%I', row_name, name), ', ' ORDER BY number), min(operators), operator,
        string_agg(literal, ', ' ORDER BY number))
      WHEN operator <> '=' THEN (
        SELECT string_agg(
          format('(%s)', concat_ws(' AND ',
            (
              SELECT string_agg(format('%s.%I OPERATOR(%s.=) %s', row_name, before.name, before.operators, before.literal), ' AND ')
              FROM part AS before
              WHERE before.number < own.number
            ),
            format('%s.%I OPERATOR(%s.%s) %s', row_name, own.name, own.operators, operator, own.literal)
          )),
          ' OR '
        )
        FROM part AS own
      )
      ELSE string_agg(format('%s.%I OPERATOR(%s.=) %s', row_name, name, operators, literal), ' AND ')
    END
    FROM part
  );
END
$function$;
