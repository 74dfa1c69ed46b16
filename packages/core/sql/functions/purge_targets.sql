-- Until when events of which table may go, as {table_id: until}.
--
-- Without older_than as the tables declare their retention. With it that is
-- asked for of one table, or of all: then those that declare a longer retention
-- keep it.
CREATE OR REPLACE FUNCTION :schema.purge_targets(older_than interval, table_id integer)
RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET "TimeZone" = 'UTC'
AS $function$
  SELECT coalesce(jsonb_object_agg(known.id, CASE
      WHEN table_id IS NOT NULL OR retention.text IS NULL THEN statement_timestamp() - older_than
      ELSE least(statement_timestamp() - older_than, statement_timestamp() - retention.text::interval)
    END), '{}')
  FROM :schema.audit_table AS known
  CROSS JOIN LATERAL (SELECT known.declaration ->> 'retention' AS text) AS retention
  WHERE CASE WHEN table_id IS NULL THEN coalesce(retention.text <> 'forever', older_than IS NOT NULL) ELSE known.id = table_id END
$function$;
