-- The rows that a table had just before it was truncated, as far as events tell,
-- and which of their recorded columns none of them does.
CREATE OR REPLACE FUNCTION :schema.undo_truncated(tracked_id integer, relation oid, event bigint, changed_at timestamptz)
RETURNS TABLE (object_id text, image jsonb, missing text[])
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
  moment jsonb := jsonb_build_object(
    'at', changed_at, 'event', event - 1, 'snapshot', pg_current_snapshot(), 'unseen_since', 'infinity'
  );
  past   jsonb := :schema.past_columns(tracked_id, relation, moment, true);
BEGIN
  RETURN QUERY EXECUTE format(
    $query$
    SELECT
      :schema.bounded_id(:schema.object_id(known.image, $5)),
      known.image - known.missing,
      ARRAY(SELECT name FROM unnest(known.missing) AS name WHERE NOT $4 -> 'unrecorded' ? name)
    FROM (
      SELECT to_jsonb(past.*) - 'auditrum_missing' - 'auditrum_place' AS image,
        ARRAY(SELECT jsonb_array_elements_text(past.auditrum_missing::jsonb)) AS missing
      FROM :schema.past_rows($1, $2, $3, $4, NULL, NULL) AS past (%s, auditrum_missing text, auditrum_place text)
    ) AS known
    $query$,
    past ->> 'definition'
  )
  USING tracked_id, relation, moment, past, :schema.key_columns(relation);
END
$function$;
