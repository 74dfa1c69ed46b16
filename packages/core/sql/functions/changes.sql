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
SET enable_seqscan = off  -- a plan that was made when the log was young would search all of it for each row
AS $function$
#variable_conflict use_column
DECLARE
  asked record := :schema.contexts_of(transaction, root, request, context);
BEGIN
  RETURN QUERY
  WITH reference AS MATERIALIZED (
    SELECT tracked.id AS table_id
    FROM :schema.audit_table AS tracked
    WHERE labels AND EXISTS (SELECT FROM :schema.labelled_references(tracked.id))
  )
  SELECT
    known.schema_name, known.table_name, net.last_key, CASE WHEN net.first_key <> net.last_key THEN net.first_key END,
    CASE
      WHEN NOT labels THEN NULL
      WHEN told.is_full THEN :schema.label_of(net.table_id, told.image)
      ELSE :schema.row_label(net.table_id, net.last_key)
    END,
    CASE
      WHEN net.is_truncation THEN 'truncate'
      WHEN NOT net.existed THEN 'insert'
      WHEN NOT net.is_there THEN 'delete'
      ELSE 'update'
    END,
    differing.changes,
    CASE WHEN reference.table_id IS NOT NULL AND net.existed THEN (
      SELECT jsonb_object_agg(part.key, part.value)
      FROM jsonb_each(:schema.reference_labels(net.table_id, told.image || told.before)) AS part
      WHERE differing.changes ? part.key
    ) END,
    CASE WHEN reference.table_id IS NOT NULL AND net.is_there THEN (
      SELECT jsonb_object_agg(part.key, part.value)
      FROM jsonb_each(:schema.reference_labels(net.table_id, told.image)) AS part
      WHERE differing.changes ? part.key
    ) END,
    told.masked, told.lossy,
    ARRAY(SELECT user_id FROM unnest(told.user_ids) WITH ORDINALITY AS each (user_id, number) GROUP BY user_id ORDER BY min(number)),
    ARRAY(SELECT reason FROM unnest(told.change_reasons) WITH ORDINALITY AS each (reason, number) GROUP BY reason ORDER BY min(number)),
    net.first_at, net.last_at, net.events, net.table_id
  FROM (
    SELECT line.* FROM :schema.changed_rows(asked.ids, asked.since) AS line WHERE line.first_id > after ORDER BY line.first_id OFFSET 0
  ) AS net
  JOIN :schema.audit_table AS known ON known.id = net.table_id
  LEFT JOIN reference ON reference.table_id = net.table_id
  CROSS JOIN LATERAL (
    SELECT
      :schema.folded(array_agg(log.old ORDER BY log.id DESC) FILTER (WHERE NOT event.begins AND log.old IS NOT NULL)) AS before,
      :schema.folded(array_agg(log.new ORDER BY log.id) FILTER (WHERE NOT event.ends AND log.new IS NOT NULL)) AS behind,
      (array_agg(coalesce(log.new, log.old) ORDER BY event.ends, log.id DESC))[1] AS image,
      (array_agg(log.image = 'f' ORDER BY event.ends, log.id DESC))[1] AS is_full,
      bool_or(coalesce(log.lossy, false)) AS lossy,
      ARRAY(
        SELECT DISTINCT name.masked COLLATE "C"
        FROM jsonb_array_elements(jsonb_agg(to_jsonb(log.masked)) FILTER (WHERE log.masked IS NOT NULL)) AS list (names)
        CROSS JOIN LATERAL jsonb_array_elements_text(list.names) AS name (masked)
        ORDER BY 1
      ) AS masked,
      array_agg(own.user_id ORDER BY log.id) FILTER (WHERE own.user_id IS NOT NULL) AS user_ids,
      array_agg(own.metadata ->> 'change_reason' ORDER BY log.id) FILTER (WHERE own.metadata ? 'change_reason') AS change_reasons
    FROM unnest(net.events, net.begin, net.ending) AS event (id, begins, ends)
    JOIN :schema.audit_event AS log ON log.id = event.id AND log.changed_at BETWEEN net.first_at AND net.last_at
    JOIN :schema.audit_context AS own ON own.id = log.context_id
  ) AS told
  CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_object_agg(part.key, jsonb_build_object(
      'from', CASE WHEN net.existed THEN told.before -> part.key END,
      'to', CASE WHEN net.is_there THEN told.behind -> part.key END
    )), '{}') AS changes
    FROM jsonb_each(CASE WHEN net.existed THEN told.before ELSE told.behind END) AS part
    -- as text: 1.0 and 1.00 are equal as jsonb
    WHERE NOT (net.existed AND net.is_there) OR part.value::text IS DISTINCT FROM (told.behind -> part.key)::text
  ) AS differing
  WHERE NOT (net.existed AND net.is_there) OR differing.changes <> '{}' OR told.masked <> '{}' OR told.lossy
  ORDER BY net.first_id
  LIMIT size;
END
$function$;
