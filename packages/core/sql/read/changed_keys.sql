-- A page of the rows that were changed between two moments, as
-- functions/changed_keys.sql finds them.
SELECT place, from_id, to_id
FROM :schema.changed_keys($1::integer, $2::text::jsonb, $3::text::jsonb, $4, $5::integer)
