-- What is known of a table's past, as one document: its declaration, since when
-- every change was recorded (null: not to this day), and its columns over time,
-- oldest first, the present ones last.
CREATE OR REPLACE FUNCTION :schema.table_past(tracked_id integer, relation oid)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET TimeZone = 'UTC'
AS $function$
BEGIN
  RETURN (
    WITH shape (valid_from, relation, columns) AS (
      SELECT recorded.valid_from, max(recorded.relation), jsonb_agg(
        jsonb_build_object(
          'number', recorded.attnum, 'name', recorded.column_name, 'type', recorded.data_type, 'base', recorded.base_type,
          'key', recorded.key_position, 'generated', recorded.generated, 'recorded', recorded.recorded
        )
        ORDER BY recorded.attnum
      )
      FROM :schema.audit_shape AS recorded
      WHERE recorded.table_id = $1
      GROUP BY recorded.valid_from
      UNION ALL
      SELECT NULL, $2, jsonb_agg(
        jsonb_build_object(
          'number', present.attnum, 'name', present.column_name, 'type', present.data_type, 'base', present.base_type,
          'key', present.key_position, 'generated', present.generated, 'recorded', present.recorded
        )
        ORDER BY present.attnum
      )
      FROM :schema.audit_table AS declared
      CROSS JOIN LATERAL :schema.table_columns($2, declared.declaration) AS present
      WHERE declared.id = $1
      HAVING count(*) > 0
    )
    SELECT jsonb_build_object(
      'name', format('%I.%I', known.schema_name, known.table_name),
      'declaration', known.declaration,
      'erased_at', known.erased_at,
      'keys_erased', known.keys_erased,
      'since', (
        SELECT greatest(lower(period.range), :schema.known_since(known.id))
        FROM unnest(known.tracked) AS period (range)
        WHERE upper_inf(period.range)
      ),
      -- {from: until}
      'doubtful', (
        SELECT jsonb_object_agg(lower(period.range), upper(period.range)) FROM unnest(known.doubtful) AS period (range)
      ),
      'shapes', (
        SELECT jsonb_agg(
          jsonb_build_object('from', shape.valid_from, 'relation', shape.relation, 'columns', shape.columns)
          ORDER BY shape.valid_from NULLS LAST
        )
        FROM shape
      )
    )
    FROM :schema.audit_table AS known
    WHERE known.id = $1
  );
END
$function$;
