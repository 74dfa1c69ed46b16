-- SQL that selects the columns of past_columns: from a record of a row's state,
-- or from the live row where that still has them as they were.
--
--   record, live   select lists, whose columns are called c1, c2, ...
--   result, types  these names; with their types
--   names, unread  all columns; those that the live row does not have as they were
--   source         makes a record of past.state
CREATE OR REPLACE FUNCTION :schema.past_lists(
  past jsonb, OUT record text, OUT live text, OUT result text, OUT types text, OUT names text[], OUT unread text[], OUT source text
)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT
    string_agg(format('record.%I AS c%s', own.name, own.position), ', ' ORDER BY own.position),
    string_agg(
      CASE
        WHEN own.is_live THEN format('live.%I::%s AS c%s', own.part ->> 'live', own.part ->> 'type', own.position)
        ELSE format('record.%I AS c%s', own.name, own.position)
      END,
      ', ' ORDER BY own.position
    ),
    string_agg(format('c%s', own.position), ', ' ORDER BY own.position),
    string_agg(format('c%s %s', own.position, own.part ->> 'type'), ', ' ORDER BY own.position),
    array_agg(own.name ORDER BY own.position),
    coalesce(array_agg(own.name) FILTER (WHERE NOT own.is_live), '{}'),
    format('jsonb_to_record(past.state) AS record (%s)', past ->> 'definition')
  FROM (
    SELECT column_of.part, column_of.position, column_of.part ->> 'name' AS name,
      coalesce((column_of.part -> 'same')::boolean, false) AS is_live
    FROM jsonb_array_elements(past -> 'columns') WITH ORDINALITY AS column_of (part, position)
  ) AS own
$function$;
