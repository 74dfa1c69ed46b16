-- How the rows of a table are compared with their events, for each shape that it
-- has had, as past_columns numbers them:
--
--   until, map, loose  as there
--   unsaid   names then of what is not compared: dropped or retyped since, generated, or ignored or not
--            recorded at any time since, so that its value may be another one without an event
--   unread   names now of what is not compared
--   renamed  {name then: name now} of what is, where a name is another one now
--   same_key whether its rows had the key that they have now, in the same form
CREATE OR REPLACE FUNCTION :schema.verification_shapes(tracked_id integer, relation oid, past jsonb)
RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  WITH fact AS (
    SELECT position, document
    FROM jsonb_array_elements(:schema.table_past($1, $2) -> 'shapes') WITH ORDINALITY AS known (document, position)
  ), shape AS (
    SELECT position AS number, document, lag(document ->> 'until') OVER (ORDER BY position) AS since
    FROM jsonb_array_elements(past -> 'shapes') WITH ORDINALITY AS known (document, position)
  ), part AS (
    SELECT shape.number, names.key AS old_name, names.value AS new_name,
      -- of these an object_id is the same text
      CASE
        WHEN own.part ->> 'type' IN ('smallint', 'integer', 'bigint') THEN 'bigint'
        WHEN own.part ->> 'type' LIKE 'character varying%' THEN 'text'
        ELSE own.part ->> 'type'
      END AS kind,
      own.part ->> 'recorded' AS recorded, own.part ->> 'generated' AS generated, (own.part ->> 'key')::integer AS key_position,
      shape.document -> 'loose' ? names.value AS is_loose
    FROM shape
    JOIN fact ON CASE
      WHEN shape.number = 1 THEN fact.position = 1
      -- what no sync has seen yet has no time
      ELSE fact.document ->> 'from' IS NOT DISTINCT FROM nullif(shape.since, 'infinity')
    END
    CROSS JOIN LATERAL jsonb_each_text(shape.document -> 'map') AS names
    JOIN LATERAL jsonb_array_elements(fact.document -> 'columns') AS own (part) ON own.part ->> 'name' = names.key
  ), compared AS (
    SELECT own.number, own.old_name, own.new_name
    FROM part AS own
    WHERE own.new_name IS NOT NULL AND own.is_loose IS NOT TRUE
      AND NOT EXISTS (
        SELECT FROM part AS later
        WHERE later.number >= own.number AND later.new_name = own.new_name
          AND (later.recorded IN ('i', 'n') OR later.generated <> '')
      )
  ), keys AS (
    SELECT number, array_agg(ARRAY[new_name, kind] ORDER BY key_position) FILTER (WHERE key_position IS NOT NULL) AS names
    FROM part
    GROUP BY number
  )
  SELECT jsonb_agg(shape.document || jsonb_build_object(
    'unsaid', coalesce((
      SELECT jsonb_agg(part.old_name) FROM part
      WHERE part.number = shape.number AND NOT EXISTS (
        SELECT FROM compared WHERE compared.number = part.number AND compared.old_name = part.old_name
      )
    ), '[]'),
    'unread', coalesce((
      SELECT jsonb_agg(now.new_name) FROM part AS now
      WHERE now.number = (SELECT max(number) FROM shape) AND NOT EXISTS (
        SELECT FROM compared WHERE compared.number = shape.number AND compared.new_name = now.new_name
      )
    ), '[]'),
    'renamed', (
      SELECT jsonb_object_agg(compared.old_name, compared.new_name) FROM compared
      WHERE compared.number = shape.number
      HAVING bool_or(compared.old_name <> compared.new_name)
    ),
    'same_key', (SELECT names FROM keys WHERE keys.number = shape.number)
      IS NOT DISTINCT FROM (SELECT names FROM keys ORDER BY number DESC LIMIT 1)
  ) ORDER BY shape.number)
  FROM shape
$function$;
