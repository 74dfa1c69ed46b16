-- What the events of the last days take, by table and column, as a sample of them
-- tells: sizes and numbers, no value. Of 2,000 pages, or of all if they are fewer.
--
--   days    the time that was looked at; less where the log is younger
--   events  in the sample
--   contexts  bytes that contexts take for each byte of events
--   tables  [{table, declaration, kept: days of its retention, or null for ever, per_day, bytes: of an event with its
--             share of the indexes, updates: their share,
--             columns, unless by_column is false: [{column, bytes: of an event, repeated: of these, in updates
--             that did not change it, alone: the share of updates that changed nothing else, is_time}]}]
CREATE OR REPLACE FUNCTION :schema.log_costs(span interval DEFAULT '30 days', by_column boolean DEFAULT true)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET jit = off
AS $function$
DECLARE
  since     timestamptz := now() - span;
  pages     bigint;
  indexes   float8;  -- bytes of indexes for each byte of the table
  contexts  float8;
  portion   float8;  -- of the pages, in per cent
  days      float8;
BEGIN
  SELECT sum(pg_relation_size(part.oid)) / current_setting('block_size')::integer,
    coalesce(sum(pg_indexes_size(part.oid))::float8 / nullif(sum(pg_table_size(part.oid)), 0), 0)
  INTO pages, indexes
  FROM pg_inherits
  JOIN pg_class AS part ON part.oid = inhrelid
  WHERE inhparent = ':schema.audit_event'::regclass
    -- those of contexts have ids as bounds
    AND CASE WHEN inhparent = ':schema.audit_event'::regclass THEN
      coalesce(substring(pg_get_expr(part.relpartbound, part.oid) FROM $bound$TO \('([^']+)'\)$bound$)::timestamptz, 'infinity') > since
    END;
  SELECT coalesce(
    sum(pg_total_relation_size(inhrelid)) FILTER (WHERE inhparent = ':schema.audit_context'::regclass)::float8
      / nullif(sum(pg_total_relation_size(inhrelid)) FILTER (WHERE inhparent = ':schema.audit_event'::regclass), 0),
    0)
  INTO contexts
  FROM pg_inherits
  WHERE inhparent IN (':schema.audit_event'::regclass, ':schema.audit_context'::regclass);
  portion := least(100, 100.0 * 2000 / greatest(pages, 1));
  days := extract(epoch FROM now() - greatest(since, (SELECT event.changed_at FROM :schema.audit_event AS event ORDER BY event.id LIMIT 1))) / 86400;

  RETURN (
    WITH sampled AS MATERIALIZED (
      SELECT event.table_id, event.operation, event.old, event.new, event.id,
        -- with what each row has beside its columns
        (pg_column_size(event.*) + 4) * (1 + indexes) AS bytes
      FROM :schema.audit_event AS event TABLESAMPLE SYSTEM (portion) REPEATABLE (1)
      WHERE event.changed_at >= since
    ), sized AS (
      SELECT table_id, count(*) AS events, avg(bytes) AS bytes, count(*) FILTER (WHERE operation = 'U') AS updates
      FROM sampled
      GROUP BY table_id
    ), stored AS (
      SELECT sampled.table_id, part.key, sum(pg_column_size(part.value) + octet_length(part.key)) AS bytes,
        sum(pg_column_size(part.value) + octet_length(part.key)) FILTER (WHERE sampled.operation = 'U' AND part.is_new AND NOT sampled.old ? part.key) AS repeated
      FROM sampled
      CROSS JOIN LATERAL (
        SELECT key, value, true AS is_new FROM jsonb_each(sampled.new)
        UNION ALL
        SELECT key, value, false FROM jsonb_each(sampled.old)
      ) AS part
      WHERE by_column
      GROUP BY sampled.table_id, part.key
    ), alone AS (
      SELECT sampled.table_id, changed.name, count(*) AS updates
      FROM sampled CROSS JOIN LATERAL (
        SELECT min(name) AS name FROM jsonb_object_keys(sampled.old) AS name HAVING count(*) = 1
      ) AS changed
      WHERE by_column AND sampled.operation = 'U'
      GROUP BY sampled.table_id, changed.name
    ), columns AS (
      SELECT stored.table_id, jsonb_agg(
        jsonb_build_object(
          'column', stored.key,
          -- its part of what is stored, which may be compressed
          'bytes', round((sized.bytes * stored.bytes / total.bytes)::numeric, 1),
          -- the key is in every image
          'repeated', CASE WHEN stored.key = ANY (known.key_columns) THEN 0 ELSE round((sized.bytes * coalesce(stored.repeated, 0) / total.bytes)::numeric, 1) END,
          'alone', round(coalesce(alone.updates, 0)::numeric / greatest(sized.updates, 1), 4),
          'is_time', coalesce((
            SELECT shape.base_type IN ('timestamp with time zone', 'timestamp without time zone', 'date')
            FROM :schema.audit_shape AS shape
            WHERE shape.table_id = stored.table_id AND shape.column_name = stored.key
            ORDER BY shape.valid_from DESC
            LIMIT 1
          ), false)
        )
        ORDER BY stored.bytes DESC, stored.key
      ) AS list
      FROM stored
      JOIN sized USING (table_id)
      JOIN :schema.audit_table AS known ON known.id = stored.table_id
      -- each event has some 200 bytes of its own
      JOIN (
        SELECT stored.table_id, sum(stored.bytes) + 200 * max(sized.events) AS bytes
        FROM stored JOIN sized USING (table_id) GROUP BY stored.table_id
      ) AS total USING (table_id)
      LEFT JOIN alone ON alone.table_id = stored.table_id AND alone.name = stored.key
      GROUP BY stored.table_id
    )
    SELECT jsonb_build_object(
      'days', round(days::numeric, 2),
      'events', (SELECT count(*) FROM sampled),
      'contexts', round(contexts::numeric, 3),
      'tables', coalesce(jsonb_agg(
        jsonb_build_object(
          'table', format('%s.%s', known.schema_name, known.table_name),
          'declaration', known.declaration,
          'kept', round((extract(epoch FROM now() - (now() - nullif(known.declaration ->> 'retention', 'forever')::interval)) / 86400)::numeric),
          'per_day', round((sized.events * 100 / portion / greatest(days, 1.0 / 24))::numeric, 1),
          'bytes', round(sized.bytes::numeric, 1),
          'updates', round(sized.updates::numeric / sized.events, 4),
          'columns', columns.list
        )
        ORDER BY sized.events * sized.bytes DESC, known.id
      ), '[]')
    )
    FROM sized
    JOIN :schema.audit_table AS known ON known.id = sized.table_id
    LEFT JOIN columns USING (table_id)
  );
END
$function$;
