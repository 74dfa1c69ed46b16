-- Of the rows that are to be deleted, or to get a key with which ON UPDATE SET
-- NULL takes references away, those that others refer to which are to stay as
-- they are: the row's n, and who refers to it; or, where that cannot be seen,
-- who may (hides). The rows are locked, so that nobody new can. Reads by the
-- rights of the caller.
CREATE OR REPLACE FUNCTION :schema.undo_references(rows jsonb[], tables jsonb)
RETURNS TABLE (n jsonb, referrer text, hides boolean)
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
    RETURN QUERY
      SELECT own.document -> 'n'::text, reference.shown, true
      FROM pg_catalog.unnest(rows) AS own (document)
      WHERE own.document ->> 'table'::text = reference.parent_id AND own.document ->> 'op'::text = ANY (reference.hides)
        AND (own.document ->> 'op'::text = 'delete' OR own.document -> 'columns'::text ?| reference.loosens);
    RETURN QUERY EXECUTE pg_catalog.format(
      $query$
      SELECT DISTINCT ON (own.document -> 'n'::text) own.document -> 'n'::text, %1$L::text, false
      FROM pg_catalog.unnest($1) AS own (document)
      CROSS JOIN LATERAL pg_catalog.jsonb_to_record(coalesce(own.document -> 'live'::text, own.document -> 'left'::text)) AS named (%2$s)
      JOIN %3$s AS live ON %4$s
      WHERE own.document ->> 'table'::text = $2 AND (own.document ->> 'op'::text = 'delete' OR own.document ->> 'op'::text = 'update' AND own.document -> 'columns'::text ?| $5)
        AND NOT EXISTS (
          SELECT FROM pg_catalog.unnest($1) AS other (document)
          WHERE other.document ->> 'table'::text = $3 AND other.document -> 'at'::text = %5$s
            AND (other.document ->> 'op'::text = 'delete' OR other.document -> 'columns'::text ?| $4)
        )
      $query$,
      reference.shown, reference.definition, reference.child, reference.condition, coalesce(reference.place, 'NULL::pg_catalog.jsonb')
    )
    USING rows, reference.parent_id, reference.child_id, reference.columns, reference.loosens;
  END LOOP;
END
$function$;
