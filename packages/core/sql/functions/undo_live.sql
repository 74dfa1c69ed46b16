-- Locks the rows that an undo is about, then reads them, so that nobody's
-- change comes between: the documents of those that are there, with live, and
-- where values may not be written as they were, with wanted and expected as the
-- table's types write them now (target, former).
-- It reads by the rights, the policies and the search_path of the caller, but
-- writes values as the log does.
CREATE OR REPLACE FUNCTION :schema.undo_live(rows jsonb[], tables jsonb)
RETURNS SETOF jsonb
LANGUAGE plpgsql
SET TimeZone = 'UTC'
SET DateStyle = 'ISO'
SET IntervalStyle = 'postgres'
SET extra_float_digits = '1'
SET bytea_output = 'hex'
SET lc_monetary = 'C'
AS $function$
DECLARE
  tracked text;
  key     record;
BEGIN
  FOR tracked IN
    SELECT own.key FROM pg_catalog.jsonb_each(tables) AS own WHERE own.value ->> 'refused'::text IS NULL ORDER BY own.key::integer
  LOOP
    key := :schema.key_join((tables -> tracked ->> 'relation'::text)::oid);
    RETURN QUERY EXECUTE pg_catalog.format(
      $query$
      SELECT %6$s
      FROM (
        SELECT own.document || pg_catalog.jsonb_build_object(
          'live'::text, pg_catalog.to_jsonb(live.*)%5$s
        ) AS document
        FROM pg_catalog.unnest($1) AS own (document)
        CROSS JOIN LATERAL pg_catalog.jsonb_to_record(own.document -> 'at'::text) AS named (%1$s)
        JOIN %2$s AS live ON %3$s
        WHERE own.document ->> 'table'::text = $2 AND own.document ->> 'op'::text = ANY ('{insert,update,delete}') AND own.document ->> 'refused'::text IS NULL
        ORDER BY %4$s
        FOR UPDATE OF live
      ) AS found
      %7$s
      $query$,
      key.definition, tables -> tracked ->> 'name'::text, key.condition,
      (SELECT pg_catalog.string_agg(pg_catalog.format('live.%I', part.name), ', ' ORDER BY part.number) FROM :schema.key_parts((tables -> tracked ->> 'relation'::text)::oid) AS part),
      CASE WHEN tables -> tracked -> 'checked'::text <> '[]'::pg_catalog.jsonb THEN
        $columns$,
          'former'::text, pg_catalog.to_jsonb(pg_catalog.jsonb_populate_record(live.*, own.document -> 'expected'::text)),
          'target'::text, pg_catalog.to_jsonb(pg_catalog.jsonb_populate_record(live.*, own.document -> 'wanted'::text))$columns$
      END,
      CASE WHEN (tables -> tracked -> 'inherited'::text)::boolean THEN
        $merged$
          (pg_catalog.array_agg(found.document))[1] || CASE WHEN pg_catalog.count(*) > 1 THEN pg_catalog.jsonb_build_object(
            'refused'::text, 'several rows have this key, because other tables inherit from this one'::text
          ) ELSE '{}' END
        $merged$
        ELSE 'found.document'
      END,
      CASE WHEN (tables -> tracked -> 'inherited'::text)::boolean THEN 'GROUP BY found.document -> ''n''::text' END
    )
    USING rows, tracked;
  END LOOP;
END
$function$;
