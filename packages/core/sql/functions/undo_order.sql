-- In which order an undo writes: deletes, updates and inserts of several
-- tables, so that each finds the rows that it refers to, and the place in each
-- unique index that it needs. Where there is no such order, as among tables
-- that refer to each other in a circle, they share a rank: then they must be
-- one statement, at whose end PostgreSQL checks foreign keys. So must be the rows
-- of one table that refers to itself: it is a circle of its own.
--
--   works  [{table, op, leaves: as undo_links has them, columns: those that any of its rows writes, n: of its newest row}]
CREATE OR REPLACE FUNCTION :schema.undo_order(works jsonb, tables jsonb)
RETURNS TABLE (tracked text, op text, leaves jsonb, rank bigint, is_circle boolean)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  WITH RECURSIVE work AS MATERIALIZED (
    SELECT own.position AS id, own.part ->> 'table' AS tracked, own.part ->> 'op' AS op, own.part -> 'leaves' AS leaves, (own.part ->> 'n')::bigint AS n,
      (tables -> (own.part ->> 'table') ->> 'relation')::oid AS relation,
      ARRAY(
        SELECT attribute.attnum FROM pg_attribute AS attribute
        WHERE attribute.attrelid = (tables -> (own.part ->> 'table') ->> 'relation')::oid AND own.part -> 'columns' ? attribute.attname::text
      ) AS columns
    FROM jsonb_array_elements(works) WITH ORDINALITY AS own (part, position)
  ), reference AS MATERIALIZED (
    SELECT known.child, known.parent, known.acts, known.cascades, own.conkey AS near, own.confkey AS far, to_jsonb(known.id) AS id
    FROM :schema.undo_keys() AS known
    JOIN pg_constraint AS own ON own.oid = known.id
  ), distinct_index AS MATERIALIZED (
    SELECT indrelid AS relation, indisprimary AS is_key, indkey::smallint[] AS columns, 0 = ANY (indkey::smallint[]) AS is_computed
    FROM pg_index WHERE indisunique OR indisexclusion
  ), edge (before, after) AS (
    SELECT first.id, next.id
    FROM work AS first
    CROSS JOIN work AS next
    JOIN reference ON true
    WHERE
      reference.parent = first.relation AND reference.child = next.relation AND (
        first.op = 'insert' AND (next.op = 'insert' OR next.op = 'update' AND next.columns && reference.near)
        OR first.op = 'update' AND first.columns && reference.far AND (next.op = 'insert' OR next.op = 'update' AND next.columns && reference.near)
        OR first.op = 'delete' AND next.op = 'update' AND next.columns && reference.near AND NOT next.leaves @> reference.id
      )
      OR reference.child = first.relation AND reference.parent = next.relation AND (
        next.op = 'delete' AND (first.op = 'delete' OR first.op = 'update' AND first.columns && reference.near AND first.leaves @> reference.id)
        OR next.op = 'update' AND next.columns && reference.far AND (
          first.op = 'delete'
          OR first.op = 'update' AND first.columns && reference.near AND first.leaves @> reference.id AND NOT reference.acts
        )
      )
      OR first.leaves @> '"key"' AND reference.cascades AND reference.parent = next.relation AND next.op = 'update' AND next.columns && reference.far
    UNION
    SELECT first.id, next.id
    FROM work AS first
    JOIN work AS next ON next.relation = first.relation
    JOIN distinct_index AS own ON own.relation = first.relation
    WHERE first.op = 'delete' AND next.op = 'insert' AND NOT own.is_key
      OR first.op = 'delete' AND next.op = 'update' AND (next.columns && own.columns OR own.is_computed)
      OR first.op = 'update' AND next.op = 'insert' AND (first.columns && own.columns OR own.is_computed)
  ), path (before, after) AS (
    SELECT before, after FROM edge
    UNION
    SELECT path.before, edge.after FROM path JOIN edge ON edge.before = path.after
  ), placed AS (
    SELECT work.*,
      -- of a circle all have the same place; whoever is behind it a greater one
      (
        SELECT count(*) FROM path
        WHERE path.after = work.id AND path.before <> work.id
          AND NOT EXISTS (SELECT FROM path AS back WHERE back.before = work.id AND back.after = path.before)
      ) AS place,
      (
        SELECT min(path.before) FROM path JOIN path AS back ON back.before = path.after AND back.after = path.before
        WHERE path.after = work.id
      ) AS circle
    FROM work
  )
  SELECT tracked, op, leaves, dense_rank() OVER (ORDER BY place, max_n DESC, coalesce(circle, id)), circle IS NOT NULL
  FROM (SELECT *, max(n) OVER (PARTITION BY place, coalesce(circle, id)) AS max_n FROM placed) AS ordered
$function$;
