-- The rows that the events of some contexts changed: for each the events of one
-- row, in their order, wherever its key went, and which of them belong to a row
-- that began or ended here. Both do where a row was deleted and another one was
-- inserted in its place. A truncation is a line of its own. The images are not
-- looked at, for all of it is sorted.
CREATE OR REPLACE FUNCTION :schema.changed_rows(contexts bigint[], since timestamptz)
RETURNS TABLE (
  table_id      integer,
  is_truncation boolean,
  existed       boolean,
  is_there      boolean,
  first_key     text,
  last_key      text,
  first_id      bigint,
  first_at      timestamptz,
  last_at       timestamptz,
  events        bigint[],
  begin         boolean[],
  ending        boolean[]
)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off  -- how many events there will be is not known beforehand
AS $function$
  WITH RECURSIVE scope AS MATERIALIZED (
    -- without the images, for all of it is sorted
    SELECT log.id, log.table_id, log.operation, log.object_id, log.old_object_id, log.changed_at, log.meta IS NULL AS is_whole
    FROM :schema.audit_event AS log
    JOIN :schema.audit_context AS own ON own.id = log.context_id AND own.txid = log.txid
    WHERE log.context_id = ANY ($1) AND own.id = ANY ($1) AND log.changed_at >= $2
      AND log.operation <> 'S'  -- no change
  ), row_event AS (
    -- what was done to rows that were truncated later is over
    SELECT told.*
    FROM (
      SELECT scope.*, max(scope.id) FILTER (WHERE scope.operation = 'T' AND scope.is_whole) OVER (PARTITION BY scope.table_id) AS truncated
      FROM scope
    ) AS told
    WHERE told.operation = 'T' OR told.truncated IS NULL OR told.id > told.truncated
  ), spot AS (
    -- one row at one key: until it is deleted or given another one
    SELECT at_key.*,
      count(*) FILTER (WHERE at_key.departs OR at_key.operation = 'D') OVER (
        PARTITION BY at_key.table_id, at_key.key ORDER BY at_key.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ) AS life
    FROM (
      SELECT row_event.*, row_event.object_id AS key, false AS departs FROM row_event
      UNION ALL
      SELECT row_event.*, row_event.old_object_id, true FROM row_event WHERE row_event.old_object_id IS NOT NULL
    ) AS at_key
  ), move AS MATERIALIZED (
    SELECT spot.table_id,
      min(spot.key) FILTER (WHERE spot.departs) AS old_key, min(spot.life) FILTER (WHERE spot.departs) AS old_life,
      min(spot.key) FILTER (WHERE NOT spot.departs) AS key, min(spot.life) FILTER (WHERE NOT spot.departs) AS life
    FROM spot
    WHERE spot.old_object_id IS NOT NULL
    GROUP BY spot.table_id, spot.id
  ), path AS (
    -- each life of a key that a row was given, and where that row began
    SELECT move.table_id, move.old_key AS first_key, move.old_life AS first_life, move.key, move.life
    FROM move
    WHERE NOT EXISTS (
      SELECT FROM move AS earlier WHERE earlier.table_id = move.table_id AND earlier.key = move.old_key AND earlier.life = move.old_life
    )
    UNION
    SELECT path.table_id, path.first_key, path.first_life, move.key, move.life
    FROM path JOIN move ON move.table_id = path.table_id AND move.old_key = path.key AND move.old_life = path.life
  ), chain AS (
    -- the events of one row; without a key, each for itself
    SELECT spot.*,
      first_value(spot.operation) OVER forward = 'I' AS begins,
      last_value(spot.operation) OVER forward IN ('D', 'T') AS ends,
      first_value(coalesce(spot.old_object_id, spot.object_id)) OVER forward AS first_key,
      last_value(spot.object_id) OVER forward AS last_key,
      first_value(spot.id) OVER forward AS number
    FROM spot
    LEFT JOIN path ON path.table_id = spot.table_id AND path.key = spot.key AND path.life = spot.life
    WHERE NOT spot.departs
    WINDOW forward AS (
      PARTITION BY spot.table_id, coalesce(path.first_key, spot.key), coalesce(path.first_life, spot.life), CASE WHEN spot.key IS NULL THEN spot.id END
      ORDER BY spot.id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    )
  )
  SELECT
    chain.table_id,
    bool_or(chain.operation = 'T') AS is_truncation,
    bool_or(NOT chain.begins) AS existed,
    bool_or(NOT chain.ends) AS is_there,
    min(chain.first_key) FILTER (WHERE NOT chain.begins) AS first_key,
    coalesce(min(chain.last_key) FILTER (WHERE NOT chain.ends), min(chain.last_key)) AS last_key,
    min(chain.id) AS first_id,
    min(chain.changed_at) AS first_at,
    max(chain.changed_at) AS last_at,
    array_agg(chain.id ORDER BY chain.id) AS events,
    array_agg(chain.begins ORDER BY chain.id) AS begin,
    array_agg(chain.ends ORDER BY chain.id) AS ending
  FROM chain
  WHERE NOT (chain.begins AND chain.ends)
  -- a row that was deleted, and the one that was inserted in its place
  GROUP BY chain.table_id, CASE
    WHEN chain.begins THEN 'k' || chain.last_key
    WHEN chain.ends THEN 'k' || chain.first_key
    ELSE 'n' || chain.number
  END, CASE WHEN chain.object_id IS NULL THEN chain.id END
$function$;
