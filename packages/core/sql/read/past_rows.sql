-- A page of the rows of a table at a moment, as functions/past_rows.sql gives it.
-- :columns are those of then, as read/past.sql has found them.
SELECT *
FROM :schema.past_rows($1::integer, $2::oid, $3::text::jsonb, $4::text::jsonb, $5::text::jsonb, $6::integer) AS past (:columns)
