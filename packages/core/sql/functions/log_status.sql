-- What status says of the log's content, for those who may read the log. Looks at
-- nothing of the application's: it runs as the owner of the log.
CREATE OR REPLACE FUNCTION :schema.log_status()
RETURNS json
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  RETURN (
    WITH day AS MATERIALIZED (
      SELECT pg_catalog.now() - interval '1 day' AS since,
        (extract(epoch FROM pg_catalog.now() - interval '1 day') * 1000.0)::bigint << 20 AS first_context
    ), recent AS MATERIALIZED (
      SELECT event.context_id, event.txid, pg_catalog.count(*) AS events
      FROM :schema.audit_event AS event
      WHERE event.changed_at > (SELECT day.since FROM day)
      GROUP BY event.context_id, event.txid
    ), attributed AS MATERIALIZED (
      SELECT
        coalesce(pg_catalog.sum(recent.events) FILTER (WHERE coalesce(context.id, older.id) IS NULL), 0.0)::bigint AS unattributed,
        coalesce(pg_catalog.sum(recent.events) FILTER (
          WHERE coalesce(context.id, older.id) IS NOT NULL AND coalesce(context.user_id, older.user_id) IS NULL
        ), 0.0)::bigint AS without_actor
      FROM recent
      -- of the day: all at once; those of transactions that began before it, one by one
      LEFT JOIN :schema.audit_context AS context
        ON context.id = recent.context_id AND context.txid = recent.txid AND context.id >= (SELECT day.first_context FROM day)
      LEFT JOIN LATERAL (
        SELECT own.id, own.user_id
        FROM :schema.audit_context AS own
        WHERE own.id = recent.context_id AND own.txid = recent.txid AND own.id < (SELECT day.first_context FROM day)
        LIMIT 1
      ) AS older ON recent.context_id < (SELECT day.first_context FROM day)
    )
    SELECT pg_catalog.json_build_object(
      'partitions', (
        SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
          'name', class.relname,
          'bound', pg_catalog.pg_get_expr(class.relpartbound, class.oid),
          -- empty ones need no analyze
          'rows', CASE WHEN pg_catalog.pg_relation_size(class.oid) = 0::bigint THEN 0::bigint ELSE nullif(class.reltuples, -1::real)::bigint END,
          'bytes', pg_catalog.pg_total_relation_size(class.oid)
        ) ORDER BY class.relname), '[]')
        FROM pg_catalog.pg_inherits AS inherits
        JOIN pg_catalog.pg_class AS class ON class.oid = inherits.inhrelid
        WHERE NOT inherits.inhdetachpending AND inherits.inhparent IN (':schema.audit_event'::regclass::oid, ':schema.audit_context'::regclass::oid)
      ),
      -- how many are there behind the present one, as they are made now
      'ahead', (
        SELECT pg_catalog.json_build_object('unit', plan.unit, 'wanted', plan.ahead, 'made', (
          SELECT pg_catalog.count(*) FROM pg_catalog.generate_series(1, 400) AS number
          WHERE (pg_catalog.date_trunc(plan.unit, pg_catalog.now() AT TIME ZONE 'UTC') + ('1 '::text || plan.unit)::interval * number::double precision) AT TIME ZONE 'UTC'
            < :schema.overflow_start('audit_event')
        ))
        FROM :schema.partition_plan() AS plan
      ),
      'overflow', (
        SELECT pg_catalog.json_build_object(
          'inUse', EXISTS (SELECT FROM :schema.audit_event_overflow) OR EXISTS (SELECT FROM :schema.audit_context_overflow),
          'since', :schema.overflow_start('audit_event'),
          'rows', CASE WHEN pg_catalog.bool_and(class.reltuples >= 0::real OR pg_catalog.pg_relation_size(class.oid) = 0::bigint)
            THEN pg_catalog.sum(greatest(class.reltuples, 0::real))::bigint END,
          'bytes', pg_catalog.sum(pg_catalog.pg_total_relation_size(class.oid))::bigint
        )
        FROM pg_catalog.pg_class AS class
        WHERE class.oid IN (':schema.audit_event_overflow'::regclass::oid, ':schema.audit_context_overflow'::regclass::oid)
      ),
      'overflowObstacle', (SELECT pg_catalog.row_to_json(obstacle.*) FROM :schema.overflow_obstacle() AS obstacle),
      'sealing', :schema.sealing_status(),
      'unfinishedPurges', (SELECT pg_catalog.count(*) FROM :schema.audit_purge AS purge WHERE purge.finished_at IS NULL),
      -- what a purge is letting go of: no write has a home there
      'leaving', (
        SELECT pg_catalog.json_build_object(
          'name', part.name, 'since', part.since, 'until', part.until,
          'isPresent', coalesce(part.since <= pg_catalog.now(), true) AND part.until > pg_catalog.now()
        )
        FROM :schema.partitions_of('audit_event') AS part
        WHERE part.is_leaving
        ORDER BY part.until
        LIMIT 1
      ),
      -- logs of which no partition holds the present time: a write fails
      'homeless', (
        SELECT coalesce(pg_catalog.json_agg(log.name), '[]')
        FROM pg_catalog.unnest(ARRAY['audit_event', 'audit_context']) AS log (name)
        WHERE EXISTS (
          SELECT FROM :schema.partition_gaps(log.name) AS gap
          WHERE pg_catalog.now() < gap.until AND pg_catalog.now() >= coalesce(gap.since, '-infinity'::timestamptz)
        )
      ),
      -- of which nobody reads what they hold
      'detached', (
        SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('name', part.name, 'isMissed', EXISTS (SELECT FROM :schema.partition_gaps(log.name)))), '[]')
        FROM pg_catalog.unnest(ARRAY['audit_event', 'audit_context']) AS log (name)
        CROSS JOIN LATERAL :schema.detached_partitions(log.name) AS part
      ),
      'pausingAllowed', EXISTS (SELECT FROM :schema.audit_setting WHERE name = 'pausing_allowed' AND value = 'true'),
      -- events of the last day whose context is not of their own transaction
      'unattributed', (SELECT attributed.unattributed FROM attributed),
      'contextErrors', (
        SELECT pg_catalog.count(*)
        FROM :schema.audit_context AS context
        WHERE context.context_error IS NOT NULL
          AND context.id > (extract(epoch FROM pg_catalog.now() - interval '1 day') * 1000.0)::bigint << 20
      ),
      'withoutActor', (SELECT attributed.without_actor FROM attributed),
      'drifted', (
        SELECT coalesce(pg_catalog.json_agg(drifted ORDER BY drifted.id, drifted.name), '[]')
        FROM (
          SELECT known.id, known.schema_name || '.' || known.table_name AS "table", name, pg_catalog.max(event.changed_at) AS last
          FROM :schema.audit_event AS event
          JOIN :schema.audit_table AS known ON known.id = event.table_id
          CROSS JOIN pg_catalog.unnest(event.drift) AS name
          WHERE event.changed_at > pg_catalog.now() - interval '1 day'
          GROUP BY known.id, name
        ) AS drifted
      ),
      'tables', (
        SELECT coalesce(pg_catalog.json_object_agg(known.id, pg_catalog.json_build_object(
          'since', pg_catalog.lower(known.tracked),
          'purgedUntil', :schema.known_since(known.id),
          'gaps', (SELECT pg_catalog.count(*) - 1 FROM pg_catalog.unnest(known.tracked))
        )), '{}')
        FROM :schema.audit_table AS known
      )
    )
  );
END
$function$;
