-- What a purge would do, in the words of purge_report. Looks at everything that
-- would go.
CREATE OR REPLACE FUNCTION :schema.purge_preview(older_than interval, table_id integer, drops boolean)
RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET "TimeZone" = 'UTC'
AS $function$
DECLARE
  targets  jsonb := :schema.purge_targets(older_than, table_id);
  before   timestamptz;
  tables   jsonb;
  events   record;
  contexts record;
  dropped  text[] := '{}';
BEGIN
  SELECT coalesce(jsonb_object_agg(target.key, target.value), '{}') INTO targets
  FROM jsonb_each_text(targets) AS target
  WHERE EXISTS (
    SELECT FROM :schema.audit_event AS event
    WHERE event.table_id = target.key::integer AND event.changed_at < target.value::timestamptz
  );
  SELECT max(target.value::timestamptz) - ('1 ' || (:schema.partition_plan()).unit)::interval INTO before
  FROM jsonb_each_text(CASE targets WHEN '{}' THEN :schema.purge_targets(older_than, table_id) ELSE targets END) AS target;

  SELECT coalesce(sum(own.events), 0) AS number, coalesce(sum(own.bytes), 0) AS bytes,
    coalesce(jsonb_agg(jsonb_build_object(
      'table', known.schema_name || '.' || known.table_name, 'until', own.until, 'events', own.events
    ) ORDER BY known.id), '[]') AS tables
  INTO events
  FROM (
    SELECT target.key::integer AS id, target.value::timestamptz AS until, count(*) AS events, sum(pg_column_size(event.*)) AS bytes
    FROM jsonb_each_text(targets) AS target
    JOIN :schema.audit_event AS event ON event.table_id = target.key::integer AND event.changed_at < target.value::timestamptz
    GROUP BY 1, 2
  ) AS own
  JOIN :schema.audit_table AS known USING (id);

  SELECT count(*) AS number, coalesce(sum(pg_column_size(context.*)), 0) AS bytes
  INTO contexts
  FROM :schema.audit_context AS context
  WHERE context.id < :schema.partition_bound('audit_context', before)::bigint
    AND NOT EXISTS (SELECT FROM :schema.audit_purge AS purge WHERE purge.context_id = context.id)
    AND NOT EXISTS (SELECT FROM :schema.audit_erasure AS erasure WHERE erasure.context_id = context.id)
    AND NOT EXISTS (
      SELECT FROM :schema.audit_event AS event
      WHERE event.context_id = context.id
        AND NOT coalesce(event.changed_at < (targets ->> event.table_id::text)::timestamptz, false)
    );
  IF drops THEN
    dropped := ARRAY(
      SELECT part.name
      FROM unnest(ARRAY['audit_event', 'audit_context']) AS log
      CROSS JOIN LATERAL :schema.droppable_partitions(log, targets, before, false) AS part (name)
    );
  END IF;
  RETURN jsonb_build_object(
    'events', events.number, 'contexts', contexts.number, 'bytes', events.bytes + contexts.bytes,
    'partitions', dropped, 'tables', events.tables
  );
END
$function$;
