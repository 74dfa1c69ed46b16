-- What functions/undo.sql does or shows, line by line.
--   $1, $2, $3, $4 an event, a transaction, a root, a request; $5 dry run; $6 on conflict
SELECT part, document::text
FROM :schema.undo($1::bigint, $2::bigint, $3::uuid, $4, $5::boolean, $6)
