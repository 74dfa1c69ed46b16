-- The recorded part of a row of a table, as declared: SQL that makes it from
-- the row's whole jsonb, called row_name. The one place that knows what is left
-- out of an event.
CREATE OR REPLACE FUNCTION :schema.image_expression(row_name text, relation oid, declaration jsonb)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT CASE
    WHEN declaration ? 'only' THEN (
      -- jsonb_build_object takes 100 arguments
      SELECT string_agg(part.object, ' || ' ORDER BY part.number)
      FROM (
        SELECT (position - 1) / 40 AS number,
          format('jsonb_build_object(%s)', string_agg(format('%1$L, %2$s -> %1$L', name, row_name), ', ' ORDER BY position)) AS object
        FROM unnest(ARRAY(
          (
            SELECT unnest(:schema.key_columns(relation))
            UNION SELECT jsonb_array_elements_text(declaration -> 'only')
          )
          EXCEPT SELECT jsonb_array_elements_text(declaration -> 'mask')
          ORDER BY 1
        )) WITH ORDINALITY AS recorded (name, position)
        GROUP BY (position - 1) / 40
      ) AS part
    )
    WHEN left_out.names <> '{}' THEN format('%s - %L::text[]', row_name, left_out.names)
    ELSE row_name
  END
  FROM (
    SELECT ARRAY(SELECT jsonb_array_elements_text(declaration -> 'exclude'))
      || ARRAY(SELECT jsonb_array_elements_text(declaration -> 'mask'))
      || ARRAY(
        -- a trigger does not see virtual columns
        SELECT attname::text FROM pg_attribute
        WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped AND attgenerated = 'v'
        ORDER BY attnum
      ) AS names
  ) AS left_out
$function$;
