-- Once events that note rows as they are have been written, all at one time: waits
-- for those who were writing to the table, as CREATE INDEX CONCURRENTLY does, and
-- takes back what they turn out to have changed meanwhile, for their own events
-- tell of these rows. Returns how many were taken back.
--
--   started   the time of these events
--   snapshot  with which the rows were read, or an older one
CREATE OR REPLACE FUNCTION :schema.writers_undone(
  tracked_id integer, relation regclass, branches oid[], started timestamptz, snapshot pg_snapshot, patience interval
)
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  writers      text[];
  undone       bigint;
  unseen_since timestamptz := (  -- what the snapshot does not show was not written before
    SELECT before.started_at
    FROM :schema.audit_context AS before
    WHERE before.txid < pg_snapshot_xmin(snapshot)
    ORDER BY before.id DESC
    LIMIT 1
  );
BEGIN
  -- whoever begins to write from here on gets later ids
  LOOP
    writers := ARRAY(
      SELECT lock.virtualtransaction
      FROM pg_locks AS lock
      WHERE lock.locktype = 'relation' AND lock.mode = 'RowExclusiveLock' AND lock.granted
        AND lock.relation = ANY (branches)
        AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND lock.pid IS DISTINCT FROM pg_backend_pid()
        AND lock.virtualtransaction = ANY (coalesce(writers, ARRAY[lock.virtualtransaction]))
    );
    EXIT WHEN writers = '{}';
    IF clock_timestamp() > started + patience THEN
      RAISE EXCEPTION USING
        ERRCODE = 'AU003',
        MESSAGE = format('Somebody has been writing to %s for %s without committing (virtual transaction %s).', relation, patience, writers[1]),
        HINT = 'Nothing was recorded: try again when that transaction has ended, or with more patience.';
    END IF;
    PERFORM pg_sleep(0.02);
  END LOOP;

  WITH meanwhile AS MATERIALIZED (
    SELECT event.id, event.changed_at, key.id AS object_id
    FROM :schema.audit_event AS event
    CROSS JOIN LATERAL unnest(ARRAY[event.object_id, event.old_object_id]) AS key (id)
    WHERE event.table_id = tracked_id AND event.changed_at >= coalesce(unseen_since, '-infinity')
      AND NOT pg_visible_in_snapshot(event.txid, snapshot) AND event.txid <> pg_current_xact_id()
  )
  DELETE FROM :schema.audit_event AS own
  USING meanwhile
  WHERE own.table_id = tracked_id AND own.changed_at = started AND own.txid = pg_current_xact_id()
    AND own.object_id = meanwhile.object_id
    AND (meanwhile.id < own.id OR meanwhile.changed_at < started);
  GET DIAGNOSTICS undone = ROW_COUNT;
  RETURN undone;
END
$function$;
