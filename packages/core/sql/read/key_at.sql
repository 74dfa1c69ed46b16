-- The key that a row has at the second moment, from the one at the first.
SELECT :schema.key_at($1::integer, $2, -1, $3::text::jsonb, $4::text::jsonb) AS id
