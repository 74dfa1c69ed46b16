-- What is needed to read a table, or a row of it, at a moment, and what is known
-- of the answer.
--   $1 the table; $2, $3, $4 the moment: a time, an event, a transaction; $5 consistent; $6 the row's key as
--   JSON; $7 the moment whose columns are asked for, if another
WITH tracked AS MATERIALIZED (
  SELECT :schema.table_id(CASE WHEN pg_catalog.cardinality(pg_catalog.parse_ident($1)) = 1 THEN pg_catalog.to_regclass($1) END, pg_catalog.parse_ident($1)) AS id
)
SELECT
  tracked.id AS tracked_id,
  CASE WHEN $6::text IS NOT NULL THEN :schema.row_id(tracked.id, $6::text::jsonb) END AS object_id,
  past.relation::text,
  past.moment::text,
  CASE
    WHEN $6::text IS NOT NULL AND $7::text IS NULL
    THEN pg_catalog.jsonb_concat(past.past, pg_catalog.jsonb_build_object('plain', :schema.plain_past(past.relation, past.moment, past.past)))
    ELSE past.past
  END::text AS past,
  pg_catalog.to_char(CASE
    WHEN past.past ->> 'since'::text IS NULL OR $6::text IS NOT NULL THEN (past.past ->> 'since'::text)::timestamptz
    ELSE greatest((past.past ->> 'since'::text)::timestamptz, (past.past ->> 'erased_at'::text)::timestamptz)
  END AT TIME ZONE 'UTC'::text, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS since,
  CASE WHEN (past.past ->> 'keys_erased'::text)::boolean AND (past.past ->> 'erased_at'::text)::timestamptz > (past.moment ->> 'at'::text)::timestamptz THEN
    pg_catalog.to_char((past.past ->> 'erased_at'::text)::timestamptz AT TIME ZONE 'UTC'::text, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
  END AS keys_erased_until
FROM tracked
CROSS JOIN LATERAL :schema.past_of(tracked.id, $2::timestamptz, $3::bigint, $4::bigint, $5::boolean, false, $7::text::jsonb) AS past
