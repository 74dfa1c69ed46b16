-- One page of events, as functions/event_page.sql gives it. A filter that is null
-- filters nothing.
SELECT page.*
FROM :schema.event_page(
  CASE WHEN $1::text IS NOT NULL THEN
    :schema.table_id(CASE WHEN pg_catalog.cardinality(pg_catalog.parse_ident($1)) = 1 THEN pg_catalog.to_regclass($1) END, pg_catalog.parse_ident($1))
  END,
  $2::text::jsonb,
  pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
    'user'::text, $3::text,
    'context'::text, $4::uuid,
    'root'::text, $5::uuid,
    'request'::text, $6::text,
    'transaction'::text, $7::bigint,
    'operation'::text, $8::text,
    'column'::text, $9::text,
    'since'::text, $10::timestamptz,
    'until'::text, $11::timestamptz
  )),
  $12::bigint,
  $13::text = 'asc',
  $14::integer
) AS page
