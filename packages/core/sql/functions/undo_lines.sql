-- The lines of an undo as people read them in psql.
CREATE OR REPLACE FUNCTION :schema.undo_lines(lines jsonb[])
RETURNS TABLE (part text, event_id bigint, table_name text, object_id text, operation text, outcome text, columns text, detail text)
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT
    line ->> 'part',
    (document ->> 'eventId')::bigint,
    format('%I.%I', document ->> 'schema', document ->> 'table'),
    document ->> 'objectId',
    document ->> 'operation',
    document ->> 'outcome',
    CASE jsonb_typeof(document -> 'columns')
      WHEN 'array' THEN (SELECT string_agg(name, ', ') FROM jsonb_array_elements_text(document -> 'columns') AS name)
      ELSE document ->> 'column'
    END,
    CASE line ->> 'part'
      WHEN 'step' THEN document ->> 'sql'
      WHEN 'conflict' THEN concat('expected ', coalesce(document ->> 'expected', 'null'), ', is ', coalesce(document ->> 'present', 'null'), ', wanted ', coalesce(document ->> 'wanted', 'null'), ', referred to by ' || (document ->> 'referrer'))
      ELSE document ->> 'message'
    END
  FROM unnest(lines) WITH ORDINALITY AS given (line, position)
  CROSS JOIN LATERAL (SELECT line -> 'document' AS document) AS own
  WHERE line ->> 'part' IN ('step', 'conflict', 'omitted')
  ORDER BY position
$function$;
