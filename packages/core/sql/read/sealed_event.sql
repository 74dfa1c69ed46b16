-- An event in the form in which it is sealed, as functions/sealed_event.sql gives it;
-- null where it is more than $2 bytes.
SELECT CASE WHEN pg_catalog.octet_length(canonical) <= $2::bigint THEN canonical END AS canonical, pg_catalog.octet_length(canonical)::text AS bytes
FROM :schema.sealed_event($1::bigint) AS canonical
