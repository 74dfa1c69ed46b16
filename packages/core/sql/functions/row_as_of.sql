-- One row as it was, or no row:
--   select * from auditrum.row_as_of(null::orders, 42, '2026-11-01 12:00+01');
--   select * from auditrum.row_as_of(null::order_items, '[7, 2]', event => 4711);
-- id is its key at that time; if no row had that, the row that was given it
-- next. Otherwise as as_of, except that by default every change counts whose
-- statement had run by then.
CREATE OR REPLACE FUNCTION :schema.row_as_of(
  relation anyelement,
  id anycompatible,
  at timestamptz DEFAULT NULL,
  consistent boolean DEFAULT false,
  event bigint DEFAULT NULL,
  transaction bigint DEFAULT NULL
)
RETURNS SETOF anyelement
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  tracked integer := :schema.row_type_table(pg_typeof(relation));
  wanted  text := :schema.row_id(tracked, to_jsonb(id));
  asked   record := :schema.past_of(tracked, at, event, transaction, consistent, true, NULL);
  lists   record := :schema.past_lists(asked.past);
BEGIN
  PERFORM :schema.warn_of_gaps(asked.past);
  RETURN QUERY EXECUTE format(
    'SELECT %s FROM :schema.past_rows_of($1, $2, $3, $4, ARRAY[$5], true) AS past (%s, missing text, place text)', lists.result, lists.types
  )
  USING tracked, asked.relation, asked.moment, asked.past, wanted;
END
$function$;
