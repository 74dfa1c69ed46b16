-- What became of a row that was written, as a clause, where neither it nor what
-- was written elsewhere explains it by a trigger, a rule or a policy: then a
-- foreign key's action has reached it. Null where there is none.
CREATE OR REPLACE FUNCTION :schema.undo_astray(rows jsonb[], tables jsonb)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT format('%I.%I %s ', own.facts ->> 'schema', own.facts ->> 'table', own.document ->> 'key') || CASE
      WHEN own.lack ->> 'why' = 'trigger' THEN
        'would not get back its ' || (SELECT string_agg(name, ', ') FROM jsonb_array_elements_text(own.lack -> 'columns') AS name)
      WHEN own.document ->> 'op' = 'delete' THEN 'would not go'
      ELSE 'would be deleted'
    END
  FROM (
    SELECT row.document, lack.part AS lack, tables -> (row.document ->> 'table') AS facts
    FROM unnest(rows) AS row (document)
    CROSS JOIN LATERAL jsonb_array_elements(row.document -> 'lacks') AS lack (part)
    WHERE lack.part ->> 'why' IN ('kept', 'trigger')
  ) AS own
  WHERE CASE
    WHEN own.lack ->> 'why' = 'trigger' THEN
      own.lack -> 'columns' ?| ARRAY(SELECT jsonb_array_elements_text(own.facts -> 'acted'))
      OR NOT jsonb_path_exists(tables, '$.* ? (@.meddled == true)')
    -- a row that was there, whose key was not to be changed, is gone
    WHEN own.document ->> 'op' = 'update' AND NOT own.document -> 'columns' ?| ARRAY(SELECT jsonb_array_elements_text(own.facts -> 'key')) THEN true
    ELSE NOT (own.facts -> 'meddled')::boolean
  END
  ORDER BY (own.document ->> 'n')::bigint DESC
  LIMIT 1
$function$;
