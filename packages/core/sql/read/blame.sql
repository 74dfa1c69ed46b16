-- Who gave each column its value, as functions/blame.sql finds it, ready to be read exactly.
SELECT
  line.column_name,
  line.value::text,
  to_char(line.changed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS changed_at,
  line.user_id,
  line.change_reason,
  line.source,
  line.operation,
  line.db_user,
  line.masked::integer AS masked,
  line.event_id::text,
  line.context_uuid::text,
  :schema.column_types(:schema.table_id(to_regclass($1), parse_ident($1)), line.changed_at) ->> line.column_name AS column_type
FROM :schema.blame($1, :schema.row_id(:schema.table_id(to_regclass($1), parse_ident($1)), $2::jsonb), $3) AS line
ORDER BY line.event_id DESC, line.column_name
