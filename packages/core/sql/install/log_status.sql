-- What status says of the log's content: needs SELECT on its tables.
SELECT json_build_object(
  'partitions', (
    SELECT coalesce(json_agg(json_build_object(
      'name', class.relname,
      'bound', pg_get_expr(class.relpartbound, class.oid),
      'rows', greatest(class.reltuples, 0)::bigint,
      'bytes', pg_total_relation_size(class.oid)
    ) ORDER BY class.relname), '[]')
    FROM pg_catalog.pg_inherits AS inherits
    JOIN pg_catalog.pg_class AS class ON class.oid = inherits.inhrelid
    WHERE inherits.inhparent IN (':schema.audit_event'::regclass, ':schema.audit_context'::regclass)
  ),
  'monthsAhead', (
    SELECT floor(extract(epoch FROM :schema.overflow_start('audit_event') - date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC') / 2629746)::integer - 1
  ),
  'overflowInUse', EXISTS (SELECT FROM :schema.audit_event_overflow) OR EXISTS (SELECT FROM :schema.audit_context_overflow),
  -- events of the last day whose context is not of their own transaction
  'unattributed', (
    SELECT count(*)
    FROM :schema.audit_event AS event
    WHERE event.changed_at > now() - interval '1 day'
      AND NOT EXISTS (
        SELECT FROM :schema.audit_context AS context
        WHERE context.id = event.context_id AND context.txid = event.txid
      )
  ),
  'contextErrors', (
    SELECT count(*)
    FROM :schema.audit_context AS context
    WHERE context.context_error IS NOT NULL
      AND context.id > (extract(epoch FROM now() - interval '1 day') * 1000)::bigint << 20
  ),
  'withoutActor', (
    SELECT count(*)
    FROM :schema.audit_event AS event
    JOIN :schema.audit_context AS context ON context.id = event.context_id AND context.txid = event.txid
    WHERE event.changed_at > now() - interval '1 day' AND context.user_id IS NULL
  ),
  'drifted', (
    SELECT coalesce(json_object_agg(drifted.table_name, drifted.names), '{}')
    FROM (
      SELECT known.schema_name || '.' || known.table_name AS table_name, array_agg(DISTINCT name) AS names
      FROM :schema.audit_event AS event
      JOIN :schema.audit_table AS known ON known.id = event.table_id
      CROSS JOIN unnest(event.drift) AS name
      WHERE event.changed_at > now() - interval '1 day'
      GROUP BY 1
    ) AS drifted
  ),
  'tables', (
    SELECT coalesce(json_object_agg(known.id, json_build_object(
      'since', lower(known.tracked),
      'gaps', (SELECT count(*) - 1 FROM unnest(known.tracked))
    )), '{}')
    FROM :schema.audit_table AS known
  )
)::text AS status
