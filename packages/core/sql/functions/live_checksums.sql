-- SQL that gives of each live row of a table its object_id, its branch (the
-- partition, child or table that holds it) and place there, and for each shape from `first` on
-- the checksum of what is compared, as last_touches makes it of events.
CREATE OR REPLACE FUNCTION :schema.live_checksums(tracked_id integer, relation oid, declaration jsonb, shapes jsonb, first integer, seed bigint)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  WITH RECURSIVE tree (oid) AS (
    SELECT $2
    UNION SELECT inherits.inhrelid FROM tree JOIN pg_inherits AS inherits ON inherits.inhparent = tree.oid
  ), branch AS (
    -- a partitioned table is read as a whole; a child of inheritance has columns of its own
    SELECT class.oid, CASE class.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END || class.oid::regclass AS source
    FROM tree JOIN pg_class AS class ON class.oid = tree.oid
    WHERE class.oid = $2
      OR NOT class.relispartition AND EXISTS (
        SELECT FROM pg_trigger AS trigger
        WHERE trigger.tgrelid = class.oid AND trigger.tgname = :'trigger'
          AND trigger.tgfoid = to_regprocedure(format('%I.%I()', :'schema', 'capture_' || tracked_id))
      )
  ), image AS (
    SELECT position,
      CASE
        WHEN document -> 'renamed' <> 'null' THEN format(
          'own.image - %L::text[] || %s',
          ARRAY(SELECT value FROM jsonb_each_text(shapes -> -1 -> 'map')),
          (
            -- jsonb_build_object takes 100 arguments
            SELECT string_agg(chunk.object, ' || ')
            FROM (
              SELECT format('jsonb_build_object(%s)', string_agg(format('%L, own.image -> %L', key, value), ', ')) AS object
              FROM jsonb_each_text(document -> 'renamed') WITH ORDINALITY AS pair (key, value, place)
              GROUP BY place / 40
            ) AS chunk
          )
        )
        WHEN document -> 'unread' <> '[]' THEN format('own.image - %L::text[]', ARRAY(SELECT jsonb_array_elements_text(document -> 'unread')))
        ELSE 'own.image'
      END AS expression
    FROM jsonb_array_elements(shapes) WITH ORDINALITY AS known (document, position)
    WHERE position >= first
  )
  SELECT string_agg(
    format(
      'SELECT %s AS id, live.tableoid AS branch, live.ctid AS place, ARRAY[%s] AS checksums FROM %s AS live CROSS JOIN LATERAL (SELECT to_jsonb(live.*) AS raw OFFSET 0) AS read CROSS JOIN LATERAL (SELECT %s AS image) AS own',
      :schema.live_id(relation),
      (SELECT string_agg(format('hashtextextended((%s)::text, %s)', expression, seed), ', ' ORDER BY position) FROM image),
      branch.source,
      :schema.image_expression('read.raw', branch.oid, declaration)
    ),
    ' UNION ALL '
  )
  FROM branch
$function$;
