-- What is to be done with each row, now that it is known how it is: the
-- documents with
--
--   op         what is really done: a row to be inserted that is there is updated
--   columns    what is written: names
--   outcome    planned, forced, skipped, unchanged
--   left       of an update: the present values of columns of foreign keys, on either side
--   conflicts  [{column, expected, present, wanted}]; column null: the row as a whole
--   lacks      with what was found now
--
--   policy: fail, skip (rows with a conflict are left as they are), or force
CREATE OR REPLACE FUNCTION :schema.undo_verdicts(rows jsonb[], tables jsonb, policy text)
RETURNS SETOF jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  WITH own AS (
    SELECT row.document, row.document ->> 'op' AS op, tables -> (row.document ->> 'table') AS facts,
      coalesce(row.document -> 'former', row.document -> 'expected') AS former, coalesce(row.document -> 'target', row.document -> 'wanted') AS target,
      CASE
        -- the row with that key is one of those that leave it
        WHEN row.document ->> 'op' = 'insert' AND bool_or(row.document ->> 'op' IN ('update', 'delete')) OVER (PARTITION BY row.document ->> 'table', row.document -> 'at')
        THEN NULL ELSE row.document -> 'live'
      END AS live
    FROM unnest(rows) AS row (document)
  ), found AS (
    SELECT own.*, lacking.names AS lacking, part.*,
      CASE
        WHEN own.op = 'update' AND own.live IS NULL AND NOT own.document -> 'expected' @> (own.document -> 'wanted')
        THEN jsonb_build_array(jsonb_build_object('column', NULL, 'expected', own.document -> 'expected', 'present', NULL, 'wanted', own.document -> 'wanted'))
        WHEN own.op = 'insert' AND part.differing IS NOT NULL
        THEN jsonb_build_array(jsonb_build_object('column', NULL, 'expected', NULL, 'present', own.live, 'wanted', own.document -> 'wanted'))
        WHEN own.op IN ('update', 'delete') AND own.live IS NOT NULL THEN nullif(coalesce(part.met, '[]') || coalesce((
          SELECT jsonb_agg(between.part - 'event' || jsonb_build_object('wanted', own.document -> 'wanted' -> (between.part ->> 'column'), 'by', between.part -> 'event'))
          FROM jsonb_array_elements(own.document -> 'broken') AS between (part)
          WHERE CASE own.op
              WHEN 'delete' THEN NOT own.facts -> 'ignored' ? (between.part ->> 'column')
              ELSE part.restored ? (between.part ->> 'column')
            END
            AND NOT coalesce(part.met_names ? (between.part ->> 'column'), false)
        ), '[]'), '[]')
      END AS conflicts
    FROM own
    CROSS JOIN LATERAL (
      SELECT CASE WHEN own.op = 'insert' AND own.live IS NULL THEN nullif(ARRAY(
        SELECT name FROM jsonb_array_elements_text(own.facts -> 'required') AS name WHERE NOT own.document -> 'wanted' ? name
      ), '{}') END AS names
    ) AS lacking
    CROSS JOIN LATERAL (
      SELECT
        jsonb_agg(each.name) FILTER (WHERE each.state <> 'same') AS differing,
        jsonb_agg(each.name) FILTER (WHERE each.state IN ('restore', 'met')) AS restored,
        jsonb_agg(each.name) FILTER (WHERE each.state = 'ignored') AS left_alone,
        jsonb_agg(each.name) FILTER (WHERE each.state = 'met') AS met_names,
        jsonb_agg(jsonb_build_object(
          'column', each.name, 'expected', own.former -> each.name, 'present', own.live -> each.name,
          'wanted', CASE own.op WHEN 'delete' THEN NULL ELSE own.target -> each.name END
        )) FILTER (WHERE each.state = 'met') AS met
      FROM (
        SELECT name.name, CASE
          WHEN own.op = 'insert' THEN CASE WHEN live.value = target.value THEN 'same' ELSE 'met' END
          WHEN own.op = 'delete' THEN CASE WHEN live.value = former.value OR own.facts -> 'ignored' ? name.name THEN 'same' ELSE 'met' END
          WHEN former.value = target.value OR live.value = target.value THEN 'same'
          WHEN live.value = former.value THEN 'restore'
          WHEN own.facts -> 'ignored' ? name.name THEN 'ignored'
          ELSE 'met'
        END AS state
        FROM jsonb_object_keys(CASE own.op WHEN 'delete' THEN own.document -> 'expected' ELSE own.document -> 'wanted' END) AS name (name)
        -- as text: 1.0 and 1.00 are equal as jsonb
        CROSS JOIN LATERAL (SELECT (own.live -> name.name)::text) AS live (value)
        CROSS JOIN LATERAL (SELECT (own.former -> name.name)::text) AS former (value)
        CROSS JOIN LATERAL (SELECT (own.target -> name.name)::text) AS target (value)
        WHERE own.live IS NOT NULL AND own.facts -> 'writable' ? name.name
      ) AS each
    ) AS part
  ), judged AS (
    SELECT found.*, is_homeless,
      CASE
        WHEN facts ->> 'refused' IS NOT NULL OR document ->> 'refused' IS NOT NULL OR lacking IS NOT NULL OR is_homeless THEN 'refused'
        WHEN op = 'none' OR op IN ('update', 'delete') AND live IS NULL AND conflicts IS NULL THEN 'unchanged'
        WHEN op = 'truncate' THEN CASE WHEN document ->> 'doubt' IS NULL THEN 'unchanged' ELSE 'skipped' END
        WHEN conflicts IS NOT NULL AND (policy <> 'force' OR live IS NULL) THEN 'skipped'
        WHEN document ->> 'doubt' IS NOT NULL AND policy <> 'force' THEN 'skipped'
        WHEN op = 'update' AND restored IS NULL OR op = 'insert' AND live IS NOT NULL AND differing IS NULL THEN 'unchanged'
        WHEN conflicts IS NOT NULL THEN 'forced'
        ELSE 'planned'
      END AS outcome
    FROM found
    CROSS JOIN LATERAL (SELECT op = 'insert' AND live IS NULL AND (facts -> 'inherited')::boolean AS is_homeless) AS home
  )
  -- what was needed to judge is not carried on
  SELECT document - ARRAY['expected', 'former', 'target', 'broken', CASE WHEN op <> 'delete' THEN 'live' END] || jsonb_build_object(
      'op', CASE WHEN op = 'insert' AND outcome = 'forced' THEN 'update' ELSE op END,
      'outcome', CASE outcome WHEN 'refused' THEN 'skipped' ELSE outcome END,
      'refused', coalesce(
        facts ->> 'refused', document ->> 'refused',
        CASE WHEN is_homeless THEN 'it is not known in which of the tables that inherit from this one it was' END,
        'it must have a value of ' || array_to_string(lacking, ', ') || ', which the log does not hold'
      ),
      'conflicts', CASE WHEN outcome <> 'refused' THEN coalesce(conflicts, '[]') ELSE '[]' END,
      'columns', coalesce((
        SELECT jsonb_agg(name ORDER BY position)
        FROM jsonb_array_elements_text(facts -> 'writable') WITH ORDINALITY AS written (name, position)
        WHERE CASE WHEN op = 'insert' AND live IS NULL THEN document -> 'wanted' WHEN op <> 'delete' THEN restored END ? name
      ), '[]'),
      'lacks', coalesce(document -> 'lacks', '[]')
        || CASE WHEN left_alone IS NOT NULL THEN jsonb_build_array(jsonb_build_object('columns', left_alone, 'why', 'ignored')) ELSE '[]' END
    ) || CASE WHEN op <> 'delete' AND live IS NOT NULL AND linked.names <> '{}' THEN jsonb_build_object('left', (
      SELECT jsonb_object_agg(name, live -> name) FROM unnest(linked.names) AS name
    )) ELSE '{}' END
  FROM judged
  CROSS JOIN LATERAL (SELECT ARRAY(SELECT jsonb_array_elements_text(facts -> 'linked')) AS names) AS linked
$function$;
