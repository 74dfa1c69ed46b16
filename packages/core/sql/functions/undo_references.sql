-- Of the rows that are to be deleted, those that others refer to which are to
-- stay as they are: the row's n, and who refers to it. The rows are locked, so
-- that nobody new can. Reads by the rights of the caller.
CREATE OR REPLACE FUNCTION :schema.undo_references(rows jsonb[], tables jsonb)
RETURNS TABLE (n jsonb, referrer text)
LANGUAGE plpgsql
SET TimeZone = 'UTC'
SET DateStyle = 'ISO'
SET IntervalStyle = 'postgres'
SET extra_float_digits = '1'
SET bytea_output = 'hex'
SET lc_monetary = 'C'
AS $function$
DECLARE
  reference record;
BEGIN
  FOR reference IN SELECT * FROM :schema.undo_foreign_keys(rows, tables) LOOP
    RETURN QUERY EXECUTE pg_catalog.format(
      $query$
      SELECT DISTINCT ON (own.document -> 'n'::text) own.document -> 'n'::text, %1$L::text
      FROM pg_catalog.unnest($1) AS own (document)
      CROSS JOIN LATERAL pg_catalog.jsonb_to_record(own.document -> 'live'::text) AS named (%2$s)
      JOIN %3$s AS live ON %4$s
      WHERE own.document ->> 'table'::text = $2 AND own.document ->> 'op'::text = 'delete'
        AND NOT EXISTS (
          SELECT FROM pg_catalog.unnest($1) AS other (document)
          WHERE other.document ->> 'table'::text = $3 AND other.document -> 'at'::text = %5$s
            AND (other.document ->> 'op'::text = 'delete' OR other.document -> 'columns'::text ?| $4)
        )
      $query$,
      reference.shown, reference.definition, reference.child, reference.condition, coalesce(reference.place, 'NULL::pg_catalog.jsonb')
    )
    USING rows, reference.parent_id, reference.child_id, reference.columns;
  END LOOP;
END
$function$;
