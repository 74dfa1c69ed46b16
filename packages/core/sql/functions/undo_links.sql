-- The rows that are to be written, as they are to be written among rows that
-- refer to each other:
--
--   columns  without those that ON UPDATE CASCADE brings back, because the row
--            that they refer to gets its key back. Were they written first, the
--            cascade would take the row for one that refers to whoever had that
--            key in between. They have a document of their own, which has its
--            place in the order but is not run: it leaves "followed"
--   leaves   the foreign keys by which it refers to a row that goes (or, without
--            an action, moves): it must be written before that is, and otherwise
--            behind it, or ON DELETE would reach it. "key": a cascade will change
--            the key by which it is found
--   tangled  true where it would have to be written both before a row that it
--            would be taken with goes, and behind it
CREATE OR REPLACE FUNCTION :schema.undo_links(rows jsonb[], tables jsonb)
RETURNS SETOF jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off  -- the planner does not know how many rows there are
SET enable_mergejoin = off
AS $function$
  WITH own AS MATERIALIZED (
    SELECT row.document, row.document ->> 'table' AS tracked, row.document ->> 'op' AS op, row.document -> 'n' AS n,
      coalesce(row.document -> 'live', row.document -> 'left') AS present
    FROM unnest(rows) AS row (document)
  ), reference AS MATERIALIZED (
    SELECT known.id, known.acts, known.cascades, known.sweeps, child.key AS child, parent.key AS parent, known.near, known.far
    FROM :schema.undo_keys() AS known
    JOIN jsonb_each(tables) AS child ON (child.value ->> 'relation')::oid = known.child
    JOIN jsonb_each(tables) AS parent ON (parent.value ->> 'relation')::oid = known.parent
  ), parent AS MATERIALIZED (
    -- the places that rows that others may refer to leave, and take
    SELECT DISTINCT reference.id, own.op,
      ARRAY(SELECT own.present -> name FROM unnest(reference.far) AS name) AS left_place,
      CASE own.op WHEN 'update' THEN ARRAY(SELECT coalesce(own.document -> 'wanted' -> name, own.present -> name) FROM unnest(reference.far) AS name) END AS place
    FROM reference
    JOIN own ON own.tracked = reference.parent
    WHERE own.op = 'delete' OR own.op = 'update' AND own.document -> 'columns' ?| reference.far
  ), child AS MATERIALIZED (
    SELECT reference.id, reference.acts, reference.cascades, reference.sweeps, reference.near, own.n, key.moves,
      ARRAY(SELECT own.present -> name FROM unnest(reference.near) AS name) AS left_place,
      ARRAY(SELECT coalesce(own.document -> 'wanted' -> name, own.present -> name) FROM unnest(reference.near) AS name) AS place
    FROM reference
    JOIN own ON own.tracked = reference.child
    CROSS JOIN LATERAL (SELECT reference.cascades AND tables -> own.tracked -> 'key' ?| reference.near AS moves) AS key
    WHERE own.op = 'update' AND (own.document -> 'columns' ?| reference.near OR key.moves)
      -- else it refers to nothing
      AND own.present ?& reference.near AND NOT EXISTS (SELECT FROM unnest(reference.near) AS name WHERE own.present -> name = 'null')
  ), followed AS MATERIALIZED (
    SELECT child.n, jsonb_agg(DISTINCT name.name) AS names
    FROM child
    JOIN parent ON parent.id = child.id AND parent.op = 'update' AND parent.left_place = child.left_place AND parent.place = child.place
    CROSS JOIN unnest(child.near) AS name (name)
    WHERE child.cascades
    GROUP BY child.n
  ), leaving AS MATERIALIZED (
    SELECT child.n, jsonb_agg(DISTINCT CASE WHEN parent.op = 'update' AND child.moves THEN 'key' ELSE child.id::text END) AS ids
    FROM child
    JOIN parent ON parent.id = child.id AND parent.left_place = child.left_place AND (parent.op = 'delete' OR NOT child.acts OR child.moves)
    GROUP BY child.n
  ), taken AS MATERIALIZED (
    -- the place that it is to have is one that a row leaves, which takes along who is there
    SELECT child.n, jsonb_object_agg(child.id, child.near) AS by
    FROM child
    JOIN parent ON parent.id = child.id AND parent.left_place = child.place AND CASE parent.op WHEN 'delete' THEN child.sweeps ELSE child.cascades END
    GROUP BY child.n
  ), crowded AS MATERIALIZED (
    -- rows of one table that may exchange unique values are written in one go
    SELECT own.tracked, coalesce(jsonb_agg(DISTINCT id.id) FILTER (WHERE id.id IS NOT NULL), '[]') AS ids
    FROM own
    LEFT JOIN leaving USING (n)
    LEFT JOIN LATERAL jsonb_array_elements(leaving.ids) AS id (id) ON true
    WHERE own.op = 'update'
    GROUP BY own.tracked
    HAVING bool_or(own.document -> 'columns' ?| ARRAY(
      SELECT jsonb_array_elements_text(tables -> own.tracked -> 'distinct')
    )) OR (tables -> own.tracked -> 'computed')::boolean
  )
  SELECT own.document || jsonb_build_object('columns', written.columns, 'leaves', place.leaves) || CASE WHEN EXISTS (
      SELECT FROM jsonb_each(taken.by) AS by (id, near)
      WHERE place.leaves ? by.id AND written.columns ?| ARRAY(SELECT jsonb_array_elements_text(by.near))
    ) THEN '{"tangled": true}' ELSE '{}'::jsonb END
  FROM own
  LEFT JOIN followed USING (n)
  LEFT JOIN leaving USING (n)
  LEFT JOIN taken USING (n)
  LEFT JOIN crowded ON crowded.tracked = own.tracked AND own.op = 'update'
  CROSS JOIN LATERAL (
    SELECT (own.document -> 'columns') - ARRAY(SELECT jsonb_array_elements_text(followed.names)) AS columns
  ) AS written
  CROSS JOIN LATERAL (SELECT coalesce(crowded.ids, leaving.ids, '[]') AS leaves) AS place
  WHERE own.op <> 'update' OR written.columns <> '[]'
  UNION ALL
  SELECT own.document || jsonb_build_object('columns', followed.names, 'leaves', '["followed"]'::jsonb)
  FROM own
  JOIN followed USING (n)
$function$;
