-- Single rows at a moment, as functions/past_rows_of.sql gives them. $5 is a
-- JSON array of object_ids; :columns as in past_rows.
SELECT *
FROM :schema.past_rows_of(
  $1::integer, $2::oid, $3::text::jsonb, $4::text::jsonb,
  ARRAY(SELECT pg_catalog.jsonb_array_elements_text($5::text::jsonb)), $6::boolean
) AS past (:columns)
