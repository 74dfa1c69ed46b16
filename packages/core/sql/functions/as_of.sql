-- A table as it was:
--   select * from auditrum.as_of(null::orders, '2026-11-01 12:00+01');
--   select * from auditrum.as_of(null::orders, event => 4711);
--   select * from auditrum.as_of(null::orders, transaction => 1234567890);
-- The rows have the present columns: renamed ones are followed, of those that
-- were added later there is nothing. What a transaction had done that was still
-- under way is left out, unless consistent is false. A warning says where the
-- log does not know all.
CREATE OR REPLACE FUNCTION :schema.as_of(
  relation anyelement,
  at timestamptz DEFAULT NULL,
  consistent boolean DEFAULT true,
  event bigint DEFAULT NULL,
  transaction bigint DEFAULT NULL
)
RETURNS SETOF anyelement
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  tracked integer := :schema.row_type_table(pg_typeof(relation));
  asked   record := :schema.past_of(tracked, at, event, transaction, consistent, true, NULL);
  lists   record := :schema.past_lists(asked.past);
BEGIN
  PERFORM :schema.warn_of_gaps(asked.past);
  RETURN QUERY EXECUTE format(
    'SELECT %s FROM :schema.past_rows($1, $2, $3, $4, NULL, NULL) AS past (%s, missing text, place text)', lists.result, lists.types
  )
  USING tracked, asked.relation, asked.moment, asked.past;
END
$function$;
