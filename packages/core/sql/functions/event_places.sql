-- Where the events of a page are, of those that match a filter: newest first, or
-- oldest first, by id.
--
--   object_id  of the one row of the table, if only its events are asked for
--   filter     {"user", "context", "root", "request", "transaction": as context_condition takes them,
--              "operation": in words, "column": its name, "since", "until": times}
--   after      the id that the page begins behind
--
-- It looks at the month where the page begins, and at more of them only until the
-- page is full: so what is planned and read is little. The order is that of the
-- ids, whatever the clock did, so a full page is one only if the other months have
-- nothing in between.
CREATE OR REPLACE FUNCTION :schema.event_places(
  tracked_id integer, object_id text, filter jsonb, after bigint, ascending boolean, size integer, OUT ids bigint[], OUT times timestamptz[]
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET plan_cache_mode = force_generic_plan
SET enable_hashjoin = off  -- what is joined is few, or soon met
SET enable_mergejoin = off
SET jit = off
AS $function$
DECLARE
  since         CONSTANT timestamptz := coalesce(filter ->> 'since', '-infinity');
  until         CONSTANT timestamptz := coalesce(filter ->> 'until', 'infinity');
  behind        CONSTANT bigint := CASE WHEN ascending THEN coalesce(after, -1) ELSE -1 END;
  ahead         CONSTANT bigint := CASE WHEN ascending THEN 9223372036854775807 ELSE coalesce(after, 9223372036854775807) END;
  context       CONSTANT text := :schema.context_condition(filter);
  context_ids   bigint[];
  context_txids xid8[];
  matching      text;           -- contexts: these; or so many that events soon meet one of them
  row_ids       bigint[];       -- of the row's events
  row_times     timestamptz[];
  query         text;
  start         timestamptz;
  months        integer;
  lower         timestamptz := since;  -- the months that are looked at
  upper         timestamptz := until;
  bound         bigint;         -- of the events in the first month
  last_id       bigint;         -- of a full page
BEGIN
  IF object_id IS NOT NULL THEN
    SELECT array_agg(event.id), array_agg(event.changed_at)
    INTO row_ids, row_times
    FROM :schema.row_events(
      tracked_id, object_id, ahead,
      -- as many as are needed, where all that are left count
      CASE WHEN context IS NULL AND NOT ascending AND NOT filter ?| '{operation, column, since, until}' THEN size END
    ) AS event
    WHERE event.id > behind AND event.id < ahead AND event.changed_at >= since AND event.changed_at <= until;
  END IF;
  query := format(
    $query$
    SELECT array_agg(page.id), array_agg(page.changed_at), CASE WHEN count(*) = $1 THEN %1$s(page.id) END
    FROM (SELECT event.id, event.changed_at FROM %2$s WHERE %3$s ORDER BY event.id %4$s LIMIT $1) AS page
    $query$,
    CASE WHEN ascending THEN 'max' ELSE 'min' END,
    concat_ws(' ',
      CASE
        WHEN object_id IS NULL THEN ':schema.audit_event AS event'
        WHEN context IS NOT NULL OR filter ?| '{operation, column}' THEN 'unnest($9, $10) AS place (id, changed_at) JOIN :schema.audit_event AS event ON event.id = place.id AND event.changed_at = place.changed_at'
        ELSE 'unnest($9, $10) AS event (id, changed_at)'
      END,
      '/* contexts */'
    ),
    concat_ws(' AND ',
      'event.id > $2 AND event.id < $3 AND event.changed_at >= $4 AND event.changed_at <= $5',
      CASE WHEN object_id IS NULL AND tracked_id IS NOT NULL THEN 'event.table_id = $6' END,
      CASE WHEN filter ? 'operation' THEN 'event.operation = $7::"char"' END,
      CASE WHEN filter ? 'column' THEN
        -- as the diff in auditlog has it
        $condition$(
          CASE event.operation
            WHEN 'U' THEN event.old ? $8 AND (event.old -> $8)::text IS DISTINCT FROM (event.new -> $8)::text
            WHEN 'I' THEN event.new ? $8
            WHEN 'D' THEN event.old ? $8
          END
          OR $8 = ANY (event.masked)
        )$condition$
      END
    ),
    CASE WHEN ascending THEN 'ASC' ELSE 'DESC' END
  );

  IF object_id IS NULL THEN
    IF ascending THEN
      SELECT event.changed_at INTO start FROM :schema.audit_event AS event WHERE event.id > behind ORDER BY event.id LIMIT 1;
    ELSE
      SELECT event.changed_at INTO start FROM :schema.audit_event AS event WHERE event.id < ahead ORDER BY event.id DESC LIMIT 1;
    END IF;
    start := date_trunc('month', least(greatest(start, since), until));
  END IF;
  FOREACH months IN ARRAY ARRAY[1, 3, 12, NULL] LOOP
    CONTINUE WHEN start IS NULL AND months IS NOT NULL;
    IF ascending THEN
      upper := least(until, start + make_interval(months => months) - interval '1 microsecond');
    ELSE
      lower := greatest(since, start - make_interval(months => months - 1));
    END IF;
    IF context IS NOT NULL AND (context_ids IS NULL OR filter ? 'user') THEN
      -- of a user there are some in each month, of a request or a transaction there are few
      SELECT found.ids, found.txids
      INTO context_ids, context_txids
      FROM :schema.contexts_at(context, CASE WHEN filter ? 'user' THEN lower ELSE since END, CASE WHEN filter ? 'user' THEN upper ELSE until END) AS found;
      matching := CASE
        WHEN context_ids IS NOT NULL
        THEN 'JOIN unnest($11, $12) AS context (id, txid) ON context.id = event.context_id AND context.txid = event.txid'
        ELSE format('JOIN :schema.audit_context AS context ON context.id = event.context_id AND context.txid = event.txid AND %s', context)
      END;
    END IF;
    bound := CASE WHEN months = 1 AND context_ids IS NULL THEN :schema.event_bound(lower, upper, ascending) END;
    EXECUTE replace(query, '/* contexts */', coalesce(matching, '')) INTO ids, times, last_id
    USING size, CASE WHEN ascending THEN greatest(behind, bound - 1) ELSE behind END, CASE WHEN ascending THEN ahead ELSE least(ahead, bound + 1) END, lower, upper, tracked_id, upper(left(filter ->> 'operation', 1)), filter ->> 'column', row_ids, row_times, context_ids, context_txids;
    EXIT WHEN lower = since AND upper = until;
    EXIT WHEN last_id IS NOT NULL AND NOT EXISTS (
      SELECT FROM :schema.audit_event AS event
      WHERE event.id > CASE WHEN ascending THEN behind ELSE last_id END AND event.id < CASE WHEN ascending THEN last_id ELSE ahead END
        AND event.changed_at >= CASE WHEN ascending THEN upper + interval '1 microsecond' ELSE since END
        AND event.changed_at <= CASE WHEN ascending THEN until ELSE lower - interval '1 microsecond' END
    );
  END LOOP;
END
$function$;
