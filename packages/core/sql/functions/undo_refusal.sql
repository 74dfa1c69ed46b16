-- Why an undo was refused, from its lines; null where it was not.
CREATE OR REPLACE FUNCTION :schema.undo_refusal(lines jsonb[])
RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT string_agg(problem.text, '; ' ORDER BY problem.number) FILTER (WHERE problem.number <= 3)
    || CASE WHEN count(*) > 3 THEN format('; and %s more', count(*) - 3) ELSE '' END
  FROM (
    SELECT own.position AS number, format('%I.%I', line -> 'document' ->> 'schema', line -> 'document' ->> 'table') || coalesce(' ' || (line -> 'document' ->> 'objectId'), '')
      || CASE
        WHEN line ->> 'part' = 'omitted' THEN ': ' || (line -> 'document' ->> 'message')
        WHEN line -> 'document' ->> 'referrer' IS NOT NULL THEN ' is referred to by ' || (line -> 'document' ->> 'referrer')
        WHEN line -> 'document' ->> 'present' IS NULL AND line -> 'document' ->> 'column' IS NULL THEN ' is not there any more'
        WHEN line -> 'document' ->> 'column' IS NULL THEN ' is there again'
        ELSE format(': %I is %s, not %s', line -> 'document' ->> 'column',
          left(coalesce(line -> 'document' ->> 'present', 'null'), 60), left(coalesce(line -> 'document' ->> 'expected', 'null'), 60))
      END
      || coalesce(', changed by event ' || (line -> 'document' -> 'changedBy' ->> 'eventId'), '') AS text
    FROM (
      SELECT line, row_number() OVER (ORDER BY position) AS position
      FROM unnest(lines) WITH ORDINALITY AS given (line, position)
      WHERE line ->> 'part' = 'conflict' OR line ->> 'part' = 'omitted' AND line -> 'document' ->> 'why' IN ('refused', 'doubt')
    ) AS own
    WHERE EXISTS (SELECT FROM unnest(lines) AS line WHERE line ->> 'part' = 'refused')
  ) AS problem
$function$;
