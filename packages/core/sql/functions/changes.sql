-- What a transaction, a request or a job changed in the end, one line for each
-- row, in the order of the first change:
--   select * from auditrum.changes(transaction => 1234567890);
--   select * from auditrum.changes(root => '6f1c...');
--   select * from auditrum.changes(request => 'r-42');
--
-- changes holds for each column its first old and last new value,
-- {"column": {"from": ..., "to": ...}}. Rows that were inserted and deleted, and
-- columns and rows that are again as they were, are left out; a row that was
-- deleted and inserted anew was updated. A row is followed through changes of
-- its key: old_object_id is the one that it had. A truncation stands for itself,
-- and for what had been done to the table's rows before it.
--
-- after and size give it in pages: the lines behind the one whose first event is
-- after. With labels there is what people call the rows, as in event_labels.
CREATE OR REPLACE FUNCTION :schema.changes(
  transaction bigint DEFAULT NULL,
  root uuid DEFAULT NULL,
  request text DEFAULT NULL,
  context uuid DEFAULT NULL,
  labels boolean DEFAULT true,
  after bigint DEFAULT 0,
  size integer DEFAULT NULL
)
RETURNS TABLE (
  schema_name    text,
  table_name     text,
  object_id      text,
  old_object_id  text,
  label          text,
  operation      text,
  changes        jsonb,
  from_labels    jsonb,
  to_labels      jsonb,
  masked         text[],
  lossy          boolean,
  user_ids       text[],
  change_reasons text[],
  first_at       timestamptz,
  last_at        timestamptz,
  events         bigint[],
  table_id       integer
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
#variable_conflict use_column
DECLARE
  asked record := :schema.contexts_of(transaction, root, request, context);
BEGIN
  RETURN QUERY
  WITH RECURSIVE scope AS MATERIALIZED (
    SELECT log.id, log.table_id, log.operation, log.object_id, log.old_object_id, log.old, log.new, log.image, log.masked,
      log.lossy, log.changed_at, by.user_id, by.metadata ->> 'change_reason' AS change_reason, log.meta
    FROM :schema.audit_event AS log
    JOIN :schema.audit_context AS by ON by.id = log.context_id AND by.txid = log.txid
    -- not also a condition on the context: its id is found by that of the event
    WHERE log.context_id = ANY (asked.ids) AND log.changed_at >= asked.since
      AND log.operation <> 'S'  -- no change
  ), row_event AS (
    SELECT scope.*
    FROM scope
    LEFT JOIN (
      SELECT cut.table_id, max(cut.id) AS id FROM scope AS cut WHERE cut.operation = 'T' AND cut.meta IS NULL GROUP BY cut.table_id
    ) AS truncated ON truncated.table_id = scope.table_id AND truncated.id > scope.id
    WHERE scope.operation <> 'T' AND truncated.id IS NULL
  ), spot AS (
    -- one row at one key: until it is deleted or given another one
    SELECT at_key.id, at_key.table_id, at_key.key, at_key.departs,
      count(*) FILTER (WHERE at_key.ends) OVER (
        PARTITION BY at_key.table_id, at_key.key ORDER BY at_key.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ) AS life
    FROM (
      SELECT row_event.id, row_event.table_id, row_event.object_id AS key, row_event.operation = 'D' AS ends, false AS departs
      FROM row_event
      WHERE row_event.object_id IS NOT NULL
      UNION ALL
      SELECT row_event.id, row_event.table_id, row_event.old_object_id, true, true
      FROM row_event
      WHERE row_event.old_object_id IS NOT NULL
    ) AS at_key
  ), move AS MATERIALIZED (
    SELECT departure.table_id, departure.key AS old_key, departure.life AS old_life, arrival.key, arrival.life
    FROM spot AS departure
    JOIN spot AS arrival ON arrival.id = departure.id AND NOT arrival.departs
    WHERE departure.departs
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
  ), member AS (
    SELECT spot.id, spot.table_id, coalesce(path.first_key, spot.key) AS key, coalesce(path.first_life, spot.life) AS life
    FROM spot
    LEFT JOIN path ON path.table_id = spot.table_id AND path.key = spot.key AND path.life = spot.life
    WHERE NOT spot.departs
  ), chain AS (
    -- the events of one row; without a key each for itself
    SELECT row_event.*,
      first_value(row_event.operation) OVER forward = 'I' AS begins,
      last_value(row_event.operation) OVER forward = 'D' AS ends,
      first_value(coalesce(row_event.old_object_id, row_event.object_id)) OVER forward AS first_key,
      last_value(row_event.object_id) OVER forward AS last_key,
      first_value(row_event.id) OVER forward AS number
    FROM row_event
    LEFT JOIN member ON member.id = row_event.id
    WINDOW forward AS (
      PARTITION BY row_event.table_id, member.key, member.life, CASE WHEN member.id IS NULL THEN row_event.id END
      ORDER BY row_event.id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    )
  ), net AS (
    SELECT
      chain.table_id,
      bool_or(NOT chain.begins) AS existed,
      bool_or(NOT chain.ends) AS is_there,
      :schema.folded(array_agg(chain.old ORDER BY chain.id DESC) FILTER (WHERE NOT chain.begins AND chain.old IS NOT NULL)) AS before,
      :schema.folded(array_agg(chain.new ORDER BY chain.id) FILTER (WHERE NOT chain.ends AND chain.new IS NOT NULL)) AS behind,
      (array_agg(coalesce(chain.new, chain.old) ORDER BY chain.ends, chain.id DESC))[1] AS image,
      (array_agg(chain.image = 'f' ORDER BY chain.ends, chain.id DESC))[1] AS is_full,
      min(chain.first_key) FILTER (WHERE NOT chain.begins) AS first_key,
      coalesce(min(chain.last_key) FILTER (WHERE NOT chain.ends), min(chain.last_key)) AS last_key,
      bool_or(coalesce(chain.lossy, false)) AS lossy,
      ARRAY(
        SELECT DISTINCT name.masked COLLATE "C"
        FROM jsonb_array_elements(jsonb_agg(to_jsonb(chain.masked)) FILTER (WHERE chain.masked IS NOT NULL)) AS list (names)
        CROSS JOIN LATERAL jsonb_array_elements_text(list.names) AS name (masked)
        ORDER BY 1
      ) AS masked,
      array_agg(chain.user_id ORDER BY chain.id) FILTER (WHERE chain.user_id IS NOT NULL) AS user_ids,
      array_agg(chain.change_reason ORDER BY chain.id) FILTER (WHERE chain.change_reason IS NOT NULL) AS change_reasons,
      min(chain.changed_at) AS first_at,
      max(chain.changed_at) AS last_at,
      array_agg(chain.id ORDER BY chain.id) AS events
    FROM chain
    WHERE NOT (chain.begins AND chain.ends)
    -- a row that was deleted, and one inserted in its place
    GROUP BY chain.table_id, CASE
      WHEN chain.begins THEN 'k' || chain.last_key
      WHEN chain.ends THEN 'k' || chain.first_key
      ELSE 'n' || chain.number
    END, CASE WHEN chain.object_id IS NULL THEN chain.id END
  ), line AS (
    SELECT net.*, CASE WHEN NOT net.existed THEN 'insert' WHEN NOT net.is_there THEN 'delete' ELSE 'update' END AS operation, differing.changes
    FROM net
    CROSS JOIN LATERAL (
      SELECT coalesce(jsonb_object_agg(part.key, jsonb_build_object(
        'from', CASE WHEN net.existed THEN net.before -> part.key END,
        'to', CASE WHEN net.is_there THEN net.behind -> part.key END
      )), '{}') AS changes
      FROM jsonb_each(CASE WHEN net.existed THEN net.before ELSE net.behind END) AS part
      -- as text: 1.0 and 1.00 are equal as jsonb
      WHERE NOT (net.existed AND net.is_there) OR part.value::text IS DISTINCT FROM (net.behind -> part.key)::text
    ) AS differing
    WHERE net.events[1] > after
      AND (differing.changes <> '{}' OR net.masked <> '{}' OR net.lossy OR NOT net.existed OR NOT net.is_there)
    UNION ALL
    SELECT scope.table_id, true, false, NULL, NULL, NULL, true, NULL, NULL, false, '{}',
      CASE WHEN scope.user_id IS NOT NULL THEN ARRAY[scope.user_id] END,
      CASE WHEN scope.change_reason IS NOT NULL THEN ARRAY[scope.change_reason] END,
      scope.changed_at, scope.changed_at, ARRAY[scope.id], 'truncate', '{}'
    FROM scope
    WHERE scope.operation = 'T' AND scope.id > after
  ), page AS (
    SELECT line.* FROM line ORDER BY line.events[1] LIMIT size
  ), reference AS MATERIALIZED (
    SELECT own.table_id
    FROM (SELECT DISTINCT scope.table_id FROM scope WHERE labels) AS own
    WHERE EXISTS (SELECT FROM :schema.labelled_references(own.table_id))
  )
  SELECT
    known.schema_name, known.table_name, page.last_key, CASE WHEN page.first_key <> page.last_key THEN page.first_key END,
    CASE WHEN labels THEN coalesce(
      :schema.label_of(page.table_id, page.image),
      CASE WHEN NOT page.is_full THEN :schema.row_label(page.table_id, page.last_key) END
    ) END,
    page.operation, page.changes, before_label.names, behind_label.names, page.masked, page.lossy,
    ARRAY(SELECT user_id FROM unnest(page.user_ids) WITH ORDINALITY AS each (user_id, number) GROUP BY user_id ORDER BY min(number)),
    ARRAY(SELECT reason FROM unnest(page.change_reasons) WITH ORDINALITY AS each (reason, number) GROUP BY reason ORDER BY min(number)),
    page.first_at, page.last_at, page.events, page.table_id
  FROM page
  JOIN :schema.audit_table AS known ON known.id = page.table_id
  LEFT JOIN reference ON reference.table_id = page.table_id
  CROSS JOIN LATERAL (
    SELECT CASE WHEN reference.table_id IS NOT NULL AND page.existed THEN
      (SELECT jsonb_object_agg(part.key, part.value) FROM jsonb_each(:schema.reference_labels(page.table_id, page.image || page.before)) AS part WHERE page.changes ? part.key)
    END AS names
  ) AS before_label
  CROSS JOIN LATERAL (
    SELECT CASE WHEN reference.table_id IS NOT NULL AND page.is_there THEN
      (SELECT jsonb_object_agg(part.key, part.value) FROM jsonb_each(:schema.reference_labels(page.table_id, page.image)) AS part WHERE page.changes ? part.key)
    END AS names
  ) AS behind_label
  ORDER BY page.events[1];
END
$function$;
