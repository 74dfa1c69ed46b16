-- The changes that are to be undone, oldest first, one for each row that an
-- event is about: of a truncation one for each row that it deleted. Images have
-- the present column names.
--
--   kind     I, U, D; or T: a truncation itself
--   lacks    [{columns, why}]: what the log does not hold, or the table not any more
--   refused  why it cannot be undone, as a clause
--   doubt    why it may not be all there is to undo
CREATE OR REPLACE FUNCTION :schema.undo_changes(event bigint, transaction bigint, root uuid, request text)
RETURNS TABLE (
  n bigint, id bigint, table_id integer, kind "char", key_in text, key_out text,
  old jsonb, new jsonb, lacks jsonb, refused text, doubt text
)
LANGUAGE sql STABLE
ROWS 100000  -- so that joins are planned for many
SET search_path = pg_catalog, pg_temp
AS $function$
  WITH logged AS MATERIALIZED (
    SELECT * FROM :schema.undo_events($1, $2, $3, $4) AS log
  ), subject AS MATERIALIZED (
    SELECT own.table_id, own.facts ->> 'refused' AS refused, (own.facts ->> 'relation')::oid AS relation, own.facts -> 'key' AS key, past.past,
      -- from when on images have the present names
      coalesce((past.past -> 'shapes' -> -2 ->> 'until')::timestamptz, '-infinity') AS named_since
    FROM (
      SELECT log.table_id, min(log.id) AS first_id, min(log.changed_at) AS first_at, :schema.undo_table(log.table_id) AS facts
      FROM logged AS log
      GROUP BY log.table_id
    ) AS own
    CROSS JOIN LATERAL (
      SELECT CASE WHEN own.facts ->> 'refused' IS NULL THEN :schema.past_columns(
        own.table_id, (own.facts ->> 'relation')::oid, jsonb_build_object('at', own.first_at, 'event', own.first_id - 1), true
      ) END AS past
    ) AS past
  ), change AS (
    SELECT
      log.id, 0::bigint AS number, log.table_id, log.operation AS kind,
      CASE WHEN log.operation <> 'I' THEN coalesce(log.old_object_id, log.object_id) END AS key_in,
      CASE WHEN log.operation <> 'D' THEN log.object_id END AS key_out,
      CASE WHEN named.now THEN log.old ELSE before.image END AS old,
      CASE WHEN named.now THEN log.new ELSE after.image END AS new,
      CASE WHEN log.masked IS NOT NULL OR log.redacted <> '{}' OR log.lossy OR log.image = 'k' OR before.dropped IS NOT NULL THEN
        jsonb_path_query_array(jsonb_build_array(
          CASE WHEN log.image = 'k' THEN jsonb_build_object('columns', coalesce(log.masked, '{}'), 'why', 'drift')
            WHEN NOT log.masked <@ coalesce(log.redacted, '{}')
            THEN jsonb_build_object('columns', ARRAY(SELECT unnest(log.masked) EXCEPT SELECT unnest(log.redacted) ORDER BY 1), 'why', 'masked') END,
          CASE WHEN log.redacted <> '{}' THEN jsonb_build_object('columns', log.redacted, 'why', 'redacted') END,
          CASE WHEN log.lossy THEN jsonb_build_object('columns', '{}'::text[], 'why', 'lossy') END,
          CASE WHEN before.dropped IS NOT NULL THEN jsonb_build_object('columns', before.dropped, 'why', 'dropped') END
        ), '$[*] ? (@ != null)')
      END AS lacks,
      CASE
        WHEN subject.refused IS NOT NULL THEN subject.refused
        WHEN log.operation = 'T' AND log.meta IS NOT NULL
        THEN format('it is not known which rows were in %s when that was truncated', log.meta ->> 'relation')
        WHEN log.operation = 'D' AND log.image = 'k' THEN 'the event holds nothing but the key, because a declared column had been renamed'
        WHEN log.operation <> 'T' AND log.object_id IS NULL THEN 'the table had no primary key, so it is not known which row this was'
      END AS refused,
      CASE WHEN log.operation = 'T' AND log.meta IS NULL AND subject.refused IS NULL
        AND NOT :schema.rows_known(log.table_id, log.id, log.changed_at)
      THEN 'the table may have had rows of which no event tells' END AS doubt
    FROM logged AS log
    JOIN subject USING (table_id)
    CROSS JOIN LATERAL (SELECT log.changed_at > subject.named_since OR subject.past IS NULL AS now) AS named
    LEFT JOIN LATERAL (
      SELECT told.* FROM :schema.undo_image(subject.past, log.operation = 'D' AND log.image = 'f', log.changed_at, log.old) AS told WHERE NOT named.now
    ) AS before ON true
    LEFT JOIN LATERAL (
      SELECT told.* FROM :schema.undo_image(subject.past, log.image = 'f', log.changed_at, log.new) AS told WHERE NOT named.now
    ) AS after ON true
  )
  SELECT row_number() OVER (ORDER BY each.id, each.number), each.id, each.table_id, each.kind, each.key_in, each.key_out,
    each.old, each.new, each.lacks, each.refused, each.doubt
  FROM (
    SELECT * FROM change
    UNION ALL
    SELECT change.id, row_number() OVER (PARTITION BY change.id), change.table_id, 'D', gone.object_id, NULL, gone.image, NULL, NULL,
      'the log does not hold what it had in ' || nullif(array_to_string(gone.missing, ', '), ''), change.doubt
    FROM change
    JOIN subject USING (table_id)
    JOIN logged AS log ON log.id = change.id
    CROSS JOIN LATERAL :schema.undo_truncated(change.table_id, subject.relation, change.id, log.changed_at) AS gone
    WHERE change.kind = 'T' AND change.refused IS NULL
  ) AS each
$function$;
