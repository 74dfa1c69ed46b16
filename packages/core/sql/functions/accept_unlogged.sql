-- Takes note of the changes that verify_table finds, once somebody has looked at
-- them: for each such row an event that says how it was found, with the reason, and
-- from then on the log knows the row again. The caller's context tells who it was.
--   select auditrum.accept_unlogged('orders', 'restored from the backup of 3 May');
-- Nothing that the log has is changed. The event is the insert, update or delete
-- that nobody recorded, at the time when it was found; meta says so:
--   {"auditrum": {"found": "unlogged_update", "after": the time of the row's last event, "reason": ...}}
-- In between nobody knows when it was made (audit_table.doubtful): answers about
-- that time tell the row as the log had it, and that they may not be all.
--
-- Returns {table, inserted, updated, deleted, more}: how many rows, of which more
-- than `size` are left to the next call. Nobody is locked out, as by backfill.
CREATE OR REPLACE FUNCTION :schema.accept_unlogged(
  relation regclass, reason text, size integer DEFAULT 10000, patience interval DEFAULT '1 minute'
)
RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO'
SET IntervalStyle = 'postgres'
SET extra_float_digits = '1'
SET bytea_output = 'hex'
SET lc_monetary = 'C'
SET array_nulls = on
SET xmloption = content
SET row_security = off  -- an error rather than some of the rows
AS $function$
DECLARE
  known    :schema.audit_table;
  payload  text := coalesce(nullif(current_setting('auditrum.context', true), ''), '{}');
  context  bigint;
  snapshot pg_snapshot := pg_current_snapshot();
  started  timestamptz;
  answer   jsonb;
  past     jsonb;
  shapes   jsonb;
  types    jsonb;
  branches oid[];  -- the table and all below it
  has_children boolean;
  problem  jsonb;
  spot     record;
  state    jsonb;  -- the row as the log has it
  is_whole boolean;
  image    jsonb;
  meta     jsonb;
  names    text[];
  marker   jsonb;
  done     jsonb;
BEGIN
  IF coalesce(btrim(reason), '') = '' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = 'Unrecorded changes are accepted for a reason, and none was given.',
      HINT = 'Say how they came about, as accept_unlogged(''orders'', ''restored from the backup of 3 May'') does.';
  END IF;
  SELECT * INTO known FROM :schema.audit_table WHERE id = :schema.tracked_id(relation) FOR UPDATE;  -- one at a time
  IF NOT EXISTS (SELECT FROM unnest(known.tracked) AS period (range) WHERE upper_inf(period.range)) OR known.id IS NULL THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('%s is not recorded, so nothing can be noted of it.', coalesce(relation::text, 'null')),
      HINT = 'Track the table first, or the one that it is a partition or child of.';
  ELSIF known.key_columns = '{}' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('%s has no primary key, so no event can name the row that it is about.', relation),
      HINT = 'Give it a primary key, and run sync and backfill: then its rows are on record.';
  ELSIF known.key_columns <> :schema.key_columns(relation) THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU003',
      MESSAGE = format('The primary key of %s is not the one that is recorded.', relation),
      HINT = 'Run sync first.';
  ELSIF current_setting('transaction_isolation') NOT LIKE 'read %' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('Changes of %s cannot be accepted in a transaction that is %s.', relation, current_setting('transaction_isolation')),
      HINT = 'Do it in one that is READ COMMITTED: it must see what others commit meanwhile.';
  END IF;
  PERFORM :schema.check_declaration(relation, known.declaration);
  PERFORM :schema.record_shape(known.id, relation);

  answer := :schema.verify(known.id, size);
  past := :schema.past_columns(known.id, relation, jsonb_build_object('at', clock_timestamp()), true);
  shapes := :schema.verification_shapes(known.id, relation, past);
  types := (SELECT jsonb_object_agg(part ->> 'name', part ->> 'type') FROM jsonb_array_elements(past -> 'columns') AS part);
  branches := ARRAY(
    WITH RECURSIVE tree (oid) AS (
      SELECT relation::oid
      UNION SELECT inhrelid FROM tree JOIN pg_inherits ON inhparent = tree.oid
    )
    SELECT oid FROM tree
  );
  has_children := EXISTS (
    SELECT FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid WHERE inhparent = relation AND NOT child.relispartition
  );

  FOR problem IN SELECT jsonb_array_elements(answer -> 'problems') LOOP
    IF started IS NULL THEN
      BEGIN
        -- people in psql, who said who they are and not why, or nothing at all
        IF NOT payload::jsonb ?| ARRAY['v', 'change_reason'] AND jsonb_typeof(payload::jsonb) = 'object' AND to_regclass(':schema.audit_key') IS NULL THEN
          PERFORM set_config(
            'auditrum.context', (payload::jsonb || jsonb_build_object('change_reason', 'found changed outside of the log: ' || reason))::text, true
          );
        END IF;
      EXCEPTION WHEN data_exception THEN
        NULL;  -- the context will say so
      END;
      context := :schema.this_context();
      PERFORM set_config('auditrum.context', nullif(payload, '{}'), true);
      started := clock_timestamp();
    END IF;
    EXECUTE format(
      'SELECT count(*) AS number, min(live.tableoid::oid) AS branch, min(live.ctid) AS place FROM %s AS live WHERE %s',
      relation, :schema.live_condition(relation, problem ->> 'id')
    )
    INTO spot;
    -- more: several rows of a tree have the key. Else it has changed since: its own event tells.
    CONTINUE WHEN spot.number <> CASE problem ->> 'kind' WHEN 'unlogged_delete' THEN 0 ELSE 1 END;
    image := NULL;
    meta := NULL;
    IF spot.number = 1 THEN
      EXECUTE format(
        'SELECT %s, %s FROM %s AS live CROSS JOIN LATERAL (SELECT to_jsonb(live.*) AS image OFFSET 0) AS own WHERE live.tableoid = %s AND live.ctid = %L',
        :schema.image_expression('own.image', spot.branch, known.declaration),
        coalesce(
          (
            SELECT 'jsonb_build_object(' || string_agg(format('%1$L, own.image -> %1$L', name), ', ') || ')'
            FROM jsonb_array_elements_text(known.declaration -> 'meta') AS name
          ),
          'NULL::jsonb'
        ),
        CASE WHEN has_children THEN 'ONLY ' || spot.branch::regclass ELSE relation::text END,
        spot.branch, spot.place
      )
      INTO image, meta;
      CONTINUE WHEN image IS NULL;
    END IF;
    names := NULL;
    IF problem ->> 'kind' <> 'unlogged_insert' THEN
      SELECT told.state, told.whole INTO state, is_whole
      FROM :schema.logged_columns(known.id, problem ->> 'id', (problem ->> 'event')::bigint, shapes) AS told;
    END IF;
    IF problem ->> 'kind' = 'unlogged_update' THEN
      names := (
        SELECT difference.names
        FROM :schema.logged_difference(
          known.id, relation, spot.branch, spot.place, problem ->> 'id', (problem ->> 'event')::bigint, shapes, types, has_children
        ) AS difference
      );
      CONTINUE WHEN coalesce(names, '{}') = '{}';
    END IF;
    marker := jsonb_build_object('auditrum', jsonb_build_object('found', problem -> 'kind', 'after', problem -> 'at', 'reason', reason));
    INSERT INTO :schema.audit_event (changed_at, txid, context_id, table_id, operation, image, object_id, old, new, meta, db_user)
    VALUES (
      started, pg_current_xact_id(), context, known.id,
      CASE problem ->> 'kind' WHEN 'unlogged_insert' THEN 'I' WHEN 'unlogged_update' THEN 'U' ELSE 'D' END::"char",
      CASE WHEN problem ->> 'kind' = 'unlogged_delete' AND NOT is_whole THEN 'c' ELSE 'f' END::"char",
      problem ->> 'id',
      CASE problem ->> 'kind'
        WHEN 'unlogged_update' THEN (SELECT jsonb_object_agg(name, state -> name) FROM unnest(names) AS name)
        WHEN 'unlogged_delete' THEN state
      END,
      image, coalesce(meta, '{}') || marker, session_user
    );
  END LOOP;

  IF started IS NOT NULL THEN
    PERFORM :schema.writers_undone(known.id, relation, branches, started, snapshot, patience);
    UPDATE :schema.audit_table AS own
    SET doubtful = own.doubtful + tstzmultirange(tstzrange(noted.since, started))
    FROM (
      SELECT min(coalesce((event.meta -> 'auditrum' ->> 'after')::timestamptz, lower(known.tracked))) AS since
      FROM :schema.audit_event AS event
      WHERE event.table_id = known.id AND event.changed_at = started AND event.txid = pg_current_xact_id()
    ) AS noted
    WHERE own.id = known.id AND noted.since IS NOT NULL;
  END IF;
  SELECT jsonb_build_object(
    'table', answer -> 'table',
    'inserted', count(*) FILTER (WHERE event.operation = 'I'),
    'updated', count(*) FILTER (WHERE event.operation = 'U'),
    'deleted', count(*) FILTER (WHERE event.operation = 'D'),
    'more', (answer ->> 'more')::bigint + jsonb_array_length(answer -> 'problems') - count(*)
  )
  INTO done
  FROM :schema.audit_event AS event
  WHERE event.table_id = known.id AND event.changed_at = started AND event.txid = pg_current_xact_id();
  RETURN done;
END
$function$;
