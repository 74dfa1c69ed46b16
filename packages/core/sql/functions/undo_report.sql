-- What an undo has done, or would do, as lines of JSON:
--   step      {eventId, operation, schema, table, objectId, columns, outcome, sql}, newest first
--   conflict  {eventId, schema, table, objectId, column, type, expected, present, wanted, changedBy}
--   omitted   {eventId, schema, table, objectId, columns, why, message}
-- Values are texts of JSON, so that no number is rounded on its way.
CREATE OR REPLACE FUNCTION :schema.undo_report(rows jsonb[], tables jsonb, statements jsonb[])
RETURNS TABLE (part text, document jsonb)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
AS $function$
  WITH own AS MATERIALIZED (
    SELECT row.document, (row.document ->> 'n')::bigint AS n, row.document ->> 'op' AS op, tables -> (row.document ->> 'table') AS facts,
      jsonb_build_object(
        'eventId', row.document ->> 'event',
        'schema', tables -> (row.document ->> 'table') ->> 'schema',
        'table', tables -> (row.document ->> 'table') ->> 'table',
        'objectId', row.document ->> 'key'
      ) AS subject
    FROM unnest(rows) AS row (document)
  ), line AS (
    SELECT 1 AS place, -own.n AS n, 'step' AS part, own.subject || jsonb_build_object(
      'operation', own.op,
      'columns', own.document -> 'columns',
      'outcome', own.document -> 'outcome',
      'sql', CASE WHEN own.document ->> 'outcome' IN ('planned', 'done', 'forced') THEN own.document -> 'sql' END
    ) AS document
    FROM (
      SELECT own.n, own.op, own.subject, own.document || jsonb_build_object('sql', statement.document -> 'sql') AS document
      FROM own LEFT JOIN unnest(statements) AS statement (document) ON (statement.document ->> 'n')::bigint = own.n AND (statement.document -> 'is_row')::boolean
    ) AS own
    WHERE own.op IN ('insert', 'update', 'delete')
    UNION ALL
    SELECT 2, -own.n, 'conflict', own.subject || jsonb_build_object(
      'column', met.part -> 'column',
      'type', own.facts -> 'bases' -> (met.part ->> 'column'),
      'types', CASE WHEN met.part ->> 'column' IS NULL THEN own.facts -> 'bases' END,
      'expected', nullif(met.part -> 'expected', 'null')::text,
      'present', nullif(met.part -> 'present', 'null')::text,
      'wanted', nullif(met.part -> 'wanted', 'null')::text,
      'referrer', met.part -> 'referrer',
      'changedBy', CASE WHEN later.id IS NOT NULL THEN jsonb_build_object(
        'eventId', later.id::text, 'userId', later.user_id, 'changeReason', later.change_reason, 'dbUser', later.db_user,
        'changedAt', to_char(later.changed_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
      ) END
    )
    FROM own
    CROSS JOIN LATERAL jsonb_array_elements(own.document -> 'conflicts') AS met (part)
    LEFT JOIN LATERAL (
      SELECT log.*
      FROM :schema.auditlog AS log
      WHERE met.part ->> 'referrer' IS NULL
        -- not this undo itself
        AND log.txid IS DISTINCT FROM pg_current_xact_id_if_assigned()
        AND log.table_id = (own.document ->> 'table')::integer
        AND (log.object_id = own.document ->> 'key' OR log.old_object_id = own.document ->> 'key' OR log.object_id IS NULL AND log.operation = 'truncate')
        AND (
          log.id > (own.document ->> 'event')::bigint AND met.part ->> 'by' IS NULL
          OR log.id > (own.document ->> 'first')::bigint AND log.id < (met.part ->> 'by')::bigint
        )
        AND (met.part ->> 'column' IS NULL OR log.operation <> 'update' OR log.diff ? (met.part ->> 'column') OR log.masked @> ARRAY[met.part ->> 'column'])
      ORDER BY log.id DESC
      LIMIT 1
    ) AS later ON true
    UNION ALL
    SELECT 3, -own.n, 'omitted', own.subject || lack.part || jsonb_build_object('message', CASE lack.part ->> 'why'
      WHEN 'masked' THEN 'the value is masked, so it is stored nowhere'
      WHEN 'redacted' THEN 'the value was erased from the log'
      WHEN 'drift' THEN 'the event holds nothing but the key and names, because a declared column had been renamed'
      WHEN 'lossy' THEN 'the row changed in a way that JSON cannot tell, such as SQL NULL to JSON null'
      WHEN 'dropped' THEN 'the table has no such column any more'
      WHEN 'unreadable' THEN 'the value of then is none of the column''s type now'
      WHEN 'ignored' THEN 'the column was changed since, and its changes are declared to be ignored'
      WHEN 'trigger' THEN 'a trigger, or an action of a foreign key, gave it another value'
      WHEN 'kept' THEN 'a trigger or policy of the table kept the row as it was, or an action of a foreign key deleted it'
      WHEN 'refused' THEN own.document ->> 'refused'
      WHEN 'doubt' THEN own.document ->> 'doubt'
    END)
    FROM own
    CROSS JOIN LATERAL jsonb_array_elements(
      coalesce(own.document -> 'lacks', '[]')
        || CASE WHEN own.document ->> 'refused' IS NOT NULL THEN '[{"columns": [], "why": "refused"}]'::jsonb ELSE '[]' END
        || CASE WHEN own.op = 'truncate' AND own.document ->> 'doubt' IS NOT NULL THEN '[{"columns": [], "why": "doubt"}]'::jsonb ELSE '[]' END
    ) AS lack (part)
    UNION ALL
    SELECT 4, tracked.key::integer, 'omitted', jsonb_build_object(
      'eventId', NULL, 'schema', tracked.value -> 'schema', 'table', tracked.value -> 'table', 'objectId', NULL,
      'columns', kind.columns, 'why', kind.why, 'message', kind.message
    )
    FROM jsonb_each(tables) AS tracked
    CROSS JOIN LATERAL (VALUES
      (tracked.value -> 'unrecorded', 'unrecorded', 'the column is not recorded, so what was changed in it is not known'),
      (CASE WHEN (tracked.value -> 'filtered')::boolean THEN '[]'::jsonb END, 'filtered', 'changes that the condition of the table (when) leaves out are not known')
    ) AS kind (columns, why, message)
    WHERE kind.columns <> '[]' OR kind.why = 'filtered' AND kind.columns IS NOT NULL
  )
  SELECT line.part, line.document FROM line ORDER BY line.place, line.n
$function$;
