-- A page of the rows that were changed between two moments: the object_id that
-- each had at the first (null: it was not there) and at the second (null: gone),
-- and where the next page begins. A row is followed through changes of its key,
-- except across a truncation, which no event of a row tells of: there every
-- object_id that the log knows is one.
CREATE OR REPLACE FUNCTION :schema.changed_keys(
  tracked_id integer, from_moment jsonb, to_moment jsonb, after text, size integer
)
RETURNS TABLE (place text, from_id text, to_id text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  IF EXISTS (
    SELECT FROM :schema.auditlog AS log
    WHERE log.table_id = tracked_id AND log.object_id IS NULL AND log.operation = 'truncate'
      AND :schema.is_after(from_moment, log.id, log.changed_at, log.txid)
      AND NOT :schema.is_after(to_moment, log.id, log.changed_at, log.txid)
  ) THEN
    RETURN QUERY
      SELECT key.id COLLATE "C", key.id, key.id
      FROM (
        SELECT log.object_id FROM :schema.auditlog AS log WHERE log.table_id = tracked_id
        UNION
        SELECT log.old_object_id FROM :schema.auditlog AS log WHERE log.table_id = tracked_id AND log.old_object_id IS NOT NULL
      ) AS key (id)
      WHERE key.id > coalesce(after, '') COLLATE "C"
      ORDER BY key.id COLLATE "C"
      LIMIT size;
    RETURN;
  END IF;

  RETURN QUERY EXECUTE format(
    $query$
    SELECT
      event.id::text,
      CASE WHEN event.operation <> 'insert' THEN event.key END,
      :schema.key_at($1, event.key, CASE WHEN event.operation = 'insert' THEN event.id ELSE -1 END, $2, $3)
    FROM (
      SELECT log.id, log.operation, coalesce(log.old_object_id, log.object_id) AS key
      FROM :schema.auditlog AS log
      WHERE log.table_id = $1 AND log.object_id IS NOT NULL AND log.id > $4 AND %s
        AND NOT :schema.is_after($3, log.id, log.changed_at, log.txid)
    ) AS event
    WHERE event.operation = 'insert'
      -- the first that happened to the row
      OR (SELECT min(next.id) FROM :schema.event_after($1, event.key, -1, $2) AS next) = event.id
    ORDER BY event.id
    LIMIT $5
    $query$,
    :schema.after_condition(from_moment)
  )
  USING tracked_id, from_moment, to_moment, coalesce(after, '0')::bigint, size;
END
$function$;
