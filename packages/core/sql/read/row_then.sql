-- A row at a moment, as functions/row_then.sql gives it.
--   $1 the table; $2 the row's key as JSON; $3, $4, $5 the moment: a time, an event, a transaction; $6 consistent;
--   $7 what read/past.sql told of the table; :columns are those of $7
SELECT *
FROM :schema.row_then(
  pg_catalog.to_regclass($1)::oid, $2::text::jsonb, $3::timestamptz, $4::bigint, $5::bigint, $6::boolean, $7::text::jsonb
) AS past (:columns)
