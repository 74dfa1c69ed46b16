-- The id of a tracked table, and a short text that is another one whenever what
-- past_columns makes of its present columns may be: for callers that keep that.
-- Null where the table is not tracked.
CREATE OR REPLACE FUNCTION :schema.past_version(relation oid, OUT tracked_id integer, OUT version text)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET TimeZone = 'UTC'
SET DateStyle = 'ISO'
AS $function$
BEGIN
  tracked_id := :schema.tracked_id(relation);
  version := (
    SELECT md5(concat_ws(' ',
      past_version.relation, past_version.relation::regclass,
      known::text,
      :schema.log_start(),
      (
        SELECT shape.valid_from FROM :schema.audit_shape AS shape
        WHERE shape.table_id = past_version.tracked_id
        ORDER BY shape.valid_from DESC
        LIMIT 1
      ),
      (
        SELECT string_agg(concat_ws(' ',
          attribute.attnum, quote_ident(attribute.attname), attribute.attidentity, attribute.attgenerated,
          format_type(attribute.atttypid, attribute.atttypmod), format_type(nullif(type.typbasetype, 0), NULL)
        ), ',' ORDER BY attribute.attnum)
        FROM pg_attribute AS attribute JOIN pg_type AS type ON type.oid = attribute.atttypid
        WHERE attribute.attrelid = past_version.relation AND attribute.attnum > 0 AND NOT attribute.attisdropped
      ),
      (
        SELECT concat(index.indexrelid, ' ', index.indkey, ' ', index.indnkeyatts)
        FROM pg_index AS index
        WHERE index.indrelid = past_version.relation AND index.indisprimary
      )
    ))
    FROM :schema.audit_table AS known
    WHERE known.id = past_version.tracked_id
  );
END
$function$;
