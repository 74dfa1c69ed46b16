-- The rows of a table that had these keys at a moment, each as past_row finds
-- it: records of the columns of past_columns, followed by two of text, the names
-- of those whose value is not known (a JSON array, or null), and the key.
CREATE OR REPLACE FUNCTION :schema.past_rows_of(
  tracked_id integer, relation oid, moment jsonb, past jsonb, ids text[], follow boolean
)
RETURNS SETOF record
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO'
SET IntervalStyle = 'postgres'
SET extra_float_digits = '1'
SET bytea_output = 'hex'
SET lc_monetary = 'C'
SET array_nulls = on
SET xmloption = content
AS $function$
DECLARE
  lists record := :schema.past_lists(past);
  found record;
BEGIN
  FOR found IN
    SELECT wanted.id, row_then.state, row_then.live_id
    FROM unnest(ids) AS wanted (id)
    CROSS JOIN LATERAL :schema.past_row(tracked_id, relation, wanted.id, moment, past, follow) AS row_then
    WHERE row_then.state IS NOT NULL
  LOOP
    RETURN QUERY EXECUTE format(
      $query$
      SELECT %1$s, (SELECT jsonb_agg(name) FROM unnest($2) AS name WHERE NOT past.state ? name)::text, $3
      FROM (SELECT $1 AS state) AS past
      CROSS JOIN LATERAL %2$s
      %3$s
      $query$,
      CASE WHEN found.live_id IS NULL THEN lists.record ELSE lists.live END,
      lists.source,
      CASE WHEN found.live_id IS NOT NULL THEN format(
        'JOIN %s AS live ON %s LIMIT 1', relation::regclass, :schema.live_condition(relation, found.live_id)
      ) END
    )
    USING found.state, CASE WHEN found.live_id IS NULL THEN lists.names ELSE lists.unread END, found.id;
  END LOOP;
END
$function$;
