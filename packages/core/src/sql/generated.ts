// Generated from packages/core/sql by npm run sql.

export const sql = {
  'functions/accept_unlogged': `-- Takes note of the changes that verify_table finds, once somebody has looked at
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
-- than \`size\` are left to the next call. Nobody is locked out, as by backfill.
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
`,
  'functions/added_counts': `-- {key: number} plus {key: number}.
CREATE OR REPLACE FUNCTION :schema.added_counts(counts jsonb, more jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT coalesce(jsonb_object_agg(part.key, part.number), '{}')
  FROM (
    SELECT each.key, sum(each.value::bigint) AS number
    FROM (SELECT * FROM jsonb_each_text(counts) UNION ALL SELECT * FROM jsonb_each_text(more)) AS each
    GROUP BY each.key
  ) AS part
$function$;
`,
  'functions/after_condition': `-- is_after as the text of a condition on a row of the view auditlog, called log:
-- with the moment as literals, which cost nothing per event, and the bounds that
-- indexes and partitions know.
CREATE OR REPLACE FUNCTION :schema.after_condition(moment jsonb)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
AS $function$
  SELECT format(
    '(%s OR log.changed_at >= %L AND (%s))%s',
    CASE WHEN moment ? 'event' THEN format('log.id > %s', moment ->> 'event') ELSE format('log.changed_at > %L', at) END,
    least(open_since, unseen_since),
    concat_ws(
      ' OR ',
      format('log.changed_at >= %L AND log.txid = ANY (%L)', open_since, ARRAY(SELECT jsonb_array_elements_text(moment -> 'open'))),
      format(
        'log.changed_at >= %L AND NOT pg_visible_in_snapshot(log.txid, %L) AND log.txid < pg_snapshot_xmax(pg_current_snapshot()) AND log.txid IS DISTINCT FROM pg_current_xact_id_if_assigned()',
        unseen_since, moment ->> 'snapshot'
      )
    ),
    CASE WHEN NOT moment ? 'event' THEN format(' AND log.changed_at >= %L', least(at, open_since, unseen_since)) END
  )
  FROM (
    SELECT (moment ->> 'at')::timestamptz AS at, (moment ->> 'open_since')::timestamptz AS open_since, (moment ->> 'unseen_since')::timestamptz AS unseen_since
  ) AS bound
$function$;
`,
  'functions/allow_pausing': `-- Whether recording may be paused at all, for databases that hold nothing but
-- what tests write. Only the owner of the log may say so, and status() tells of
-- it for as long as it holds.
CREATE OR REPLACE FUNCTION :schema.allow_pausing(allowed boolean DEFAULT true)
RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $function$
  INSERT INTO :schema.audit_setting (name, value)
  VALUES ('pausing_allowed', to_jsonb(coalesce(allowed, false)))
  ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value
$function$;
`,
  'functions/amendments': `-- What retention and erasure took out of blocks, as the chain says: a row for each
-- event, with its new leaf where it was redacted, null where it was retired, and then
-- the event that it is said to be, and the columns that it must say itself to have lost.
-- What was retired may have been redacted before. Entries that have not their form say
-- nothing.
DROP FUNCTION IF EXISTS :schema.amendments(bigint[]);  -- it did not return event and columns
CREATE OR REPLACE FUNCTION :schema.amendments(blocks bigint[])
RETURNS TABLE (entry bigint, block bigint, place integer, leaf bytea, event bigint, columns text[])
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $function$
  WITH amending AS MATERIALIZED (
    SELECT own.id, said
    FROM :schema.audit_seal AS own CROSS JOIN LATERAL :schema.read_entry(own.id, own.entry) AS said
    WHERE own.entry ->> 'kind' IN ('retire', 'redact') AND own.id > (SELECT min(wanted.block) FROM unnest(blocks) AS wanted (block)) AND said IS NOT NULL
      -- of a few blocks: most erasures name none of them, and are long to read
      AND (cardinality(blocks) > 16 OR own.entry::text LIKE ANY (
        ARRAY(SELECT '%"kind": "retire"%' UNION ALL SELECT format('%%"block": %s,%%', wanted.block) FROM unnest(blocks) AS wanted (block))
      ))
  ), sealing AS MATERIALIZED (
    SELECT own.id, (said ->> 'events')::integer AS events
    FROM unnest(blocks) AS wanted (block)
    JOIN :schema.audit_seal AS own ON own.id = wanted.block
    CROSS JOIN LATERAL :schema.read_entry(own.id, own.entry) AS said
    WHERE said ->> 'kind' = 'block' AND EXISTS (SELECT FROM amending)
  )
  SELECT DISTINCT ON (amendment.block, amendment.place) amendment.*
  FROM (
    SELECT amending.id AS entry, sealing.id AS block, retired.place, NULL::bytea AS leaf, NULL::bigint AS event, NULL::text[] AS columns
    FROM amending
    CROSS JOIN jsonb_to_recordset(amending.said -> 'retired') AS piece (block bigint, "to" bigint, which text)
    JOIN sealing ON sealing.id BETWEEN piece.block AND coalesce(piece."to", piece.block)
    CROSS JOIN LATERAL (SELECT decode(piece.which, 'base64') AS bits OFFSET 0) AS bitmap
    CROSS JOIN LATERAL generate_series(0, sealing.events - 1) AS retired (place)
    WHERE amending.said ->> 'kind' = 'retire'
      AND (piece.which IS NULL OR retired.place < 8 * octet_length(bitmap.bits) AND get_bit(bitmap.bits, retired.place) = 1)
    UNION ALL
    SELECT amending.id, piece.block, piece.place, decode(piece.leaf, 'hex'), piece.event,
      ARRAY(SELECT name FROM unnest(piece.columns) AS name WHERE NOT starts_with(name, 'context.'))
    FROM amending
    CROSS JOIN jsonb_to_recordset(amending.said -> 'redacted') AS piece (block bigint, place integer, leaf text, event bigint, columns text[])
    WHERE amending.said ->> 'kind' = 'redact' AND piece.block = ANY (blocks)
  ) AS amendment
  ORDER BY amendment.block, amendment.place, amendment.leaf IS NOT NULL, amendment.entry DESC
$function$;
`,
  'functions/arrival_before': `-- The event by which a row was last given a key, before another event; null if
-- none. For deferred keys alone, which two rows can have for a moment.
CREATE OR REPLACE FUNCTION :schema.arrival_before(tracked_id integer, object_id text, before bigint)
RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT max(event.id)
  FROM :schema.audit_event AS event
  WHERE event.table_id = $1 AND event.object_id = $2 AND event.id < before
    AND (event.operation IN ('I', 'S') OR event.old_object_id IS NOT NULL)
$function$;
`,
  'functions/as_of': `-- A table as it was:
--   select * from auditrum.as_of(null::orders, '2026-11-01 12:00+01');
--   select * from auditrum.as_of(null::orders, event => 4711);
--   select * from auditrum.as_of(null::orders, transaction => 1234567890);
-- The rows have the present columns: renamed ones are followed, of those that
-- were added later there is nothing. What a transaction had done that was still
-- under way is left out, unless consistent is false. A warning says where the
-- log does not know all.
CREATE OR REPLACE FUNCTION :schema.as_of(
  relation anyelement,
  at timestamptz DEFAULT NULL,
  consistent boolean DEFAULT true,
  event bigint DEFAULT NULL,
  transaction bigint DEFAULT NULL
)
RETURNS SETOF anyelement
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  tracked integer := :schema.row_type_table(pg_typeof(relation));
  asked   record := :schema.past_of(tracked, at, event, transaction, consistent, true, NULL);
  lists   record := :schema.past_lists(asked.past);
BEGIN
  PERFORM :schema.warn_of_gaps(asked.past);
  RETURN QUERY EXECUTE format(
    'SELECT %s FROM :schema.past_rows($1, $2, $3, $4, NULL, NULL) AS past (%s, missing text, place text)', lists.result, lists.types
  )
  USING tracked, asked.relation, asked.moment, asked.past;
END
$function$;
`,
  'functions/attach': `-- Attaches a table to a log, between two bounds as SQL. What it has refused rows by goes:
-- being detached has left it a constraint that says what its bounds were.
CREATE OR REPLACE FUNCTION :schema.attach(log text, partition text, since text, until text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  name text;
BEGIN
  FOR name IN
    SELECT own.conname FROM pg_constraint AS own
    WHERE own.conrelid = to_regclass(format('%I.%I', :'schema', partition)) AND own.contype = 'c'
      AND NOT EXISTS (SELECT FROM pg_constraint AS whole WHERE whole.conrelid = to_regclass(format('%I.%I', :'schema', log)) AND whole.conname = own.conname)
  LOOP
    EXECUTE format('ALTER TABLE :schema.%I DROP CONSTRAINT %I', partition, name);
  END LOOP;
  EXECUTE format('ALTER TABLE :schema.%I ATTACH PARTITION :schema.%I FOR VALUES FROM (%s) TO (%s)', log, partition, since, until);
END
$function$;
`,
  'functions/attach_again': `-- Puts partitions back that somebody has detached by hand, or begun to, where the log
-- has no other for their times by now; the overflow, too. Waits for nobody who reads or
-- writes the log. Returns their names.
CREATE OR REPLACE FUNCTION :schema.attach_again(log text, patience interval)
RETURNS SETOF text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET "TimeZone" = 'UTC'
AS $function$
DECLARE
  unit     text := (SELECT plan.unit FROM :schema.partition_plan() AS plan);
  overflow text := log || '_overflow';
  part     record;
  first    timestamptz;
  last     timestamptz;
  held     jsonb := '[]';  -- {name, first, last} of each
BEGIN
  IF EXISTS (SELECT FROM :schema.audit_purge WHERE finished_at IS NULL) THEN
    RETURN;  -- it makes gaps, and mends them itself
  END IF;
  FOR part IN SELECT known.name FROM :schema.partitions_of(log) AS known WHERE known.is_leaving AND NOT :schema.is_detaching(known.name) LOOP
    PERFORM :schema.finish_detaching(log, part.name, patience);
  END LOOP;
  SELECT max(known.until) INTO last FROM :schema.partitions_of(log) AS known;
  IF last IS NOT NULL AND NOT (SELECT relispartition FROM pg_class WHERE oid = to_regclass(format('%I.%I', :'schema', overflow))) THEN
    PERFORM :schema.attach(log, overflow, quote_literal(:schema.partition_bound(log, last)), 'MAXVALUE');
    RETURN NEXT overflow;
  END IF;
  IF NOT EXISTS (SELECT FROM :schema.partition_gaps(log)) OR NOT EXISTS (SELECT FROM :schema.detached_partitions(log)) THEN
    RETURN;
  END IF;
  -- what attaching takes as well; first, for another may be mending it now
  EXECUTE format('LOCK TABLE ONLY :schema.%I IN SHARE UPDATE EXCLUSIVE MODE', log);
  FOR part IN SELECT * FROM :schema.detached_partitions(log) LOOP
    EXECUTE format(
      CASE log WHEN 'audit_event' THEN 'SELECT min(changed_at), max(changed_at) FROM %s'
        ELSE 'SELECT to_timestamp((min(id) >> 20) / 1000.0), to_timestamp((max(id) >> 20) / 1000.0) FROM %s' END,
      part.relation::regclass
    ) INTO first, last;
    held := held || jsonb_build_object('name', part.name, 'first', first, 'last', last);
  END LOOP;
  FOR part IN
    SELECT fitting.name, coalesce(lag(fitting.bound) OVER own, fitting.since) AS since, coalesce(fitting.bound, fitting.until) AS until
    FROM (
      -- from one to the next, of several side by side
      SELECT held_by.name, held_by.first, gap.since, gap.until,
        CASE WHEN date_trunc(unit, lead(held_by.first) OVER own) > held_by.last
          THEN date_trunc(unit, lead(held_by.first) OVER own) ELSE lead(held_by.first) OVER own END AS bound
      FROM jsonb_to_recordset(held) AS held_by (name text, first timestamptz, last timestamptz)
      JOIN :schema.partition_gaps(log) AS gap ON held_by.first >= coalesce(gap.since, '-infinity') AND held_by.last < gap.until
      WHERE NOT EXISTS (
        SELECT FROM jsonb_to_recordset(held) AS other (name text, first timestamptz, last timestamptz)
        WHERE other.name <> held_by.name AND other.first <= held_by.last AND other.last >= held_by.first
      )
      WINDOW own AS (PARTITION BY gap.until ORDER BY held_by.first)
    ) AS fitting
    WINDOW own AS (PARTITION BY fitting.until ORDER BY fitting.first)
  LOOP
    PERFORM :schema.attach(
      log, part.name, coalesce(quote_literal(:schema.partition_bound(log, part.since)), 'MINVALUE'), quote_literal(:schema.partition_bound(log, part.until))
    );
    RETURN NEXT part.name;
  END LOOP;
END
$function$;
`,
  'functions/backfill': `-- Records the present rows of a tracked table as snapshots, and returns how
-- many:
--   select auditrum.backfill('orders');
-- Only rows that have no event since the table is recorded without a gap: run
-- again it records nothing, and after a gap every row anew. What \`when\` would
-- not have recorded of an insert is left out. The caller's context is attached.
--
-- Nobody is locked out, and still no snapshot stands behind a newer event of its
-- row: once all are written, those who were writing to the table are waited for,
-- and what they turn out to have changed meanwhile is taken back, for their own
-- events tell of these rows.
CREATE OR REPLACE FUNCTION :schema.backfill(relation regclass, patience interval DEFAULT '1 minute')
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO'
SET IntervalStyle = 'postgres'
SET extra_float_digits = '1'
SET bytea_output = 'hex'
SET lc_monetary = 'C'
SET transform_null_equals = off
SET row_security = off  -- an error rather than some of the rows
AS $function$
DECLARE
  known        :schema.audit_table;
  since        timestamptz;
  started      timestamptz;
  context      bigint;
  snapshot     pg_snapshot;
  branches     oid[];        -- the table and all below it
  branch       regclass;
  condition    text;
  written      bigint;
  recorded     bigint := 0;
BEGIN
  SELECT * INTO known FROM :schema.audit_table WHERE id = :schema.tracked_id(relation) FOR UPDATE;  -- one at a time
  since := (SELECT lower(period.range) FROM unnest(known.tracked) AS period (range) WHERE upper_inf(period.range));
  IF since IS NULL THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('%s is not recorded, so its rows cannot be.', coalesce(relation::text, 'null')),
      HINT = 'Track the table first, or the one that it is a partition or child of.';
  ELSIF known.key_columns = '{}' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('%s has no primary key, so it cannot be told which of its rows the log knows.', relation),
      HINT = 'Give it a primary key, and run sync.';
  ELSIF known.key_columns <> :schema.key_columns(relation) THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU003',
      MESSAGE = format('The primary key of %s is not the one that is recorded.', relation),
      HINT = 'Run sync first.';
  ELSIF current_setting('transaction_isolation') NOT LIKE 'read %' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('The rows of %s cannot be recorded in a transaction that is %s.', relation, current_setting('transaction_isolation')),
      HINT = 'Do it in one that is READ COMMITTED: it must see what others commit meanwhile.';
  END IF;
  PERFORM :schema.check_declaration(relation, known.declaration);
  PERFORM :schema.record_shape(known.id, relation);

  branches := ARRAY(
    WITH RECURSIVE tree (oid) AS (
      SELECT relation::oid
      UNION SELECT inhrelid FROM tree JOIN pg_inherits ON inhparent = tree.oid
    )
    SELECT oid FROM tree
  );
  condition := CASE jsonb_typeof(known.declaration -> 'when')
    WHEN 'string' THEN known.declaration ->> 'when'
    ELSE known.declaration -> 'when' ->> 'insert'
  END;
  context := :schema.this_context();
  snapshot := pg_current_snapshot();
  started := clock_timestamp();

  -- a partitioned table is read as a whole; a child of inheritance has columns of its own
  FOR branch IN
    SELECT class.oid
    FROM pg_class AS class
    WHERE class.oid = relation
      OR class.oid = ANY (branches) AND NOT class.relispartition AND EXISTS (
        SELECT FROM pg_trigger AS trigger
        WHERE trigger.tgrelid = class.oid AND trigger.tgname = :'trigger'
          AND trigger.tgfoid = to_regprocedure(format('%I.%I()', :'schema', 'capture_' || known.id))
      )
    ORDER BY array_position(branches, class.oid)  -- parents first
  LOOP
    BEGIN
      EXECUTE format(
        $query$
        INSERT INTO :schema.audit_event (changed_at, txid, context_id, table_id, operation, image, object_id, new, meta, db_user)
        SELECT $1, pg_current_xact_id(), $2, %1$s, 'S', 'f', own.id, %2$s, %3$s, session_user
        FROM %4$s AS live
        %5$s
        CROSS JOIN LATERAL (SELECT %6$s AS id, to_jsonb(live.*) AS image OFFSET 0) AS own
        WHERE NOT EXISTS (
            SELECT FROM :schema.audit_event AS event
            WHERE event.table_id = %1$s AND event.object_id = own.id AND event.changed_at >= %7$L
          )
          %8$s
        $query$,
        known.id,
        :schema.image_expression('own.image', branch, known.declaration),
        coalesce(
          (
            SELECT 'jsonb_build_object(' || string_agg(format('%1$L, own.image -> %1$L', name), ', ') || ')'
            FROM jsonb_array_elements_text(known.declaration -> 'meta') AS name
          ),
          'NULL'
        ),
        CASE (SELECT relkind FROM pg_class WHERE oid = branch) WHEN 'p' THEN branch::text ELSE 'ONLY ' || branch END,
        CASE WHEN condition IS NOT NULL THEN
          format('CROSS JOIN LATERAL (SELECT live.*) AS new CROSS JOIN (SELECT (NULL::%s).*) AS old', branch)
        END,
        :schema.live_id(relation),
        since,
        E'AND (' || condition || E'\\n) IS NOT FALSE'
      )
      USING started, context;
    EXCEPTION WHEN data_exception THEN
      RAISE EXCEPTION USING
        ERRCODE = 'AU002',
        MESSAGE = format('The rows of %s could not be recorded: %s.', branch, SQLERRM),
        HINT = 'Nothing was recorded: mend the condition (when) of its declaration, or the rows.';
    END;
    GET DIAGNOSTICS written = ROW_COUNT;
    recorded := recorded + written;
  END LOOP;

  recorded := recorded - :schema.writers_undone(known.id, relation, branches, started, snapshot, patience);
  -- from here on a row without an event is one that nobody recorded
  UPDATE :schema.audit_table AS own SET rows_noted_at = started WHERE own.id = known.id AND NOT own.declaration ? 'when';
  RETURN recorded;
END
$function$;
`,
  'functions/bitmap': `-- Places as a bitmap in base64: bit p & 7 of byte p >> 3, least significant first.
CREATE OR REPLACE FUNCTION :schema.bitmap(places integer[], size integer)
RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT translate(encode(string_agg(set_byte('x'::bytea, 0, coalesce(own.bits, 0)), ''::bytea ORDER BY byte), 'base64'), E'\\n', '')
  FROM generate_series(0, (size - 1) / 8) AS byte
  LEFT JOIN (
    SELECT place >> 3 AS byte, bit_or(1 << (place & 7)) AS bits
    FROM unnest(places) AS place
    GROUP BY place >> 3
  ) AS own USING (byte)
$function$;
`,
  'functions/blame': `-- Who gave each column of a row its present value, latest change first:
--   select * from auditrum.blame('orders', '42');
--   select * from auditrum.blame('orders', '42', 'status');
-- A row that is gone begins with a line without column_name: the deletion. A
-- column whose value is older than the log has a line without an event, or with
-- its snapshot: that tells the value, and not who gave it.
-- Everything is qualified, because the caller's search_path is needed for the
-- name of the table, and would else decide what the rest means.
CREATE OR REPLACE FUNCTION :schema.blame(table_name text, object_id text, column_name text DEFAULT NULL)
RETURNS TABLE (
  column_name   text,
  value         jsonb,
  changed_at    timestamptz,
  user_id       text,
  change_reason text,
  source        text,
  operation     text,
  db_user       text,
  masked        boolean,
  event_id      bigint,
  context_uuid  uuid
)
LANGUAGE sql STABLE
AS $function$
  SELECT line.*
  FROM (
    SELECT :schema.table_id(CASE WHEN pg_catalog.cardinality(pg_catalog.parse_ident($1)) = 1 THEN pg_catalog.to_regclass($1) END, pg_catalog.parse_ident($1)) AS id
  ) AS found
  -- null would be the whole table's history: let row_id refuse it
  CROSS JOIN LATERAL :schema.row_blame(found.id, :schema.row_id(found.id, pg_catalog.to_jsonb($2)), $3) AS line
$function$;
`,
  'functions/bounded_id': `-- An object_id that fits its index: of a longer key the hash, which finds the
-- row as well; the key itself is in the event's data.
CREATE OR REPLACE FUNCTION :schema.bounded_id(object_id text)
RETURNS text
LANGUAGE sql IMMUTABLE  -- without a setting, so that it is inlined
AS $function$
  SELECT CASE
    WHEN pg_catalog.octet_length(object_id) OPERATOR(pg_catalog.>) 2000
    THEN 'md5 '::text OPERATOR(pg_catalog.||) pg_catalog.md5(object_id)
    ELSE object_id
  END
$function$;
`,
  'functions/canonical': `-- An event and its context as what is hashed, byte by byte, when it is sealed: a JSON
-- array of every column, in the order of the tables, behind the version of this
-- form. It does not depend on settings of a session, nor on the version of
-- PostgreSQL, and can be made again anywhere: times are microseconds since 1970,
-- jsonb is its own text, bytes are hexadecimal. An event without a context of its
-- transaction ends in null.
--   context  as canonical_context has it
--   version  1; 2 where hashes stand for what is too large, see canonical_event
--
-- One expression, so that it becomes part of the query that calls it.
DROP FUNCTION IF EXISTS :schema.canonical(:schema.audit_event, :schema.audit_context);  -- it took the context as it is stored
DROP FUNCTION IF EXISTS :schema.canonical(:schema.audit_event, json, integer);           -- it returned text
CREATE OR REPLACE FUNCTION :schema.canonical(event :schema.audit_event, context json, version integer DEFAULT 1)
RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
AS $function$
  SELECT pg_catalog.json_build_array(
    version,
    event.id,
    pg_catalog.trunc(extract(epoch FROM event.changed_at) OPERATOR(pg_catalog.*) 1000000),
    event.txid,
    event.context_id,
    event.table_id,
    event.operation,
    event.image,
    event.lossy,
    event.object_id,
    event.old_object_id,
    event.old,
    event.new,
    event.meta,
    event.masked,
    event.drift,
    event.redacted,
    event.db_user,
    pg_catalog.encode(event.salt, 'hex'),
    context
  )
$function$;
`,
  'functions/canonical_context': `-- A context as it stands in the canonical form of its events, to be made once for
-- all of them: null where there is none. One expression, as canonical.
CREATE OR REPLACE FUNCTION :schema.canonical_context(context :schema.audit_context)
RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
AS $function$
  SELECT CASE WHEN context.id IS NOT NULL THEN pg_catalog.json_build_array(
    context.id,
    context.transaction_id,
    context.txid,
    pg_catalog.trunc(extract(epoch FROM context.started_at) OPERATOR(pg_catalog.*) 1000000),
    context.uuid,
    context.root_uuid,
    context.user_id,
    context.application_name,
    pg_catalog.text(context.client_addr),
    context.metadata,
    context.context_error
  ) END
$function$;
`,
  'functions/canonical_event': `-- The canonical form of an event, whatever its size. A little jsonb can be more text
-- than PostgreSQL can hold: ten bytes are a number of 131072 digits. An event of more
-- than a billion bytes as text, which nobody writes by accident, has the form of
-- version 2: in place of each value of its documents stands the hash of its text.
CREATE OR REPLACE FUNCTION :schema.canonical_event(event :schema.audit_event, context :schema.audit_context)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  form text;
BEGIN
  BEGIN
    form := :schema.canonical(event, :schema.canonical_context(context))::text;
  EXCEPTION WHEN program_limit_exceeded OR internal_error THEN
    form := NULL;  -- internal is what PostgreSQL calls it within a few bytes of its limit
  END;
  IF :schema.form_leaf(convert_to(form, 'UTF8')) IS NULL THEN
    event.old := :schema.document_hashes(event.old);
    event.new := :schema.document_hashes(event.new);
    event.meta := :schema.document_hashes(event.meta);
    context.metadata := :schema.document_hashes(context.metadata);
    form := :schema.canonical(event, :schema.canonical_context(context), 2)::text;
  END IF;
  RETURN form;
END
$function$;
`,
  'functions/capture_settings': `-- What a table's capture function sets for itself, as in pg_proc.proconfig: the
-- search_path, and the settings on which the text of its columns' types
-- depends, so that two sessions store the same value the same way. Each costs
-- about half a microsecond a row, hence only where needed. A column that is
-- added or retyped is pinned from the next sync on.
CREATE OR REPLACE FUNCTION :schema.capture_settings(relation oid)
RETURNS text[]
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  WITH RECURSIVE part (type_id) AS (
    SELECT atttypid FROM pg_attribute WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped
    UNION
    -- below domains, inside arrays
    SELECT CASE WHEN type.typtype = 'd' THEN type.typbasetype ELSE type.typelem END
    FROM part JOIN pg_type AS type ON type.oid = part.type_id
    WHERE type.typtype = 'd' OR type.typcategory = 'A'
  ), sensitive AS (
    SELECT CASE
        WHEN type.typtype IN ('d', 'e') OR type.typcategory = 'A' THEN '{}'
        WHEN type.typnamespace <> 'pg_catalog'::regnamespace THEN NULL
        WHEN type.typname IN (
          'bool', 'int2', 'int4', 'int8', 'numeric', 'oid', 'text', 'varchar', 'bpchar', 'char', 'name', 'uuid',
          'json', 'jsonb', 'date', 'timestamp', 'time', 'timetz', 'inet', 'cidr', 'macaddr', 'macaddr8', 'bit',
          'varbit', 'xml', 'tsvector', 'tsquery', 'pg_lsn', 'int4range', 'int8range', 'numrange',
          'int4multirange', 'int8multirange', 'nummultirange'
        ) THEN '{}'
        WHEN type.typname = 'timestamptz' THEN '{TimeZone}'
        WHEN type.typname IN ('float4', 'float8', 'point', 'line', 'lseg', 'box', 'path', 'polygon', 'circle') THEN '{extra_float_digits}'
        WHEN type.typname = 'interval' THEN '{IntervalStyle}'
        WHEN type.typname = 'bytea' THEN '{bytea_output}'
        WHEN type.typname = 'money' THEN '{lc_monetary}'
      END::text[] AS names  -- null: a type not known here, so all
    FROM part JOIN pg_type AS type ON type.oid = part.type_id
  )
  SELECT array_agg(setting.name || '=' || setting.value ORDER BY setting.position)
  FROM (VALUES
    (0, 'search_path', 'pg_catalog, pg_temp'),
    (1, 'TimeZone', 'UTC'),
    (2, 'DateStyle', 'ISO'),
    (3, 'IntervalStyle', 'postgres'),
    (4, 'extra_float_digits', '1'),
    (5, 'bytea_output', 'hex'),
    (6, 'lc_monetary', 'C')
  ) AS setting (position, name, value)
  WHERE setting.position = 0
     OR EXISTS (SELECT FROM sensitive WHERE names IS NULL OR setting.name = ANY (names))
$function$;
`,
  'functions/capture_source': `-- Writes the body of a table's trigger function. Every table has one of its
-- own, because a body that knows the column names compares two rows in one
-- expression instead of a query; because what is declared costs nothing where
-- it is not declared; and because it can be read.
--
-- Nothing in it breaks when columns are added, dropped, renamed or retyped,
-- in this session or another: it looks only at to_jsonb(OLD) and to_jsonb(NEW),
-- never at OLD.column, whose cached plan would fail. Names it does not know
-- are recorded; declared names that are gone make it careful (drift).
CREATE OR REPLACE FUNCTION :schema.capture_source(table_id integer, relation oid, declaration jsonb)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  key_names     text[] := :schema.key_columns(relation);
  only_names    text[] := ARRAY(SELECT jsonb_array_elements_text(declaration -> 'only'));
  exclude_names text[] := ARRAY(SELECT jsonb_array_elements_text(declaration -> 'exclude'));
  mask_names    text[] := ARRAY(SELECT jsonb_array_elements_text(declaration -> 'mask'));
  ignore_names  text[] := ARRAY(SELECT jsonb_array_elements_text(declaration -> 'ignore'));
  meta_names    text[] := ARRAY(SELECT jsonb_array_elements_text(declaration -> 'meta'));
  secret_names  text[] := only_names || exclude_names || mask_names;
  all_names     text[] := ARRAY(SELECT DISTINCT unnest(key_names || secret_names || ignore_names || meta_names) ORDER BY 1);
  known_names   text[];
  lossy_names   text[];  -- recorded columns that can change without their jsonb changing
  bounded       boolean;
  shown_columns text;   -- each recorded column's name where it did not change, else NULL
  image         text := :schema.image_expression('before', relation, declaration);
  source        text;
BEGIN
  SELECT string_agg(
      CASE
        -- 1.0 and 1.00 are equal as jsonb, also inside documents, arrays, domains and composites
        WHEN type.typname = 'numeric' AND type.typnamespace = 'pg_catalog'::regnamespace
        THEN format('CASE WHEN before ->> %1$L IS NOT DISTINCT FROM after ->> %1$L THEN %1$L END', attname)
        WHEN type.typtype = 'e' OR (
          type.typnamespace = 'pg_catalog'::regnamespace AND type.typtype IN ('b', 'r', 'm')
          AND type.typcategory <> 'A' AND type.typname NOT IN ('json', 'jsonb')
        )
        THEN format('CASE WHEN before -> %1$L = after -> %1$L THEN %1$L END', attname)
        ELSE format('CASE WHEN (before -> %1$L)::text IS NOT DISTINCT FROM (after -> %1$L)::text THEN %1$L END', attname)
      END,
      E',\\n      ' ORDER BY attnum
    ) FILTER (WHERE attgenerated <> 'v'
      AND NOT attname = ANY (exclude_names || mask_names)
      AND (only_names = '{}' OR attname = ANY (only_names || key_names))),
    coalesce(array_agg(attname::text ORDER BY attnum), '{}'),
    coalesce(array_agg(attname::text ORDER BY attnum) FILTER (
      WHERE attgenerated <> 'v'
        AND NOT attname = ANY (exclude_names || mask_names)
        AND (only_names = '{}' OR attname = ANY (only_names || key_names))
        AND NOT (type.typtype = 'e' OR (type.typnamespace = 'pg_catalog'::regnamespace AND type.typname IN (
          'bool', 'int2', 'int4', 'int8', 'oid', 'text', 'varchar', 'name', 'uuid', 'date', 'time', 'timetz', 'timestamp',
          'timestamptz', 'bytea', 'inet', 'cidr', 'macaddr', 'macaddr8', 'tsvector', 'pg_lsn'
        )))
    ), '{}'),
    coalesce(bool_or(attname = ANY (key_names) AND NOT (type.typnamespace = 'pg_catalog'::regnamespace AND type.typname IN (
      'bool', 'int2', 'int4', 'int8', 'oid', 'uuid', 'date', 'timestamp', 'timestamptz'
    ))), false)
  INTO shown_columns, known_names, lossy_names, bounded
  FROM pg_attribute JOIN pg_type AS type ON type.oid = atttypid
  WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped;

  source := $capture$
#variable_conflict use_column
DECLARE
  before        jsonb;
  after         jsonb;
  unchanged     text[];
  replaced      jsonb;
  event_image   "char" := 'f';
  event_lossy   boolean;
  event_meta    jsonb;
  event_masked  text[];
  event_drift   text[];
  id_before     text;
  id_after      text;
  event_context bigint;
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF OLD *= NEW THEN
      RETURN NULL;
    END IF;
    before := to_jsonb(OLD);
    after := to_jsonb(NEW);
  ELSIF TG_OP = 'INSERT' THEN
    after := to_jsonb(NEW);
  ELSIF TG_OP = 'DELETE' THEN
    before := to_jsonb(OLD);
  ELSIF EXISTS (SELECT FROM pg_inherits WHERE inhrelid = TG_RELID) THEN
    -- TRUNCATE of a partition or child: say which
    event_meta := jsonb_build_object('relation', format('%I.%I', TG_TABLE_SCHEMA, TG_TABLE_NAME));
  END IF;
$capture$;

  -- when: the application's expression, the one thing here that names columns;
  -- where it can no longer be evaluated the event is written
  IF declaration ? 'when' THEN
    source := source || format($capture$
  DECLARE
    wanted boolean;
  BEGIN
    IF TG_OP = 'INSERT' THEN
      wanted := (%1$s
      );
    ELSIF TG_OP = 'UPDATE' THEN
      wanted := (%2$s
      );
    ELSIF TG_OP = 'DELETE' THEN
      wanted := (%3$s
      );
    END IF;
    IF wanted IS FALSE THEN
      RETURN NULL;
    END IF;
  EXCEPTION WHEN OTHERS THEN
    event_drift := ARRAY['when'];
  END;
$capture$,
      coalesce(declaration -> 'when' ->> 'insert', CASE jsonb_typeof(declaration -> 'when') WHEN 'string' THEN declaration ->> 'when' END, 'true'),
      coalesce(declaration -> 'when' ->> 'update', CASE jsonb_typeof(declaration -> 'when') WHEN 'string' THEN declaration ->> 'when' END, 'true'),
      coalesce(declaration -> 'when' ->> 'delete', CASE jsonb_typeof(declaration -> 'when') WHEN 'string' THEN declaration ->> 'when' END, 'true'));
  END IF;

  IF key_names <> '{}' THEN
    source := source || format($capture$
  id_before := %1$s;
  id_after := %2$s;
$capture$, :schema.key_expression('before', key_names), :schema.key_expression('after', key_names));
  END IF;

  IF all_names <> '{}' THEN
    source := source || format($capture$
  IF NOT coalesce(after, before) ?& %1$L::text[] THEN
    -- a declared column was renamed or dropped since the last sync
    event_drift := event_drift || ARRAY(
      SELECT name FROM unnest(%1$L::text[]) AS name WHERE NOT coalesce(after, before) ? name
    );
    DECLARE
      -- a child may have no key of its own, or one that must not be stored
      key_now text[] := ARRAY(
        SELECT name FROM unnest(coalesce(nullif(:schema.key_columns(TG_RELID), '{}'), %3$L::text[])) AS name
        WHERE NOT name = ANY (%4$L::text[])
      );
    BEGIN
      id_before := :schema.object_id(before, key_now);
      id_after := :schema.object_id(after, key_now);
      IF event_drift && %2$L::text[] THEN
        -- what must not be stored cannot be told from the rest: the key, and names alone
        event_image := 'k';
        event_masked := ARRAY(
          SELECT name FROM jsonb_object_keys(coalesce(after, before)) AS name
          WHERE NOT name = ANY (key_now)
            AND coalesce(before -> name, 'null')::text IS DISTINCT FROM coalesce(after -> name, 'null')::text
        );
        before := (SELECT jsonb_object_agg(name, before -> name) FROM unnest(key_now) AS name WHERE before IS NOT NULL);
        after := (SELECT jsonb_object_agg(name, after -> name) FROM unnest(key_now) AS name WHERE after IS NOT NULL);
      END IF;
    END;
  END IF;
$capture$, all_names, secret_names, key_names, exclude_names || mask_names);
  END IF;

  IF meta_names <> '{}' THEN
    source := source || format($capture$
  IF event_image <> 'k' AND TG_OP <> 'TRUNCATE' THEN
    SELECT jsonb_object_agg(name, coalesce(after, before) -> name) INTO event_meta FROM unnest(%1$L::text[]) AS name;
  END IF;
$capture$, meta_names);
  END IF;

  IF mask_names <> '{}' THEN
    source := source || format($capture$
  IF event_image <> 'k' THEN
    event_masked := nullif(ARRAY(
      SELECT name FROM unnest(%1$L::text[]) AS name
      WHERE coalesce(before -> name, 'null')::text IS DISTINCT FROM coalesce(after -> name, 'null')::text
    ), '{}');
  END IF;
$capture$, mask_names);
  END IF;

  IF image <> 'before' THEN
    source := source || format($capture$
  IF event_image <> 'k' THEN
    before := CASE WHEN before IS NOT NULL THEN %1$s END;
    after := CASE WHEN after IS NOT NULL THEN %2$s END;
  END IF;
$capture$, image, :schema.image_expression('after', relation, declaration));
  END IF;

  source := source || format($capture$
  IF TG_OP = 'UPDATE' THEN
    unchanged := ARRAY[
      %1$s
    ]::text[];
    replaced := before - unchanged;
    IF replaced = '{}' OR replaced - %2$L::text[] <> '{}' THEN
      -- no change that jsonb compares as one, or columns that came, or were renamed, since the last sync
      SELECT coalesce(jsonb_object_agg(key, value), '{}') INTO replaced
      FROM jsonb_each(before) WHERE value::text IS DISTINCT FROM (after -> key)::text;
      IF replaced = '{}' AND event_masked IS NULL THEN
        %3$s
        event_lossy := true;
      END IF;
    END IF;
$capture$, coalesce(shown_columns, ''), known_names, CASE
    -- all columns are recorded, those as well that came since the last sync: it is a change that jsonb cannot tell
    WHEN lossy_names = '{}' AND secret_names = '{}' THEN ''
    WHEN lossy_names = '{}' THEN 'RETURN NULL;'
    ELSE format($capture$IF to_jsonb(OLD)::text <> to_jsonb(NEW)::text THEN
          -- not recorded columns changed; did others, too?
          EXECUTE :schema.difference_query(TG_RELID, %L) INTO event_lossy USING OLD, NEW;
          IF event_lossy IS NOT TRUE THEN
            RETURN NULL;
          END IF;
        END IF;$capture$, lossy_names)
  END);

  IF ignore_names <> '{}' THEN
    source := source || format($capture$
    IF replaced <> '{}' AND event_masked IS NULL AND replaced - %1$L::text[] = '{}' THEN
      %2$s
    END IF;
$capture$, ignore_names, CASE
      WHEN lossy_names <@ ignore_names THEN 'RETURN NULL;'
      ELSE format($capture$EXECUTE :schema.difference_query(TG_RELID, %L) INTO event_lossy USING OLD, NEW;
      IF event_lossy IS NOT TRUE THEN
        RETURN NULL;
      END IF;$capture$, ARRAY(SELECT unnest(lossy_names) EXCEPT SELECT unnest(ignore_names)))
    END);
  END IF;

  IF declaration ->> 'image' = 'changed' THEN
    source := source || format($capture$
    IF event_image = 'f' THEN
      event_image := 'c';
      after := after - unchanged%1$s;
    END IF;
$capture$,
      (SELECT format(' || jsonb_build_object(%s)', string_agg(format('%1$L, after -> %1$L', name), ', ')) FROM unnest(key_names) AS name HAVING count(*) > 0));
  END IF;

  source := source || $capture$
  ELSE
    replaced := before;
  END IF;
$capture$;

  IF bounded THEN
    source := source || $capture$
  IF octet_length(id_before) > 2000 OR octet_length(id_after) > 2000 THEN
    id_before := :schema.bounded_id(id_before);
    id_after := :schema.bounded_id(id_after);
  END IF;
$capture$;
  END IF;

  source := source || format($capture$

  event_context := CASE
    WHEN starts_with(
      current_setting(%1$L, true),
      pg_current_xact_id()::text || ' ' || hashtextextended(coalesce(current_setting('auditrum.context', true), ''), 0) || ' '
    )
    THEN split_part(current_setting(%1$L, true), ' ', 3)::bigint
    ELSE :schema.write_context(coalesce(current_setting('auditrum.context', true), ''))
  END;
$capture$, :'remembered');

  IF declaration -> 'requireContext' IS DISTINCT FROM 'null' AND declaration ? 'requireContext' THEN
    source := source || format($capture$
  IF NOT EXISTS (
    -- by its ctid, as in write_context
    SELECT FROM :schema.audit_context AS context
    WHERE context.ctid = substring(current_setting(%3$L, true) FROM '\\(\\d{1,9},\\d{1,4}\\)$')::tid
      AND context.id = event_context AND context.txid = pg_current_xact_id() AND %1$s
  ) THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU001',
      SCHEMA = TG_TABLE_SCHEMA,
      TABLE = TG_TABLE_NAME,
      MESSAGE = format('%%s on %%I.%%I was refused because its audit context has no %2$s%%s.', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME,
        (SELECT ': ' || context.context_error FROM :schema.audit_context AS context WHERE context.id = event_context AND context.txid = pg_current_xact_id())),
      HINT = 'Write it inside withContext(), or in psql after: select set_config(''auditrum.context'', ''{"user_id": ..., "change_reason": ...}'', true).';
  END IF;
$capture$,
      CASE declaration ->> 'requireContext'
        WHEN 'actor' THEN 'context.user_id <> '''''
        WHEN 'reason' THEN 'context.metadata ->> ''change_reason'' <> '''''
        ELSE 'context.metadata IS NOT NULL'
      END,
      CASE declaration ->> 'requireContext'
        WHEN 'actor' THEN 'user_id'
        WHEN 'reason' THEN 'change_reason'
        ELSE 'metadata'
      END,
      :'remembered');
  END IF;

  RETURN source || format($capture$
  INSERT INTO :schema.audit_event (
    changed_at, txid, context_id, table_id, operation, image, lossy,
    object_id, old_object_id, old, new, meta, masked, drift, db_user
  )
  VALUES (
    clock_timestamp(), pg_current_xact_id(), event_context, %1$s, TG_OP::"char", event_image, event_lossy,
    coalesce(id_after, id_before), CASE WHEN id_before <> id_after THEN id_before END,
    replaced, after, event_meta, event_masked, event_drift, session_user
  );
  RETURN NULL;
END
$capture$, table_id);
END
$function$;
`,
  'functions/changed_keys': `-- A page of the rows that were changed between two moments: the object_id that
-- each had at the first (null: it was not there) and at the second (null: gone),
-- and where the next page begins. A row is followed through changes of its key,
-- except across a truncation, which no event of a row tells of: there every
-- object_id that the log knows is one.
CREATE OR REPLACE FUNCTION :schema.changed_keys(
  tracked_id integer, from_moment jsonb, to_moment jsonb, after text, size integer
)
RETURNS TABLE (place text, from_id text, to_id text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  IF EXISTS (
    SELECT FROM :schema.auditlog AS log
    WHERE log.table_id = tracked_id AND log.object_id IS NULL AND log.operation = 'truncate'
      AND :schema.is_after(from_moment, log.id, log.changed_at, log.txid)
      AND NOT :schema.is_after(to_moment, log.id, log.changed_at, log.txid)
  ) THEN
    RETURN QUERY
      SELECT key.id COLLATE "C", key.id, key.id
      FROM (
        SELECT log.object_id FROM :schema.auditlog AS log WHERE log.table_id = tracked_id
        UNION
        SELECT log.old_object_id FROM :schema.auditlog AS log WHERE log.table_id = tracked_id AND log.old_object_id IS NOT NULL
      ) AS key (id)
      WHERE key.id > coalesce(after, '') COLLATE "C"
      ORDER BY key.id COLLATE "C"
      LIMIT size;
    RETURN;
  END IF;

  RETURN QUERY EXECUTE format(
    $query$
    SELECT
      event.id::text,
      CASE WHEN event.operation <> 'insert' THEN event.key END,
      :schema.key_at($1, event.key, CASE WHEN event.operation = 'insert' THEN event.id ELSE -1 END, $2, $3)
    FROM (
      SELECT log.id, log.operation, coalesce(log.old_object_id, log.object_id) AS key
      FROM :schema.auditlog AS log
      WHERE log.table_id = $1 AND log.object_id IS NOT NULL AND log.id > $4 AND %s
        AND NOT :schema.is_after($3, log.id, log.changed_at, log.txid)
    ) AS event
    WHERE event.operation = 'insert'
      -- the first that happened to the row
      OR (SELECT min(next.id) FROM :schema.event_after($1, event.key, -1, $2) AS next) = event.id
    ORDER BY event.id
    LIMIT $5
    $query$,
    :schema.after_condition(from_moment)
  )
  USING tracked_id, from_moment, to_moment, coalesce(after, '0')::bigint, size;
END
$function$;
`,
  'functions/changed_rows': `-- The rows that the events of some contexts changed: for each the events of one
-- row, in their order, wherever its key went, and which of them belong to a row
-- that began or ended here. Both do where a row was deleted and another one was
-- inserted in its place. A truncation is a line of its own. The images are not
-- looked at, for all of it is sorted.
CREATE OR REPLACE FUNCTION :schema.changed_rows(contexts bigint[], since timestamptz)
RETURNS TABLE (
  table_id      integer,
  is_truncation boolean,
  existed       boolean,
  is_there      boolean,
  first_key     text,
  last_key      text,
  first_id      bigint,
  first_at      timestamptz,
  last_at       timestamptz,
  events        bigint[],
  begin         boolean[],
  ending        boolean[]
)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off  -- how many events there will be is not known beforehand
AS $function$
  WITH RECURSIVE scope AS MATERIALIZED (
    -- without the images, for all of it is sorted
    SELECT log.id, log.table_id, log.operation, log.object_id, log.old_object_id, log.changed_at, log.meta IS NULL AS is_whole
    FROM :schema.audit_event AS log
    JOIN :schema.audit_context AS own ON own.id = log.context_id AND own.txid = log.txid
    WHERE log.context_id = ANY ($1) AND own.id = ANY ($1) AND log.changed_at >= $2
      AND log.operation <> 'S'  -- no change
  ), row_event AS (
    -- what was done to rows that were truncated later is over
    SELECT told.*
    FROM (
      SELECT scope.*, max(scope.id) FILTER (WHERE scope.operation = 'T' AND scope.is_whole) OVER (PARTITION BY scope.table_id) AS truncated
      FROM scope
    ) AS told
    WHERE told.operation = 'T' OR told.truncated IS NULL OR told.id > told.truncated
  ), spot AS (
    -- one row at one key: until it is deleted or given another one
    SELECT at_key.*,
      count(*) FILTER (WHERE at_key.departs OR at_key.operation = 'D') OVER (
        PARTITION BY at_key.table_id, at_key.key ORDER BY at_key.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ) AS life
    FROM (
      SELECT row_event.*, row_event.object_id AS key, false AS departs FROM row_event
      UNION ALL
      SELECT row_event.*, row_event.old_object_id, true FROM row_event WHERE row_event.old_object_id IS NOT NULL
    ) AS at_key
  ), move AS MATERIALIZED (
    SELECT spot.table_id,
      min(spot.key) FILTER (WHERE spot.departs) AS old_key, min(spot.life) FILTER (WHERE spot.departs) AS old_life,
      min(spot.key) FILTER (WHERE NOT spot.departs) AS key, min(spot.life) FILTER (WHERE NOT spot.departs) AS life
    FROM spot
    WHERE spot.old_object_id IS NOT NULL
    GROUP BY spot.table_id, spot.id
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
  ), chain AS (
    -- the events of one row; without a key, each for itself
    SELECT spot.*,
      first_value(spot.operation) OVER forward = 'I' AS begins,
      last_value(spot.operation) OVER forward IN ('D', 'T') AS ends,
      first_value(coalesce(spot.old_object_id, spot.object_id)) OVER forward AS first_key,
      last_value(spot.object_id) OVER forward AS last_key,
      first_value(spot.id) OVER forward AS number
    FROM spot
    LEFT JOIN path ON path.table_id = spot.table_id AND path.key = spot.key AND path.life = spot.life
    WHERE NOT spot.departs
    WINDOW forward AS (
      PARTITION BY spot.table_id, coalesce(path.first_key, spot.key), coalesce(path.first_life, spot.life), CASE WHEN spot.key IS NULL THEN spot.id END
      ORDER BY spot.id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    )
  )
  SELECT
    chain.table_id,
    bool_or(chain.operation = 'T') AS is_truncation,
    bool_or(NOT chain.begins) AS existed,
    bool_or(NOT chain.ends) AS is_there,
    min(chain.first_key) FILTER (WHERE NOT chain.begins) AS first_key,
    coalesce(min(chain.last_key) FILTER (WHERE NOT chain.ends), min(chain.last_key)) AS last_key,
    min(chain.id) AS first_id,
    min(chain.changed_at) AS first_at,
    max(chain.changed_at) AS last_at,
    array_agg(chain.id ORDER BY chain.id) AS events,
    array_agg(chain.begins ORDER BY chain.id) AS begin,
    array_agg(chain.ends ORDER BY chain.id) AS ending
  FROM chain
  WHERE NOT (chain.begins AND chain.ends)
  -- a row that was deleted, and the one that was inserted in its place
  GROUP BY chain.table_id, CASE
    WHEN chain.begins THEN 'k' || chain.last_key
    WHEN chain.ends THEN 'k' || chain.first_key
    ELSE 'n' || chain.number
  END, CASE WHEN chain.object_id IS NULL THEN chain.id END
$function$;
`,
  'functions/changes': `-- What a transaction, a request or a job changed in the end, one line for each
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
`,
  'functions/check_chain_end': `-- Refuses to go on with a chain whose end is gone, or all of it: what it had sealed
-- would be sealed anew, as it is now, and nobody would see that. So it is where its end
-- says nothing, or the hashes of its last block are gone, and not by retention.
CREATE OR REPLACE FUNCTION :schema.check_chain_end()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  last_entry CONSTANT bigint := coalesce((SELECT max(id) FROM :schema.audit_seal), -1);
  last_block bigint := coalesce((SELECT max(block) FROM :schema.audit_leaf), -1);
BEGIN
  IF last_block > last_entry
    -- a copy of the schema alone has the default of the salt, and no event
    OR last_entry = -1 AND :schema.has_salt() AND EXISTS (SELECT FROM :schema.audit_event WHERE salt IS NOT NULL)
  THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU006',
      MESSAGE = CASE last_entry
        WHEN -1 THEN 'The chain is gone, though the log was sealed.'
        ELSE format('The chain was cut: it ends with entry %s, and there are hashes of block %s.', last_entry, last_block)
      END,
      HINT = 'Find out who did that, and restore audit_seal and audit_leaf from a backup. If there is none, another chain is begun, which says so for good, with "auditrum enable-hash-chain --anew --reason ...", or select :schema.seal_anew(...).';
  END IF;
  PERFORM :schema.check_last_entry();
  last_block := :schema.lost_leaves();
  IF last_block IS NOT NULL THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU006',
      MESSAGE = format('The hashes of block %s are gone, and its events were not retired.', last_block),
      HINT = 'Find out who did that, and restore audit_leaf from a backup. If there is none, another chain is begun, which says so for good, with "auditrum enable-hash-chain --anew --reason ...", or select :schema.seal_anew(...).';
  END IF;
END
$function$;
`,
  'functions/check_declaration': `-- Refuses, before anything is changed, a declaration that does not fit its
-- table. SQLSTATE AU002; the message says what is wrong, the hint what to do.
CREATE OR REPLACE FUNCTION :schema.check_declaration(relation regclass, declaration jsonb)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  known    text[] := ARRAY['only', 'exclude', 'ignore', 'mask', 'meta', 'when', 'image', 'requireContext', 'label', 'retention'];
  class    record;
  key      text[] := :schema.key_columns(relation);
  option   text;
  name     text;
  columns  text[];
  operation text;
  expression text;
  probe    record;
  label    record;
  reach    text;
  problem  text;
  remedy   text;
BEGIN
  SELECT relkind, relpersistence, relispartition, nspname, relname INTO class
  FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
  WHERE pg_class.oid = relation;
  columns := ARRAY(
    SELECT attname FROM pg_attribute WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped ORDER BY attnum
  );

  <<examine>>
  BEGIN
    IF class.relkind IS NULL THEN
      problem := format('There is no table to track: it is given as %s.', coalesce(relation::text, 'null'));
      remedy := 'Name one that exists: to_regclass gives null where there is none.';
      EXIT examine;
    ELSIF declaration IS NULL OR jsonb_typeof(declaration) <> 'object' THEN
      problem := format('The declaration of %s is %s, not a JSON object.', relation, coalesce(declaration::text, 'null'));
      remedy := 'Give one such as {"exclude": ["secret"]}, or leave the argument out.';
      EXIT examine;
    END IF;

    IF class.relkind NOT IN ('r', 'p') THEN
      problem := format('%s is not a table.', relation);
      remedy := 'Track the tables below it: only tables have row triggers on every change.';
      EXIT examine;
    ELSIF class.relpersistence = 't' THEN
      problem := format('%s is a temporary table.', relation);
      remedy := 'Track tables that outlive the session.';
      EXIT examine;
    ELSIF class.relispartition THEN
      problem := format('%s is a partition.', relation);
      remedy := 'Track the partitioned table: changes made straight to a partition are recorded too.';
      EXIT examine;
    ELSIF class.nspname IN (:'schema', 'pg_catalog', 'information_schema') THEN
      problem := format('%s belongs to the schema %I, which cannot be tracked.', relation, class.nspname);
      remedy := 'Track tables of the application.';
      EXIT examine;
    END IF;

    FOR option IN SELECT jsonb_object_keys(declaration) LOOP
      IF NOT option = ANY (known) THEN
        problem := format('The declaration of %s has an unknown option %L.', relation, option);
        remedy := coalesce(
          'Did you mean ' || quote_literal(:schema.nearest_name(option, known)) || '?',
          format('The options are: %s.', array_to_string(known, ', ')));
        EXIT examine;
      ELSIF option IN ('only', 'exclude', 'ignore', 'mask', 'meta') THEN
        IF NOT declaration @? format('strict $.%I ? (@.type() == "array" && @.size() > 0)', option)::jsonpath
          OR declaration @? format('strict $.%I[*] ? (@.type() != "string")', option)::jsonpath
        THEN
          problem := format('The declaration of %s has %L: %s.', relation, option, declaration -> option);
          remedy := 'Give a list of at least one column name, such as ["secret"].';
          EXIT examine;
        END IF;
        FOR name IN SELECT jsonb_array_elements_text(declaration -> option) LOOP
          IF NOT name = ANY (columns) THEN
            problem := format('Table %s has no column %I, which %L names.', relation, name, option);
            remedy := coalesce(
              'Did you mean ' || quote_ident(:schema.nearest_name(name, columns)) || '?',
              'Correct the name, or add the column first.');
            EXIT examine;
          ELSIF option IN ('exclude', 'mask') AND name = ANY (key) THEN
            problem := format('Column %I is in the primary key of %s and cannot be in %L.', name, relation, option);
            remedy := 'An event must say which row it is about: leave the key columns out of the list.';
            EXIT examine;
          ELSIF option IN ('ignore', 'meta', 'mask') AND declaration -> 'exclude' ? name THEN
            problem := format('Column %I of %s is in both %L and %L.', name, relation, 'exclude', option);
            remedy := 'Excluded columns are stored nowhere: name it in one of the two.';
            EXIT examine;
          ELSIF option IN ('ignore', 'meta') AND declaration -> 'mask' ? name THEN
            problem := format('Column %I of %s is in both %L and %L.', name, relation, 'mask', option);
            remedy := 'The value of a masked column is stored nowhere: name it in one of the two.';
            EXIT examine;
          END IF;
        END LOOP;
      END IF;
    END LOOP;

    IF declaration ? 'only' AND declaration ? 'exclude' THEN
      problem := format('The declaration of %s has both %L and %L.', relation, 'only', 'exclude');
      remedy := 'Name the columns to record, or those to leave out, not both.';
      EXIT examine;
    END IF;

    IF declaration -> 'image' NOT IN ('"full"', '"changed"') THEN
      problem := format('The declaration of %s has the image %s.', relation, declaration -> 'image');
      remedy := 'An image is full or changed.';
      EXIT examine;
    ELSIF declaration -> 'requireContext' NOT IN ('true', 'false', 'null', '"actor"', '"reason"') THEN
      problem := format('The declaration of %s has %L: %s.', relation, 'requireContext', declaration -> 'requireContext');
      remedy := 'It is true, "actor" or "reason".';
      EXIT examine;
    ELSIF declaration ? 'retention' AND NOT (
      declaration -> 'retention' = '"forever"'
        OR jsonb_typeof(declaration -> 'retention') = 'string' AND :schema.is_span(declaration ->> 'retention')
    ) THEN
      problem := format('The declaration of %s has %L: %s.', relation, 'retention', declaration -> 'retention');
      remedy := 'Give a time such as 2 years, 1 year 6 months or 90 days, at most 1000 years, or forever.';
      EXIT examine;
    ELSIF declaration ? 'label' AND (jsonb_typeof(declaration -> 'label') <> 'string' OR declaration ->> 'label' !~ '\\S') THEN
      problem := format('The declaration of %s has %L: %s.', relation, 'label', declaration -> 'label');
      remedy := 'Give a column, or SQL over the columns of the row.';
      EXIT examine;
    ELSIF declaration ? 'when' AND NOT (
      declaration @? 'strict $.when ? (@.type() == "string")'
      OR declaration @? 'strict $.when ? (@.type() == "object")'
        AND declaration -> 'when' <> '{}'
        AND NOT EXISTS (
          SELECT FROM jsonb_each(CASE jsonb_typeof(declaration -> 'when') WHEN 'object' THEN declaration -> 'when' END) AS each
          WHERE each.key NOT IN ('insert', 'update', 'delete') OR jsonb_typeof(each.value) <> 'string'
        )
    ) THEN
      problem := format('The declaration of %s has %L: %s.', relation, 'when', declaration -> 'when');
      remedy := 'Give SQL over OLD and NEW, or an object of it with insert, update and delete.';
      EXIT examine;
    END IF;

    IF declaration ? 'label' THEN
      reach := :schema.label_reach(relation, declaration);  -- first: what is not to run is not tried
      IF reach IS NOT NULL THEN
        problem := format('The label %L of %s is not made of its row alone: it needs %s.', declaration ->> 'label', relation, reach);
        remedy := 'Use columns and functions of pg_catalog that read nothing else; what takes more can be a generated column of the table.';
        EXIT examine;
      END IF;
      label := :schema.label_source(relation, declaration);
      IF label.is_secret THEN
        problem := format('The label %L of %s needs columns that are not recorded.', declaration ->> 'label', relation);
        remedy := 'Make it of those that are: what is excluded, masked or outside of only is shown nowhere.';
        EXIT examine;
      ELSIF label.source IS NULL THEN
        problem := format(
          'The label %L of %s is neither a column nor SQL over the row: %s.', declaration ->> 'label', relation, label.problem);
        remedy := coalesce(
          'Did you mean ' || quote_ident(:schema.nearest_name(declaration ->> 'label', columns)) || '?',
          format('Its columns are %s; functions are those of pg_catalog.', array_to_string(columns, ', ')));
        EXIT examine;
      END IF;
    END IF;

    -- evaluated against no row: the parser and the types are what is asked. The alias that is not
    -- meant is there so that a column without OLD or NEW before it is ambiguous, as it is in a trigger
    FOR operation, expression IN
      SELECT 'when', declaration ->> 'when' WHERE jsonb_typeof(declaration -> 'when') = 'string'
      UNION ALL
      SELECT 'when.' || each.key, each.value
      FROM jsonb_each_text(CASE jsonb_typeof(declaration -> 'when') WHEN 'object' THEN declaration -> 'when' END) AS each
    LOOP
      BEGIN
        -- in a loop, because that takes one query alone: what closes our parenthesis could go on with others
        FOR probe IN EXECUTE format(
          E'SELECT FROM (SELECT (NULL::%1$s).*) AS %3$I, (SELECT (NULL::%1$s).*) AS %4$I WHERE (%2$s\\n) LIMIT 0',
          relation, expression,
          CASE operation WHEN 'when.insert' THEN '(an insert has no OLD)' ELSE 'old' END,
          CASE operation WHEN 'when.delete' THEN '(a delete has no NEW)' ELSE 'new' END)
        LOOP
        END LOOP;
      EXCEPTION WHEN OTHERS THEN
        problem := format('The condition %L (%s of %s) cannot be evaluated: %s.', expression, operation, relation, SQLERRM);
        remedy := format(
          'Write it as SQL over %s that gives a boolean, with functions qualified by their schema.',
          CASE operation
            WHEN 'when.insert' THEN 'NEW alone (an insert has no OLD)'
            WHEN 'when.delete' THEN 'OLD alone (a delete has no NEW)'
            ELSE 'OLD and NEW'
          END);
        EXIT examine;
      END;
    END LOOP;
    RETURN;
  END examine;

  RAISE EXCEPTION USING ERRCODE = 'AU002', MESSAGE = problem, HINT = remedy;
END
$function$;
`,
  'functions/check_last_entry': `-- Refuses to go on from a chain whose end is no entry any more: neither its last one,
-- nor the last that says how far the log is sealed. SQLSTATE AU006.
CREATE OR REPLACE FUNCTION :schema.check_last_entry()
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  wrong bigint;
BEGIN
  SELECT own.id INTO wrong
  FROM (SELECT seal.id, seal.entry FROM :schema.audit_seal AS seal ORDER BY seal.id DESC LIMIT 1) AS own
  WHERE :schema.read_entry(own.id, own.entry) IS NULL;
  IF NOT FOUND THEN
    SELECT own.id INTO wrong
    FROM (
      SELECT seal.id, seal.entry FROM :schema.audit_seal AS seal
      WHERE seal.entry ->> 'kind' IN ('start', 'block', 'rebase')
      ORDER BY seal.id DESC
      LIMIT 1
    ) AS own
    WHERE :schema.read_entry(own.id, own.entry) IS NULL;
  END IF;
  IF FOUND THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU006',
      MESSAGE = format('The chain is broken: entry %s, at its end, has not the form of an entry.', wrong),
      HINT = 'See what "auditrum verify-chain" says, or select :schema.verify_chain(). Restore audit_seal from a backup, or begin another chain, which says so for good, with "auditrum enable-hash-chain --anew --reason ...", or select :schema.seal_anew(...).';
  END IF;
END
$function$;
`,
  'functions/check_leaving': `-- Refuses what concerns all of the log while a partition is not in its place: it would
-- miss what that holds. Under the lock of the chain, by which a purge chooses one to
-- let go of.
CREATE OR REPLACE FUNCTION :schema.check_leaving()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  leaver text := (SELECT purge.leaver FROM :schema.audit_purge AS purge WHERE purge.finished_at IS NULL AND purge.leaver IS NOT NULL LIMIT 1);
BEGIN
  IF leaver IS NOT NULL THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU004',
      MESSAGE = format('A purge is letting go of the partition %s, of which this would miss what it holds.', leaver),
      HINT = 'Do it again once the purge is done; where nobody is at it, maintain() goes on with it.';
  END IF;
  PERFORM :schema.check_whole();
END
$function$;
`,
  'functions/check_sealed': `-- Refuses to go on unless these events, with their contexts, are what was sealed,
-- or not sealed yet: erasure would cover up what was changed. SQLSTATE AU006.
CREATE OR REPLACE FUNCTION :schema.check_sealed(ids bigint[], times timestamptz[])
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off  -- however many they seem to be
SET jit = off
AS $function$
DECLARE
  until record;
  wrong bigint;
BEGIN
  SELECT * INTO until FROM :schema.sealed_until();
  SELECT event.id INTO wrong
  FROM unnest(ids, times) AS own (id, changed_at)
  JOIN :schema.audit_event AS event ON event.id = own.id AND event.changed_at = own.changed_at
  LEFT JOIN :schema.audit_context AS context ON context.id = event.context_id AND context.txid = event.txid
  LEFT JOIN :schema.places_of(ids) AS sealed ON sealed.event_id = event.id
  WHERE CASE
    WHEN sealed.event_id IS NOT NULL THEN sealed.leaf IS DISTINCT FROM :schema.event_leaf(event, context)
    ELSE NOT :schema.was_running(event.id, event.txid, until.snapshot, until.sequence, until.before, until.moved)
  END
  ORDER BY event.id
  LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU006',
      MESSAGE = format('Event %s is not what was sealed, so nothing of it can be erased.', wrong),
      HINT = 'See what "auditrum verify-chain" says, or select :schema.verify_chain(): erasing would cover up what was changed.';
  END IF;
END
$function$;
`,
  'functions/check_whole': `-- Refuses what concerns all of the log while a partition is not in its place because
-- somebody has detached it.
CREATE OR REPLACE FUNCTION :schema.check_whole()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  missed text := :schema.missed_partition();
BEGIN
  IF missed IS NOT NULL THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU004',
      MESSAGE = format('Somebody has detached %s from the log: this would miss what it holds.', missed),
      HINT = 'Run maintain(), which puts it back, and then this again.';
  END IF;
END
$function$;
`,
  'functions/close_overflow': `-- Where partitions were made too late the overflow holds rows. It becomes a
-- partition of its own, longer than others, and no row is moved:
--   1. a constraint says up to when it goes, not yet valid, which takes no look at the rows
--   2. create_partitions has PostgreSQL validate it while everybody reads and writes
--   3. and swaps the overflow for a new one, with no need to look
-- The first is a transaction of its own, or writers would wait for the second.
-- This does it, for one of the logs, and says so; null where there is nothing to
-- do. Whoever is killed in between has left nothing that the next call does not
-- take up.
--
-- The bound is at least two days ahead, and a day before it the constraint gives
-- way by itself: if nobody comes back no write is refused. The constraint is
-- then made anew, as where a clock that ran ahead has written behind the bound.
-- For the same reason nobody but the swap itself is to see it validated: others
-- would plan by it, and not look for rows that it let pass.
CREATE OR REPLACE FUNCTION :schema.close_overflow(patience interval DEFAULT '2 seconds')
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET "TimeZone" = 'UTC'
SET "DateStyle" = 'ISO'
SET lock_timeout = '2s'
AS $function$
DECLARE
  plan     record := :schema.partition_plan();
  log      text;
  overflow text;
  closing  record;
  in_use   boolean;
  since    timestamptz;
  until    timestamptz;
  last     timestamptz;
BEGIN
  PERFORM set_config('lock_timeout', ceil(extract(epoch FROM patience) * 1000)::text, true);
  FOREACH log IN ARRAY ARRAY['audit_context', 'audit_event'] LOOP
    overflow := format('%I.%I', :'schema', log || '_overflow');
    CONTINUE WHEN to_regclass(overflow) IS NULL;
    EXECUTE format('SELECT EXISTS (SELECT FROM %s)', overflow) INTO in_use;
    SELECT * INTO closing FROM :schema.closing_bound(log);
    CONTINUE WHEN closing.until IS NULL AND NOT in_use;
    -- waits for create_partitions
    CONTINUE WHEN in_use AND NOT closing.is_over AND NOT :schema.is_beyond(log, closing.until);
    IF current_setting('auditrum.closing', true) = pg_current_xact_id_if_assigned()::text THEN
      RETURN NULL;  -- the lock of the first step is held until this transaction ends
    END IF;

    IF closing.until IS NULL THEN
      since := :schema.overflow_start(log);
      EXECUTE format(
        CASE log
          WHEN 'audit_event' THEN 'SELECT max(changed_at) FROM %s WHERE changed_at >= $1'
          ELSE 'SELECT to_timestamp((max(id) >> 20) / 1000.0) FROM %s WHERE id >= :schema.partition_bound(''audit_context'', $1)::bigint'
        END,
        overflow
      )
      INTO last
      USING clock_timestamp();
      -- what a clock wrote that was wrong by that much would make one partition of all that is to come
      CONTINUE WHEN last > clock_timestamp() + interval '10 years';
      until := date_trunc(plan.unit, greatest(since, last, clock_timestamp()) + interval '2 days') + ('1 ' || plan.unit)::interval;
      PERFORM :schema.lock_log(ARRAY[log || '_overflow'], patience);
      PERFORM set_config('auditrum.closing', pg_current_xact_id()::text, true);
      EXECUTE format(
        'ALTER TABLE %1$s ADD CONSTRAINT %2$I CHECK (%3$I >= %4$L AND (%3$I < %5$L OR :schema.is_over(%6$L))) NOT VALID',
        overflow, log || '_closing', CASE log WHEN 'audit_event' THEN 'changed_at' ELSE 'id' END,
        :schema.partition_bound(log, since), :schema.partition_bound(log, until), until - interval '1 day'
      );
      EXECUTE format('COMMENT ON CONSTRAINT %I ON %s IS %L', log || '_closing', overflow, until);
      RETURN format('%s is bounded at %s', log || '_overflow', until);
    ELSE
      PERFORM :schema.lock_log(ARRAY[log || '_overflow'], patience);
      PERFORM set_config('auditrum.closing', pg_current_xact_id()::text, true);
      EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', overflow, log || '_closing');
      RETURN format('%s is no longer bounded', log || '_overflow');
    END IF;
  END LOOP;
  RETURN NULL;
END
$function$;
`,
  'functions/closing_bound': `-- The constraint with which the overflow partition of a log is being closed: up
-- to which time, and whether it has given way (see close_overflow). No row where
-- there is none.
DROP FUNCTION IF EXISTS :schema.closing_bound(text);  -- it returned more
CREATE OR REPLACE FUNCTION :schema.closing_bound(log text)
RETURNS TABLE (until timestamptz, is_over boolean)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET "TimeZone" = 'UTC'
SET "DateStyle" = 'ISO'
AS $function$
  SELECT noted.until, :schema.is_over(noted.until - interval '1 day')
  FROM (
    SELECT obj_description(oid, 'pg_constraint')::timestamptz AS until
    FROM pg_constraint
    WHERE conrelid = to_regclass(format('%I.%I', :'schema', log || '_overflow')) AND conname = log || '_closing'
  ) AS noted
$function$;
`,
  'functions/column_history': `-- The values that a column of a row had, oldest first:
--   select * from auditrum.column_history('orders', '42', 'status');
-- The row is followed back through changes of its key, as in history, and the
-- column through renaming. since is null where the value is older than the log,
-- until where it is the present one; a deletion ends it. A masked value is null, as one is that was erased since.
-- Everything is qualified, because the caller's search_path is needed for the
-- name of the table, and would else decide what the rest means.
DROP FUNCTION IF EXISTS :schema.column_history(text, text, text);  -- it did not return erased
CREATE OR REPLACE FUNCTION :schema.column_history(table_name text, object_id text, column_name text)
RETURNS TABLE (
  value         jsonb,
  since         timestamptz,
  until         timestamptz,
  event_id      bigint,
  operation     text,
  user_id       text,
  change_reason text,
  source        text,
  db_user       text,
  masked        boolean,
  erased        boolean
)
LANGUAGE sql STABLE
AS $function$
  WITH wanted AS MATERIALIZED (
    SELECT
      found.id AS tracked_id,
      :schema.row_id(found.id, pg_catalog.to_jsonb($2)) AS object_id,
      :schema.known_column(found.id, $3) AS column_name
    FROM (
      SELECT :schema.table_id(CASE WHEN pg_catalog.cardinality(pg_catalog.parse_ident($1)) = 1 THEN pg_catalog.to_regclass($1) END, pg_catalog.parse_ident($1)) AS id
    ) AS found
  )
  SELECT period.*
  FROM wanted
  CROSS JOIN LATERAL (
    SELECT pg_catalog.array_agg(event.id) AS ids, pg_catalog.array_agg(event.changed_at) AS times
    FROM :schema.row_events(wanted.tracked_id, wanted.object_id) AS event
  ) AS place
  CROSS JOIN LATERAL :schema.column_periods(
    wanted.tracked_id, wanted.object_id, wanted.column_name,
    place.ids, place.times
  ) AS period
  ORDER BY period.event_id NULLS FIRST
$function$;
`,
  'functions/column_list': `-- The columns of a table as a capture function was written for them: when they
-- differ from those in its stamp, it wants to be written again.
CREATE OR REPLACE FUNCTION :schema.column_list(relation oid)
RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT coalesce(jsonb_agg(
      concat_ws(' ', attribute.attname, namespace.nspname, type.typname, nullif(attribute.atttypmod, -1), nullif(attribute.attgenerated, ''))
      ORDER BY attribute.attnum
    ), '[]')
  FROM pg_attribute AS attribute
  JOIN pg_type AS type ON type.oid = attribute.atttypid
  JOIN pg_namespace AS namespace ON namespace.oid = type.typnamespace
  WHERE attribute.attrelid = relation AND attribute.attnum > 0 AND NOT attribute.attisdropped
$function$;
`,
  'functions/column_periods': `-- column_history, from where the row's events are: column_history needs the
-- caller's search_path, for the name of the table, and this needs none.
DROP FUNCTION IF EXISTS :schema.column_periods(integer, text, text, bigint[], timestamptz[]);  -- it did not return erased
CREATE OR REPLACE FUNCTION :schema.column_periods(tracked_id integer, object_id text, column_name text, events bigint[], times timestamptz[])
RETURNS TABLE (
  value         jsonb,
  since         timestamptz,
  until         timestamptz,
  event_id      bigint,
  operation     text,
  user_id       text,
  change_reason text,
  source        text,
  db_user       text,
  masked        boolean,
  erased        boolean
)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  WITH past AS MATERIALIZED (
    -- under the column names of the last shape that had this one
    SELECT live.relation, :schema.past_columns(
      $1, live.relation, jsonb_build_object('at', coalesce((shape.document ->> 'from')::timestamptz, statement_timestamp())), false
    ) AS document
    FROM (SELECT :schema.live_table($1) AS relation) AS live
    CROSS JOIN LATERAL jsonb_array_elements(:schema.table_past($1, live.relation) -> 'shapes') WITH ORDINALITY AS shape (document, position)
    WHERE jsonb_path_exists(shape.document, '$.columns[*] ? (@.name == $name)', jsonb_build_object('name', $3))
    ORDER BY shape.position DESC
    LIMIT 1
  ), event AS MATERIALIZED (
    SELECT log.id, log.changed_at, log.operation, log.user_id, log.change_reason, log.source, log.db_user,
      coalesce(before.exact -> $3, before.loose -> $3) AS before,
      coalesce(after.exact -> $3, after.loose -> $3) AS after,
      EXISTS (
        SELECT FROM unnest(log.masked) AS name WHERE past.document -> 'shapes' -> coalesce(after.shape, before.shape) -> 'map' ->> name = $3
      ) AS masked,
      EXISTS (
        SELECT FROM unnest(log.redacted) AS name WHERE past.document -> 'shapes' -> coalesce(after.shape, before.shape) -> 'map' ->> name = $3
      ) AS erased
    FROM past
    CROSS JOIN LATERAL :schema.events_at($4, $5) AS log
    CROSS JOIN LATERAL :schema.past_image(past.document, log.old_data, log.image = 'full', log.changed_at) AS before
    CROSS JOIN LATERAL :schema.past_image(past.document, log.new_data, log.image = 'full', log.changed_at) AS after
    WHERE log.operation <> 'truncate' OR log.meta IS NULL
  ), older AS (
    -- what it was before the log tells of a change
    (
      SELECT coalesce(event.before, event.after) AS value, event.masked AND event.before IS NULL AS masked, event.erased AND event.before IS NULL AS erased, event.operation
      FROM event
      WHERE event.before IS NOT NULL OR event.after IS NOT NULL OR event.masked
      ORDER BY event.id
      LIMIT 1
    )
    UNION ALL
    SELECT :schema.live_row(past.relation, $2) -> (part ->> 'live'), false, false, 'update'
    FROM past CROSS JOIN LATERAL jsonb_array_elements(past.document -> 'columns') AS part
    WHERE part ->> 'name' = $3
      AND NOT past.document -> 'unrecorded' ? $3  -- nobody knows since when it has this value
      AND NOT EXISTS (SELECT FROM event WHERE event.before IS NOT NULL OR event.after IS NOT NULL OR event.masked)
  ), point AS (
    SELECT older.value, NULL::timestamptz AS since, 0::bigint AS id, NULL::text AS operation, NULL::text AS user_id,
      NULL::text AS change_reason, NULL::text AS source, NULL::text AS db_user, older.masked, older.erased, false AS is_end
    FROM older
    WHERE older.operation NOT IN ('insert', 'snapshot') AND older.value IS NOT NULL OR older.masked AND older.operation <> 'insert'
    UNION ALL
    -- a snapshot tells that it was so, not since when, nor by whom
    SELECT event.after, CASE WHEN known.by_whom OR event.id > (SELECT min(id) FROM event) THEN event.changed_at END, event.id, event.operation,
      CASE WHEN known.by_whom THEN event.user_id END, CASE WHEN known.by_whom THEN event.change_reason END,
      CASE WHEN known.by_whom THEN event.source END, CASE WHEN known.by_whom THEN event.db_user END,
      event.masked, event.erased, event.operation IN ('delete', 'truncate')
    FROM event CROSS JOIN LATERAL (SELECT event.operation <> 'snapshot' AS by_whom) AS known
    WHERE event.operation IN ('delete', 'truncate') OR event.masked
      OR event.after IS NOT NULL AND (event.operation <> 'update' OR event.after::text IS DISTINCT FROM event.before::text)
  ), told AS (
    SELECT point.*, lag(point.value::text) OVER (ORDER BY point.id) AS former
    FROM point
  ), period AS (
    SELECT told.*, lead(told.since) OVER (ORDER BY told.id) AS until
    FROM told
    -- behind a gap in the trail a row may be found as it was
    WHERE told.operation IS DISTINCT FROM 'snapshot' OR told.former IS DISTINCT FROM told.value::text
  )
  SELECT period.value, period.since, period.until, nullif(period.id, 0), period.operation, period.user_id,
    period.change_reason, period.source, period.db_user, period.masked, period.erased
  FROM period
  WHERE NOT period.is_end
  ORDER BY period.id
$function$;
`,
  'functions/column_types': `-- The types that columns_over_time tells, of one table at one time.
CREATE OR REPLACE FUNCTION :schema.column_types(tracked_id integer, at timestamptz)
RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT known.types
  FROM :schema.columns_over_time(ARRAY[tracked_id]) AS known
  WHERE known.since <= at
  ORDER BY known.since DESC
  LIMIT 1
$function$;
`,
  'functions/columns_over_time': `-- The types, below all domains, of the columns of tracked tables, and from when
-- on: {"total": "numeric", ...}. For reading many events exactly.
CREATE OR REPLACE FUNCTION :schema.columns_over_time(tracked_ids integer[])
RETURNS TABLE (table_id integer, since timestamptz, types jsonb)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT
    shape.table_id,
    -- what was before the first is read as the first
    CASE row_number() OVER (PARTITION BY shape.table_id ORDER BY shape.valid_from) WHEN 1 THEN '-infinity' ELSE shape.valid_from END,
    jsonb_object_agg(shape.column_name, shape.base_type)
  FROM :schema.audit_shape AS shape
  WHERE shape.table_id = ANY (tracked_ids)
  GROUP BY shape.table_id, shape.valid_from
$function$;
`,
  'functions/conditions': `-- The conditions (when) of the tables that are recorded, as text that is looked at and not run.
CREATE OR REPLACE FUNCTION :schema.conditions()
RETURNS TABLE (table_name text, condition text)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT known.schema_name || '.' || known.table_name,
    CASE jsonb_typeof(known.declaration -> 'when')
      WHEN 'object' THEN (SELECT string_agg(value, ' ') FROM jsonb_each_text(known.declaration -> 'when'))
      ELSE known.declaration ->> 'when'
    END
  FROM :schema.audit_table AS known
  WHERE upper_inf(known.tracked)
$function$;
`,
  'functions/context_condition': `-- A filter, as contexts_matching takes it, as SQL about a context; null where it
-- filters nothing.
CREATE OR REPLACE FUNCTION :schema.context_condition(filter jsonb)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT string_agg(
    format(
      CASE name
        WHEN 'user' THEN 'context.user_id = %L'
        WHEN 'context' THEN 'context.uuid = %L'
        WHEN 'root' THEN 'context.root_uuid = %L'
        WHEN 'request' THEN 'context.metadata ->> ''request_id'' = %L'
        -- each has an index of its own
        WHEN 'transaction' THEN '(context.id = %1$L AND context.transaction_id = %1$L OR context.transaction_id = %1$L AND context.transaction_id <> context.id)'
      END,
      value
    ),
    ' AND '
  )
  FROM jsonb_each_text(filter) AS own (name, value)
  WHERE value IS NOT NULL AND name IN ('user', 'context', 'root', 'request', 'transaction')
$function$;
`,
  'functions/context_names': `-- What of a context erasure takes. Of a user all by which the person is told, and
-- what the log does not know the meaning of; the reason only where it is asked. Of
-- a row the reason and all that may name it, but not who changed it: that is
-- somebody else, or is erased as a user.
--   of_user      whether it is a user's context that is erased, or a row's
--   with_reason  of a user: its reason as well
CREATE OR REPLACE FUNCTION :schema.context_names(context :schema.audit_context, of_user boolean, with_reason boolean)
RETURNS text[]
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT ARRAY(
    SELECT name
    FROM (
      SELECT jsonb_object_keys(context.metadata) AS name
      UNION SELECT 'user_id' WHERE context.user_id IS NOT NULL
      UNION SELECT 'client_addr' WHERE context.client_addr IS NOT NULL
      UNION SELECT 'context_error' WHERE context.context_error IS NOT NULL
    ) AS own
    WHERE name NOT IN ('source', 'method', 'actor_type', 'request_id', 'trace_id', 'span_id')
      AND CASE WHEN of_user
        THEN name <> 'change_reason' OR with_reason
        ELSE name NOT IN ('user_id', 'username', 'client_ip', 'client_addr', 'user_agent', 'session_key', 'on_behalf_of')
      END
    ORDER BY name COLLATE "C"
  )
$function$;
`,
  'functions/contexts_at': `-- The contexts that a condition on them (context_condition) is true of, as far as
-- events between two times can have them; null if they are more than 10,000: so
-- many that each few events meet one. A context is written with its first event,
-- so they lie between the same ids, except where a transaction goes on for long or
-- a clock was set: of these the index of times knows.
CREATE OR REPLACE FUNCTION :schema.contexts_at(condition text, since timestamptz, until timestamptz, OUT ids bigint[], OUT txids xid8[])
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off  -- however much of a month it seems to be
SET jit = off
AS $function$
DECLARE
  first_id bigint := CASE WHEN isfinite(since) THEN (extract(epoch FROM since) * 1000)::bigint << 20 ELSE 0 END;
  last_id  bigint := CASE WHEN isfinite(until) THEN ((extract(epoch FROM until) * 1000)::bigint + 1000) << 20 ELSE 9223372036854775807 END;
  elsewhere bigint[];
  number   integer;
BEGIN
  IF isfinite(since) OR isfinite(until) THEN
    EXECUTE
      'SELECT array_agg(DISTINCT event.context_id) FROM :schema.audit_event AS event
       WHERE event.changed_at >= $1 AND event.changed_at <= $2 AND (event.context_id < $3 OR event.context_id > $4)'
    INTO elsewhere
    USING since, until, first_id, last_id;
  END IF;
  EXECUTE format(
    $query$
    SELECT array_agg(found.id), array_agg(found.txid), count(*)
    FROM (
      (SELECT context.id, context.txid FROM :schema.audit_context AS context WHERE context.id BETWEEN $1 AND $2 AND %1$s LIMIT 10001)
      UNION ALL
      (SELECT context.id, context.txid FROM :schema.audit_context AS context WHERE context.id = ANY ($3) AND %1$s)
    ) AS found
    $query$,
    condition
  )
  INTO ids, txids, number
  USING first_id, last_id, elsewhere;
  IF number > 10000 THEN
    ids := NULL;
  ELSE
    ids := coalesce(ids, '{}');
  END IF;
END
$function$;
`,
  'functions/contexts_of': `-- The ids of the contexts of a transaction, of a request or a job (root), of a
-- request_id, which clients choose, or of one context, and since when they are.
-- Exactly one of these is asked for.
CREATE OR REPLACE FUNCTION :schema.contexts_of(
  transaction bigint, root uuid, request text, context uuid, OUT ids bigint[], OUT since timestamptz
)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  IF num_nonnulls(transaction, root, request, context) <> 1 THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('Whose changes is said by %s things.', num_nonnulls(transaction, root, request, context)),
      HINT = 'Give one of transaction, root, request and context, and let it not be null.';
  END IF;
  EXECUTE format(
    'SELECT array_agg(known.id), min(known.started_at) FROM :schema.audit_context AS known WHERE %s',
    CASE
      WHEN transaction IS NOT NULL THEN 'known.id = $1 OR known.transaction_id = $1 AND known.transaction_id <> known.id'
      WHEN root IS NOT NULL THEN 'known.root_uuid = $2'
      WHEN request IS NOT NULL THEN 'known.metadata ->> ''request_id'' = $3'
      ELSE 'known.uuid = $4'
    END
  )
  INTO ids, since
  USING transaction, root, request, context;
  IF ids IS NULL AND transaction IS NOT NULL THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('The log has no transaction %s.', transaction),
      HINT = 'Give an id as events carry it; what is older than the retention is gone.';
  END IF;
END
$function$;
`,
  'functions/create_partitions': `-- Makes the partition of this month, week or day and so many after it, in UTC,
-- and returns the names of the new ones. What it is told it keeps: without
-- arguments, and in maintain, it is as last time; at first three months.
--
-- Behind them lies the overflow partition, up to MAXVALUE, so that no write
-- ever lacks a home; the first partition begins at MINVALUE for the same
-- reason. New ones are made stand-alone and attached: CREATE TABLE ...
-- PARTITION OF would hold up every audited write behind the longest open
-- transaction. The swap at the end holds them up for an instant, and gives up
-- after some attempts that wait no longer than patience.
DROP FUNCTION IF EXISTS :schema.create_partitions(integer);
CREATE OR REPLACE FUNCTION :schema.create_partitions(
  ahead integer DEFAULT NULL, unit text DEFAULT NULL, patience interval DEFAULT '2 seconds'
)
RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET "TimeZone" = 'UTC'
SET "DateStyle" = 'ISO'
SET lock_timeout = '2s'
AS $function$
DECLARE
  kept       record;
  one        interval;
  this_unit  timestamptz;
  last_bound timestamptz;  -- where the overflow is to begin
  log        text;
  parent     text;
  overflow   text;
  new_name   text;
  since      timestamptz;
  until      timestamptz;
  closing    record;
  in_use     boolean;
  is_proven  boolean;  -- that all rows of the overflow lie before the bound with which it is being closed
  made       jsonb := '[]';  -- new tables: {of_log, name, since, until}
  logs       text[] := '{}';  -- those whose overflow is to be swapped
  closed     jsonb := '{}';  -- {log: up to when its overflow goes, as a partition}
  part       record;
BEGIN
  -- with none ahead, whatever is written before the next maintain would go to the overflow
  IF coalesce(ahead, 1) NOT BETWEEN 1 AND (CASE coalesce(unit, 'month') WHEN 'month' THEN 120 WHEN 'week' THEN 520 ELSE 400 END) THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('Partitions cannot be made %s %ss ahead.', ahead, coalesce(unit, 'month')),
      HINT = 'Give a number from 1 to 120 months, 520 weeks or 400 days.';
  ELSIF unit NOT IN ('month', 'week', 'day') THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('Partitions cannot be made by %s.', unit),
      HINT = 'Give month, week or day.';
  END IF;
  PERFORM set_config('lock_timeout', ceil(extract(epoch FROM patience) * 1000)::text, true);
  LOCK TABLE :schema.audit_setting IN SHARE ROW EXCLUSIVE MODE;

  kept := :schema.partition_plan();
  unit := coalesce(unit, CASE WHEN ahead IS NOT NULL THEN 'month' END, kept.unit);
  ahead := coalesce(ahead, CASE WHEN unit = kept.unit THEN kept.ahead END, CASE unit WHEN 'month' THEN 3 WHEN 'week' THEN 8 ELSE 30 END);
  IF (kept.unit, kept.ahead) <> (unit, ahead) THEN
    INSERT INTO :schema.audit_setting (name, value)
    VALUES ('partitions', jsonb_build_object('unit', unit, 'ahead', ahead))
    ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value;
  END IF;
  one := ('1 ' || unit)::interval;
  this_unit := date_trunc(unit, clock_timestamp());
  last_bound := this_unit + (ahead + 1) * one;

  FOREACH log IN ARRAY ARRAY['audit_event', 'audit_context'] LOOP
    parent := format('%I.%I', :'schema', log);
    overflow := format('%I.%I', :'schema', log || '_overflow');
    since := :schema.overflow_start(log);

    IF since IS NULL THEN
      since := this_unit + one;
      new_name := :schema.partition_name(log, unit, this_unit, since);
      EXECUTE format('CREATE TABLE %I.%I PARTITION OF %s FOR VALUES FROM (MINVALUE) TO (%L)',
        :'schema', new_name, parent, :schema.partition_bound(log, since));
      EXECUTE format('CREATE TABLE %s PARTITION OF %s FOR VALUES FROM (%L) TO (MAXVALUE)',
        overflow, parent, :schema.partition_bound(log, since));
      PERFORM :schema.make_private('pg_class'::regclass, overflow::regclass);
      PERFORM :schema.make_private('pg_class'::regclass, format('%I.%I', :'schema', new_name)::regclass);
      RETURN NEXT new_name;
    END IF;

    SELECT * INTO closing FROM :schema.closing_bound(log);
    EXECUTE format('SELECT EXISTS (SELECT FROM %s)', overflow) INTO in_use;
    is_proven := in_use AND NOT coalesce(closing.is_over, true)
      -- the lock with which it was bounded must not be held meanwhile
      AND current_setting('auditrum.closing', true) IS DISTINCT FROM pg_current_xact_id_if_assigned()::text;
    IF is_proven THEN
      BEGIN
        EXECUTE format('ALTER TABLE %s VALIDATE CONSTRAINT %I', overflow, log || '_closing');
      EXCEPTION WHEN check_violation THEN
        is_proven := false;  -- a clock was ahead: close_overflow will say where the next bound is
      END;
    END IF;
    IF is_proven THEN
      since := closing.until;
      closed := closed || jsonb_build_object(log, since);
      -- so that the look at it below, under the lock, is a short one
      PERFORM brin_summarize_new_values(index.indexrelid)
      FROM pg_index AS index
      JOIN pg_class AS class ON class.oid = index.indexrelid
      JOIN pg_am AS method ON method.oid = class.relam
      WHERE index.indrelid = overflow::regclass AND method.amname = 'brin';
    ELSIF in_use THEN
      RAISE WARNING '%_overflow holds rows, so no partition was added behind it.', log
        USING HINT = 'The rows are safe there, and later ones follow them. Call maintain(), each time in a transaction of its own, until it says that nothing is pending, and what else is to be done.';
      CONTINUE;
    ELSIF since >= last_bound OR closing.until IS NOT NULL THEN
      CONTINUE;
    END IF;
    logs := logs || log;
    WHILE since < last_bound LOOP
      until := date_trunc(unit, since) + one;
      new_name := :schema.partition_name(log, unit, since, until);
      EXECUTE format('CREATE TABLE %I.%I (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)', :'schema', new_name, parent);
      PERFORM :schema.make_private('pg_class'::regclass, format('%I.%I', :'schema', new_name)::regclass);
      made := made || jsonb_build_object('of_log', log, 'name', new_name, 'since', since, 'until', until);
      since := until;
    END LOOP;
  END LOOP;
  IF logs = '{}' THEN
    RETURN;
  END IF;

  -- both at once, in the order in which every write takes them: in another it would deadlock with the writers
  PERFORM :schema.lock_log(ARRAY(SELECT unnest(logs) AS log ORDER BY log), patience);
  FOREACH log IN ARRAY logs LOOP
    parent := format('%I.%I', :'schema', log);
    overflow := format('%I.%I', :'schema', log || '_overflow');
    EXECUTE format('SELECT EXISTS (SELECT FROM %s)', overflow) INTO in_use;
    until := closed ->> log;
    IF in_use AND (until IS NULL OR :schema.is_over(until - interval '1 day') OR :schema.is_beyond(log, until)) THEN
      -- since it was looked at: the next call closes it
      IF until IS NOT NULL THEN
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', overflow, log || '_closing');
      END IF;
      FOR part IN SELECT * FROM jsonb_to_recordset(made) AS own (of_log text, name text) WHERE own.of_log = log LOOP
        EXECUTE format('DROP TABLE %I.%I', :'schema', part.name);
      END LOOP;
      CONTINUE;
    END IF;
    since := :schema.overflow_start(log);
    EXECUTE format('ALTER TABLE %s DETACH PARTITION %s', parent, overflow);
    IF until IS NOT NULL THEN
      new_name := :schema.partition_name(log, unit, since, until);
      EXECUTE format('ALTER TABLE %s RENAME TO %I', overflow, new_name);
      EXECUTE format('ALTER TABLE %s ATTACH PARTITION %I.%I FOR VALUES FROM (%L) TO (%L)',
        parent, :'schema', new_name, :schema.partition_bound(log, since), :schema.partition_bound(log, until));
      EXECUTE format('ALTER TABLE %I.%I DROP CONSTRAINT %I', :'schema', new_name, log || '_closing');
      EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)', overflow, parent);
      PERFORM :schema.make_private('pg_class'::regclass, overflow::regclass);
      since := until;
      RETURN NEXT new_name;
    END IF;
    FOR part IN
      SELECT * FROM jsonb_to_recordset(made) AS own (of_log text, name text, since timestamptz, until timestamptz)
      WHERE own.of_log = log
      ORDER BY own.since
    LOOP
      EXECUTE format('ALTER TABLE %s ATTACH PARTITION %I.%I FOR VALUES FROM (%L) TO (%L)',
        parent, :'schema', part.name, :schema.partition_bound(log, part.since), :schema.partition_bound(log, part.until));
      since := part.until;
      RETURN NEXT part.name;
    END LOOP;
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%L) TO (MAXVALUE)',
      parent, overflow, :schema.partition_bound(log, since));
  END LOOP;
END
$function$;
`,
  'functions/detached_partitions': `-- Former partitions of a log that somebody has detached by hand and that hold rows
-- still: nobody reads these. Those that a purge let go are none.
CREATE OR REPLACE FUNCTION :schema.detached_partitions(log text)
RETURNS TABLE (name text, relation oid)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  parent    regclass := to_regclass(format('%I.%I', :'schema', log));
  holds_any boolean;
BEGIN
  FOR name, relation IN
    SELECT class.relname::text, class.oid
    FROM pg_class AS class JOIN pg_class AS own ON own.oid = parent
    WHERE class.relkind = 'r' AND NOT class.relispartition AND class.relpersistence = own.relpersistence
      AND class.relnamespace = own.relnamespace AND class.relowner = own.relowner
      AND starts_with(class.relname, log || '_') AND class.relname <> log || '_overflow'
      AND NOT EXISTS (SELECT FROM pg_inherits AS link WHERE class.oid IN (link.inhrelid, link.inhparent))
      AND NOT EXISTS (SELECT FROM :schema.audit_purge AS purge WHERE class.relname = purge.leaver OR class.relname = ANY (purge.partitions))
      AND ARRAY(SELECT (attname, atttypid, attnotnull)::text FROM pg_attribute WHERE attrelid = class.oid AND attnum > 0 AND NOT attisdropped ORDER BY attname)
        = ARRAY(SELECT (attname, atttypid, attnotnull)::text FROM pg_attribute WHERE attrelid = parent AND attnum > 0 AND NOT attisdropped ORDER BY attname)
    ORDER BY class.relname
  LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM %s)', relation::regclass) INTO holds_any;
    IF holds_any THEN
      RETURN NEXT;
    END IF;
  END LOOP;
END
$function$;
`,
  'functions/difference_query': `-- A query that tells whether two rows of a table, $1 and $2, differ byte by
-- byte in one of these columns. For the rare update of which jsonb cannot tell
-- whether it changed anything that is recorded: the comparison of whole rows
-- cannot leave columns out. Names that are gone are passed over.
CREATE OR REPLACE FUNCTION :schema.difference_query(relation oid, names text[])
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT format(
    'SELECT NOT ROW(%s)::record OPERATOR(pg_catalog.*=) ROW(%s)::record',
    string_agg(format('($1).%I', attname), ', ' ORDER BY attnum),
    string_agg(format('($2).%I', attname), ', ' ORDER BY attnum)
  )
  FROM pg_attribute
  WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped AND attname = ANY (names)
$function$;
`,
  'functions/document_hashes': `-- What stands for a document in an event that is too large: {name: value_hash} of its
-- members, or one hash where it has more of these than a table can have columns.
CREATE OR REPLACE FUNCTION :schema.document_hashes(document jsonb)
RETURNS jsonb
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT CASE WHEN jsonb_typeof(document) = 'object' AND (SELECT count(*) FROM jsonb_object_keys(CASE jsonb_typeof(document) WHEN 'object' THEN document END)) <= 1600
    THEN coalesce((SELECT jsonb_object_agg(key, :schema.value_hash(value)) FROM jsonb_each(document)), '{}')
    ELSE to_jsonb(:schema.value_hash(document))
  END
$function$;
`,
  'functions/drop_capture': `-- Drops the triggers, the capture function and the label of a table, by its id: also of
-- one that is gone. Returns false where nothing was left to drop.
CREATE OR REPLACE FUNCTION :schema.drop_capture(tracked_id integer)
RETURNS boolean
LANGUAGE plpgsql STRICT
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  capture regprocedure := to_regprocedure(format('%I.%I()', :'schema', 'capture_' || tracked_id));
  trigger record;
BEGIN
  LOCK TABLE :schema.audit_setting IN SHARE ROW EXCLUSIVE MODE;  -- one at a time; an advisory lock could be held by anybody
  FOR trigger IN
    SELECT tgname AS name, tgrelid::regclass AS table_name
    FROM pg_trigger
    WHERE tgfoid = capture AND tgparentid = 0  -- clones go with their parent
  LOOP
    EXECUTE format('DROP TRIGGER %I ON %s', trigger.name, trigger.table_name);
  END LOOP;
  IF capture IS NOT NULL THEN
    EXECUTE format('DROP FUNCTION %s', capture);
  END IF;
  PERFORM :schema.set_label(tracked_id, NULL);
  UPDATE :schema.audit_table
  SET tracked = tracked * tstzmultirange(tstzrange(NULL, clock_timestamp())), confirmed_at = clock_timestamp()
  WHERE id = tracked_id AND upper_inf(tracked);
  RETURN capture IS NOT NULL;
END
$function$;
`,
  'functions/droppable_partitions': `-- The partitions of a log, from the oldest on, that a purge leaves nothing of: as
-- far as they hold nothing but what is to go. From the oldest on, so that one
-- partition can take the place of all (mend_start).
--
--   targets   {table_id: until}
--   before    contexts older than this go, unless an event needs them
--   only_one  the first of them is asked for alone
DROP FUNCTION IF EXISTS :schema.droppable_partitions(text, jsonb, timestamptz, boolean);  -- it returned more
CREATE OR REPLACE FUNCTION :schema.droppable_partitions(log text, targets jsonb, before timestamptz, only_one boolean)
RETURNS SETOF text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  last     timestamptz := CASE log WHEN 'audit_context' THEN before ELSE (
    SELECT max(target.value::timestamptz) FROM jsonb_each_text(targets) AS target
  ) END;
  part     record;
  stays    boolean;
  is_empty boolean;
  empties  text[] := '{}';  -- worth dropping with one that is not empty: another one takes their place
BEGIN
  FOR part IN SELECT * FROM :schema.partitions_of(log) AS known WHERE NOT known.is_leaving LOOP
    -- it stays, so that a clock that shows a time from before the log finds it: rows are deleted from it
    CONTINUE WHEN part.since IS NULL AND starts_with(part.name, log || '_before_');
    EXIT WHEN part.until IS NULL OR last IS NULL OR part.until > last;
    CONTINUE WHEN NOT :schema.hold_partition(part.name, 'ACCESS SHARE');
    -- what a transaction has written there shows only once it is over, and then it would be lost, or unsealed
    EXIT WHEN EXISTS (
      SELECT FROM pg_locks AS lock
      WHERE lock.relation = part.relation AND lock.mode = 'RowExclusiveLock' AND lock.pid IS DISTINCT FROM pg_backend_pid()
        AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    );
    IF log = 'audit_context' THEN
      stays := :schema.purge_needs(
        targets,
        coalesce(:schema.partition_bound(log, part.since)::bigint, 0),
        :schema.partition_bound(log, part.until)::bigint
      );
    ELSE
      EXECUTE format(
        'SELECT EXISTS (SELECT FROM %s WHERE NOT coalesce(($1 ->> table_id::text)::timestamptz >= $2, false))', part.relation::regclass
      )
      INTO stays
      USING targets, part.until;
    END IF;
    EXIT WHEN stays;
    EXECUTE format('SELECT NOT EXISTS (SELECT FROM %s)', part.relation::regclass) INTO is_empty;
    empties := empties || part.name;
    CONTINUE WHEN is_empty;
    RETURN QUERY SELECT unnest(CASE WHEN only_one THEN empties[1:1] ELSE empties END);
    EXIT WHEN only_one;
    empties := '{}';
  END LOOP;
END
$function$;
`,
  'functions/enable_sealing': `-- Begins the chain of the log, and has every event from now on carry a salt, by
-- which nothing of it can be guessed from its hash. Returns false where sealing was
-- on already; it gives back the salt then, if somebody took it away, and says so.
--
-- Writers wait for an instant, as in lock_log.
CREATE OR REPLACE FUNCTION :schema.enable_sealing(patience interval DEFAULT '2 seconds')
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  is_new boolean;
BEGIN
  IF current_setting('server_encoding') <> 'UTF8' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU003',
      MESSAGE = format('The log cannot be sealed in a database whose encoding is %s.', current_setting('server_encoding')),
      HINT = 'Use a database whose encoding is UTF8: hashes are taken over UTF-8.';
  END IF;
  LOCK TABLE :schema.audit_seal IN SHARE ROW EXCLUSIVE MODE;
  is_new := NOT EXISTS (SELECT FROM :schema.audit_seal);
  IF NOT is_new AND :schema.has_salt() THEN
    RETURN false;
  END IF;
  IF is_new THEN
    PERFORM :schema.check_chain_end();
    PERFORM :schema.check_leaving();
  END IF;
  PERFORM :schema.give_salt(patience);
  IF NOT is_new THEN
    RAISE NOTICE 'Somebody had taken the salt of new events away: they carry one again.'
      USING HINT = 'Find out who did it: what an event holds can be guessed from its hash where its salt is known.';
  ELSE
    PERFORM :schema.seal_start('{}');
  END IF;
  RETURN is_new;
END
$function$;
`,
  'functions/entry_leaf': `-- The hash of an entry in the tree of the chain, and as what the next one names.
CREATE OR REPLACE FUNCTION :schema.entry_leaf(entry json)
RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $function$
  SELECT pg_catalog.sha256(
    pg_catalog.decode('00', 'hex') OPERATOR(pg_catalog.||) pg_catalog.convert_to(entry::pg_catalog.text, 'UTF8')
  )
$function$;
`,
  'functions/erasable_events': `-- Where the events of a row are that values can be erased from: its history, and
-- also what it was called after it had the key that it is asked for by. Without
-- truncations, which hold no values.
CREATE OR REPLACE FUNCTION :schema.erasable_events(tracked_id integer, object_id text)
RETURNS TABLE (id bigint, changed_at timestamptz)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET enable_seqscan = off
SET jit = off
AS $function$
#variable_conflict use_column
DECLARE
  moved record;
  next  record;
BEGIN
  RETURN QUERY
    SELECT own.id, own.changed_at
    FROM :schema.row_events(tracked_id, erasable_events.object_id) AS own
    JOIN :schema.audit_event AS event ON event.id = own.id AND event.changed_at = own.changed_at
    WHERE event.operation <> 'T';

  FOR moved IN
    SELECT event.id, event.object_id FROM :schema.audit_event AS event
    WHERE event.table_id = tracked_id AND event.old_object_id = erasable_events.object_id
  LOOP
    LOOP
      -- what ends its life under this key: it is deleted, given another key, or another row has the key
      SELECT event.id, event.object_id, event.operation, coalesce(event.old_object_id = moved.object_id, false) AS is_moved
      INTO next
      FROM (
        (
          SELECT * FROM :schema.audit_event AS event
          WHERE event.table_id = tracked_id AND event.object_id = moved.object_id AND event.id > moved.id
            AND (event.operation IN ('I', 'D') OR event.old_object_id IS NOT NULL)
          ORDER BY event.id LIMIT 1
        )
        UNION ALL
        (
          SELECT * FROM :schema.audit_event AS event
          WHERE event.table_id = tracked_id AND event.old_object_id = moved.object_id AND event.id > moved.id
          ORDER BY event.id LIMIT 1
        )
        UNION ALL
        (
          SELECT * FROM :schema.audit_event AS event
          WHERE event.table_id = tracked_id AND event.object_id IS NULL AND event.operation = 'T' AND event.meta IS NULL AND event.id > moved.id
          ORDER BY event.id LIMIT 1
        )
      ) AS event
      ORDER BY event.id
      LIMIT 1;
      RETURN QUERY
        SELECT event.id, event.changed_at FROM :schema.audit_event AS event
        WHERE event.table_id = tracked_id AND event.id > moved.id AND event.id <= coalesce(next.id, 9223372036854775807)
          AND (
            event.object_id = moved.object_id AND (next.id IS NULL OR event.id < next.id OR next.operation = 'D')
            OR next.is_moved AND event.id = next.id
          );
      EXIT WHEN next.is_moved IS NOT TRUE;
      moved := next;
    END LOOP;
  END LOOP;
END
$function$;
`,
  'functions/erasable_names': `-- Under which names columns of a table are in its events: those that they have had
-- over time. Without columns, all that the events hold but the key.
--   with_key  takes the key as well; else naming it is an error
CREATE OR REPLACE FUNCTION :schema.erasable_names(tracked_id integer, columns text[], with_key boolean, ids bigint[], times timestamptz[])
RETURNS text[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET jit = off
AS $function$
DECLARE
  key_columns text[] := (SELECT known.key_columns FROM :schema.audit_table AS known WHERE known.id = tracked_id);
  key_names   text[] := :schema.names_over_time(tracked_id, key_columns);
  named       text;
BEGIN
  FOREACH named IN ARRAY coalesce(columns, '{}') LOOP
    PERFORM :schema.known_column(tracked_id, named);
    IF named = ANY (key_columns) AND NOT with_key THEN
      RAISE EXCEPTION USING
        ERRCODE = 'AU005',
        MESSAGE = format('"%s" is of the key, which names the row in its events.', named),
        HINT = 'Leave it out, or erase the object id as well: object_id => true, objectId: true, --object-id.';
    END IF;
  END LOOP;
  RETURN ARRAY(
    SELECT name
    FROM (
      SELECT name
      FROM unnest(CASE WHEN columns IS NOT NULL THEN :schema.names_over_time(tracked_id, columns) END) AS name
      UNION
      SELECT key.name
      FROM unnest(ids, times) AS own (id, changed_at)
      JOIN :schema.audit_event AS event ON event.id = own.id AND event.changed_at = own.changed_at
      CROSS JOIN LATERAL jsonb_object_keys(coalesce(event.old, '{}') || coalesce(event.new, '{}') || coalesce(event.meta, '{}')) AS key (name)
      WHERE columns IS NULL
      UNION
      SELECT unnest(key_names)
    ) AS own
    WHERE with_key OR NOT name = ANY (key_names)
    ORDER BY name COLLATE "C"
  );
END
$function$;
`,
  'functions/erase': `-- Erases what the log holds of a row, in one act that is itself recorded:
--   select auditrum.erase('customers', '42', reason => 'request 118', dry_run => true);
--   select auditrum.erase('customers', '42', reason => 'request 118');
--   select auditrum.erase('customers', '42', reason => 'request 118', columns => '{email,phone}');
-- The events stay, with who did them and when; columns that changed are told as
-- masked ones are. A sealed log says it in its chain, and stays verifiable. The
-- row itself is the application's affair, and comes first: its deletion is an
-- event that holds its values.
--
--   columns    null: all but the key. Under whatever names they have had
--   object_id  takes the key as well: one that means nothing is put in its place
--   context    takes the reason of these changes as well, and what their contexts hold, but not who did them
--
-- Returns {id, events, contexts, columns, entries, partitions, live, object_id}. live
-- is whether the row is in its table, null where the caller may not look.
--
-- It has the rights of the caller, and its search_path for the name of the table:
-- what the owner of a table has put there is not run as the owner of the log.
CREATE OR REPLACE FUNCTION :schema.erase(
  table_name text,
  row_id text,
  reason text DEFAULT NULL,
  columns text[] DEFAULT NULL,
  object_id boolean DEFAULT false,
  context boolean DEFAULT false,
  dry_run boolean DEFAULT false
)
RETURNS jsonb
LANGUAGE plpgsql
AS $function$
DECLARE
  tracked integer := :schema.table_id(
    CASE WHEN pg_catalog.cardinality(pg_catalog.parse_ident(table_name)) = 1 THEN pg_catalog.to_regclass(table_name) END,
    pg_catalog.parse_ident(table_name)
  );
  wanted  text := :schema.row_id(tracked, pg_catalog.to_jsonb(row_id));
  live    boolean;
BEGIN
  BEGIN
    live := :schema.live_row(:schema.live_table(tracked), wanted) IS NOT NULL;
  EXCEPTION WHEN insufficient_privilege THEN
    live := NULL;
  END;
  IF object_id AND live IS DISTINCT FROM false THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU004',
      MESSAGE = pg_catalog.format('The object id %s of %s cannot be erased while %s.', wanted, table_name, CASE
        WHEN live THEN 'the row is there' ELSE pg_catalog.format('%I may not see whether the row is there', current_user) END),
      HINT = CASE WHEN live THEN 'Delete the row first, or erase without its object id.'
        ELSE pg_catalog.format('GRANT SELECT ON %s TO %I, or erase without the object id.', table_name, current_user) END;
  END IF;
  RETURN pg_catalog.jsonb_concat(
    :schema.erase_row(tracked, wanted, reason, columns, object_id, context, dry_run),
    pg_catalog.jsonb_build_object('live', live)
  );
END
$function$;
`,
  'functions/erase_row': `-- What erase does, as the owner of the log. The row is named by its object_id.
CREATE OR REPLACE FUNCTION :schema.erase_row(
  tracked_id integer, wanted text, reason text, columns text[], with_key boolean, with_context boolean, dry_run boolean
)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off  -- however many they seem to be
AS $function$
DECLARE
  -- of the form that long keys have, which every reader knows as one that cannot be read
  tombstone CONSTANT text := 'md5 00000000';
  ids        bigint[];
  times      timestamptz[];
  contexts   bigint[];
  tombstones jsonb := '{}';
BEGIN
  PERFORM :schema.erase_start(reason, dry_run);
  IF columns = '{}' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = 'The list of columns to erase is empty.',
      HINT = 'Name at least one, or leave it out: then all go but the key.';
  END IF;
  SELECT coalesce(array_agg(own.id), '{}'), coalesce(array_agg(own.changed_at), '{}') INTO ids, times
  FROM (SELECT DISTINCT event.id, event.changed_at FROM :schema.erasable_events(tracked_id, wanted) AS event) AS own;
  IF with_context THEN
    contexts := ARRAY(
      SELECT DISTINCT event.context_id
      FROM unnest(ids, times) AS own (id, changed_at)
      JOIN :schema.audit_event AS event ON event.id = own.id AND event.changed_at = own.changed_at
    );
  END IF;
  IF with_key THEN
    SELECT coalesce(jsonb_object_agg(known.key, tombstone || substr(md5(gen_random_uuid()::text), 9)), '{}') INTO tombstones
    FROM (
      SELECT DISTINCT named.key
      FROM unnest(ids, times) AS own (id, changed_at)
      JOIN :schema.audit_event AS event ON event.id = own.id AND event.changed_at = own.changed_at
      CROSS JOIN LATERAL (VALUES (event.object_id), (event.old_object_id)) AS named (key)
      WHERE NOT starts_with(named.key, tombstone)
    ) AS known;
  END IF;
  RETURN :schema.erase_values(
    reason, tracked_id, ids, times, :schema.erasable_names(tracked_id, columns, with_key, ids, times), tombstones,
    contexts, NULL, true, dry_run
  ) || jsonb_build_object('object_id', CASE WHEN dry_run THEN wanted ELSE coalesce(tombstones ->> wanted, wanted) END);
END
$function$;
`,
  'functions/erase_start': `-- What every erasure begins with: the lock of the chain, before anything else, as
-- seal takes it, and what is refused before anything is written.
CREATE OR REPLACE FUNCTION :schema.erase_start(reason text, dry_run boolean)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  IF NOT dry_run AND coalesce(btrim(reason), '') = '' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = 'Nothing is erased without a reason.',
      HINT = 'Say why, such as the number of the request; not who it is about, for that stays.';
  ELSIF NOT dry_run AND current_setting('transaction_isolation') NOT LIKE 'read %' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('Nothing can be erased in a transaction that is %s.', current_setting('transaction_isolation')),
      HINT = 'Do it in one that is READ COMMITTED: it must see what the sealer before it has sealed.';
  END IF;
  IF NOT dry_run THEN
    LOCK TABLE :schema.audit_seal IN SHARE ROW EXCLUSIVE MODE;
    PERFORM :schema.check_chain_end();
    PERFORM :schema.check_leaving();
    -- what the chain says must be on disk, as in seal
    IF current_setting('synchronous_commit') = 'off' THEN
      PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
  END IF;
END
$function$;
`,
  'functions/erase_statistics': `-- Gathers the statistics of partitions anew: those that were gathered before an
-- erasure may hold some of what was erased. Returns the partitions of which it
-- could not, because somebody else was at them. To be called when it is committed.
CREATE OR REPLACE FUNCTION :schema.erase_statistics(partitions text[])
RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $function$
DECLARE
  part record;
  left_out text[] := '{}';
BEGIN
  FOR part IN
    -- with the whole where somebody has analyzed that, which no autovacuum does
    SELECT known.name
    FROM unnest(ARRAY['audit_event', 'audit_context']) AS log
    CROSS JOIN LATERAL (
      SELECT own.name FROM :schema.partitions_of(log) AS own WHERE own.name = ANY (partitions)
      UNION ALL
      SELECT log WHERE EXISTS (SELECT FROM pg_stats AS own WHERE own.schemaname = :'schema' AND own.tablename = log)
    ) AS known
  LOOP
    BEGIN
      EXECUTE format('ANALYZE :schema.%I', part.name);
    EXCEPTION WHEN lock_not_available THEN
      left_out := left_out || part.name;
    END;
  END LOOP;
  RETURN left_out;
END
$function$;
`,
  'functions/erase_user': `-- Erases who did it, in one act that is itself recorded: from all contexts of a
-- user what tells the person, while what was done stays:
--   select auditrum.erase_user('u-17', reason => 'request 118', dry_run => true);
--   select auditrum.erase_user('u-17', reason => 'request 118');
-- The user becomes "erased". Contexts are found by their user_id; those of purges
-- and erasures stay as they are.
--
--   columns   names of metadata, or client_addr; null: all but what is of no person, and the reason
--   context   takes the reason as well
--
-- Returns {id, events, contexts, columns, entries, partitions}.
CREATE OR REPLACE FUNCTION :schema.erase_user(
  user_id text,
  reason text DEFAULT NULL,
  columns text[] DEFAULT NULL,
  context boolean DEFAULT false,
  dry_run boolean DEFAULT false
)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off  -- however many they seem to be
AS $function$
BEGIN
  PERFORM :schema.erase_start(reason, dry_run);
  IF columns = '{}' OR coalesce(user_id, '') = '' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = CASE WHEN columns = '{}' THEN 'The list of names to erase is empty.' ELSE 'The user to erase has no id.' END,
      HINT = CASE WHEN columns = '{}' THEN 'Name at least one, or leave it out.' ELSE 'Give the user_id as the contexts have it.' END;
  END IF;
  RETURN :schema.erase_values(
    reason, NULL, '{}', '{}', '{}', '{}',
    ARRAY(SELECT own.id FROM :schema.audit_context AS own WHERE own.user_id = erase_user.user_id),
    columns, context, dry_run
  );
END
$function$;
`,
  'functions/erase_values': `-- Erases values from events, and from contexts with all of their events, in one
-- act: for erase and erase_user, which say what goes.
--   tracked_id  of whose rows; null: of a user
--   ids, times  the events whose own values go
--   names, tombstones  as redacted_event takes them
--   contexts    from which context_names go, or of these \`chosen\`
CREATE OR REPLACE FUNCTION :schema.erase_values(
  reason text, tracked_id integer, ids bigint[], times timestamptz[], names text[], tombstones jsonb,
  contexts bigint[], chosen text[], with_reason boolean, dry_run boolean
)
RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off  -- however many they seem to be
SET jit = off
AS $function$
DECLARE
  size CONSTANT integer := 1000;  -- events of an entry
  payload     text := coalesce(current_setting('auditrum.context', true), '');
  of_contexts jsonb;              -- {context_id: what goes of it}
  affected    record;             -- the events, in order
  number      integer;
  columns     text[];
  erasure     :schema.audit_erasure;
  done        record;
  partitions  text[] := '{}';
BEGIN
  SELECT coalesce(jsonb_object_agg(context.id, going.names), '{}')
  INTO of_contexts
  FROM :schema.audit_context AS context
  CROSS JOIN LATERAL (
    SELECT ARRAY(
      SELECT name FROM unnest(:schema.context_names(context, tracked_id IS NULL, with_reason)) AS name
      WHERE chosen IS NULL
      UNION
      SELECT name FROM unnest(chosen) AS name
      WHERE context.metadata ? name
        OR CASE name WHEN 'user_id' THEN context.user_id IS NOT NULL WHEN 'client_addr' THEN context.client_addr IS NOT NULL WHEN 'context_error' THEN context.context_error IS NOT NULL ELSE false END
      ORDER BY 1
    ) AS names
  ) AS going
  WHERE context.id = ANY (contexts)
    AND :schema.redacted_context(context, going.names) IS DISTINCT FROM context
    -- who purged and erased stays known
    AND NOT EXISTS (SELECT FROM :schema.audit_purge AS purge WHERE purge.context_id = context.id)
    AND NOT EXISTS (SELECT FROM :schema.audit_erasure AS other WHERE other.context_id = context.id);

  SELECT coalesce(array_agg(event.id ORDER BY event.id, event.changed_at), '{}') AS ids,
    array_agg(event.changed_at ORDER BY event.id, event.changed_at) AS times,
    array_agg(event.own ORDER BY event.id, event.changed_at) AS own
  INTO affected
  FROM (
    SELECT one.id, one.changed_at, bool_or(one.own) AS own
    FROM (
      SELECT event.id, event.changed_at, true AS own
      FROM unnest(ids, times) AS given (id, changed_at)
      JOIN :schema.audit_event AS event ON event.id = given.id AND event.changed_at = given.changed_at
      WHERE :schema.names_in(event, names) <> '{}' OR tombstones ?| ARRAY[event.object_id, event.old_object_id]
      UNION ALL
      SELECT event.id, event.changed_at, false
      FROM jsonb_object_keys(of_contexts) AS own (id)
      JOIN :schema.audit_context AS context ON context.id = own.id::bigint
      JOIN :schema.audit_event AS event ON event.context_id = context.id AND event.txid = context.txid
    ) AS one
    GROUP BY one.id, one.changed_at
  ) AS event;

  number := cardinality(affected.ids);
  columns := ARRAY(
    SELECT unnest(names)
    UNION ALL
    SELECT DISTINCT 'context.' || name FROM jsonb_each(of_contexts) AS each CROSS JOIN LATERAL jsonb_array_elements_text(each.value) AS name
    ORDER BY 1
  );
  FOR start IN 1 .. number BY size LOOP
    PERFORM :schema.check_sealed(affected.ids[start:start + size - 1], affected.times[start:start + size - 1]);
  END LOOP;
  IF dry_run OR number = 0 AND of_contexts = '{}' THEN
    RETURN jsonb_build_object(
      'id', NULL, 'events', number, 'contexts', (SELECT count(*) FROM jsonb_object_keys(of_contexts)), 'columns', columns,
      'entries', '[]'::jsonb, 'partitions', '[]'::jsonb
    );
  END IF;

  PERFORM :schema.undo_context(reason);
  INSERT INTO :schema.audit_erasure (context_id, reason, table_id, columns, events, contexts, entries)
  SELECT :schema.this_context(), reason, tracked_id, columns, number, count(*), '{}' FROM jsonb_object_keys(of_contexts)
  RETURNING * INTO erasure;
  PERFORM set_config('auditrum.context', payload, true);
  WITH changed AS (
    UPDATE :schema.audit_context AS context
    SET user_id = (form.context).user_id, client_addr = (form.context).client_addr,
      metadata = (form.context).metadata, context_error = (form.context).context_error
    FROM (
      SELECT own.id, :schema.redacted_context(own, ARRAY(SELECT jsonb_array_elements_text(each.value))) AS context
      FROM jsonb_each(of_contexts) AS each JOIN :schema.audit_context AS own ON own.id = each.key::bigint
    ) AS form
    WHERE context.id = form.id
    RETURNING context.tableoid AS relation
  )
  SELECT coalesce(array_agg(DISTINCT (SELECT relname FROM pg_class WHERE oid = changed.relation)::text), '{}') INTO partitions FROM changed;
  FOR start IN 1 .. number BY size LOOP
    done := :schema.redact_events(
      affected.ids[start:start + size - 1], affected.times[start:start + size - 1], affected.own[start:start + size - 1],
      names, tombstones, of_contexts, erasure
    );
    erasure.entries := erasure.entries || done.entry;
    partitions := ARRAY(SELECT unnest(partitions) UNION SELECT unnest(done.partitions) ORDER BY 1);
  END LOOP;
  erasure.entries := array_remove(erasure.entries, NULL);
  IF erasure.entries = '{}' AND EXISTS (SELECT FROM :schema.audit_seal) THEN
    -- none of them was sealed; but that it was done is
    erasure.entries := ARRAY[:schema.redact_entry(erasure, '[]')];
  END IF;
  UPDATE :schema.audit_erasure AS own SET entries = erasure.entries WHERE own.id = erasure.id AND erasure.entries <> '{}';

  -- what was learnt of the past of a table does not hold any more
  UPDATE :schema.audit_table AS known
  SET erased_at = clock_timestamp(), keys_erased = known.keys_erased OR tombstones <> '{}'
  WHERE known.id = tracked_id;
  RETURN jsonb_build_object(
    'id', erasure.id::text, 'events', number, 'contexts', erasure.contexts, 'columns', columns,
    'entries', ARRAY(SELECT entry::text FROM unnest(erasure.entries) AS entry), 'partitions', partitions
  );
END
$function$;
`,
  'functions/erasure_record': `-- The hash of the record of an erasure, with the context that says who asked for it and
-- why: what its entries in the chain name, so that these cannot be changed. All of it
-- but these entries.
CREATE OR REPLACE FUNCTION :schema.erasure_record(erasure :schema.audit_erasure)
RETURNS bytea
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT sha256(convert_to(json_build_array(
    1,
    'erasure',
    erasure.id,
    trunc(extract(epoch FROM erasure.erased_at) * 1000000),
    erasure.context_id,
    erasure.db_user,
    erasure.reason,
    erasure.table_id,
    erasure.columns,
    erasure.events,
    erasure.contexts,
    -- one there is of an id
    (SELECT CASE count(*) WHEN 1 THEN json_agg(:schema.canonical_context(context)) -> 0 END FROM :schema.audit_context AS context WHERE context.id = erasure.context_id)
  )::text, 'UTF8'))
$function$;
`,
  'functions/event_after': `-- The first event of the row that has a key, or truncation of its table, behind
-- an event and after a moment.
--
-- It reads the log itself, not the view, and is planned once for a session: a
-- plan for years of months takes longer than what it finds. The moment leaves
-- out the months before it.
CREATE OR REPLACE FUNCTION :schema.event_after(tracked_id integer, key text, behind bigint, moment jsonb)
RETURNS TABLE (
  id bigint, changed_at timestamptz, txid xid8, operation "char", image "char", object_id text, old_object_id text,
  old jsonb, new jsonb, masked text[], meta jsonb
)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET jit = off
AS $function$
DECLARE
  m record := :schema.moment_parts(moment);
BEGIN
  RETURN QUERY
    SELECT (first.log).id, (first.log).changed_at, (first.log).txid, (first.log).operation, (first.log).image,
      (first.log).object_id, (first.log).old_object_id, (first.log).old, (first.log).new, (first.log).masked, (first.log).meta
    FROM (
      (
        SELECT log
        FROM :schema.audit_event AS log
        WHERE log.table_id = $1 AND log.object_id = $2 AND log.id > $3
          AND log.changed_at >= m.earliest AND :schema.is_later(m.at, m.event, m.open, m.open_since, m.snapshot, m.unseen_since, log.id, log.changed_at, log.txid)
        ORDER BY log.id
        LIMIT 1
      )
      UNION ALL
      (
        SELECT log
        FROM :schema.audit_event AS log
        WHERE log.table_id = $1 AND log.old_object_id = $2 AND log.id > $3
          AND log.changed_at >= m.earliest AND :schema.is_later(m.at, m.event, m.open, m.open_since, m.snapshot, m.unseen_since, log.id, log.changed_at, log.txid)
        ORDER BY log.id
        LIMIT 1
      )
      UNION ALL
      (
        SELECT log
        FROM :schema.audit_event AS log
        WHERE log.table_id = $1 AND log.object_id IS NULL AND log.operation = 'T' AND log.id > $3
          AND log.changed_at >= m.earliest AND :schema.is_later(m.at, m.event, m.open, m.open_since, m.snapshot, m.unseen_since, log.id, log.changed_at, log.txid)
        ORDER BY log.object_id, log.id  -- the index of rows has this order
        LIMIT 1
      )
    ) AS first
    ORDER BY (first.log).id
    LIMIT 1;
END
$function$;
`,
  'functions/event_before': `-- The last event of the row that has a key, or truncation of its table, ahead of
-- an event and not after a moment. As event_after it is planned once.
CREATE OR REPLACE FUNCTION :schema.event_before(tracked_id integer, key text, ahead bigint, moment jsonb)
RETURNS TABLE (
  id bigint, changed_at timestamptz, txid xid8, operation "char", image "char", object_id text, old_object_id text,
  old jsonb, new jsonb, masked text[], meta jsonb
)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET jit = off
AS $function$
DECLARE
  m record := :schema.moment_parts(moment);
BEGIN
  RETURN QUERY
    SELECT (last.log).id, (last.log).changed_at, (last.log).txid, (last.log).operation, (last.log).image,
      (last.log).object_id, (last.log).old_object_id, (last.log).old, (last.log).new, (last.log).masked, (last.log).meta
    FROM (
      (
        SELECT log
        FROM :schema.audit_event AS log
        WHERE log.table_id = $1 AND log.object_id = $2 AND log.id < $3
          AND log.changed_at <= CASE WHEN m.event IS NULL THEN m.at ELSE 'infinity' END AND NOT :schema.is_later(m.at, m.event, m.open, m.open_since, m.snapshot, m.unseen_since, log.id, log.changed_at, log.txid)
        ORDER BY log.id DESC
        LIMIT 1
      )
      UNION ALL
      (
        SELECT log
        FROM :schema.audit_event AS log
        WHERE log.table_id = $1 AND log.old_object_id = $2 AND log.id < $3
          AND log.changed_at <= CASE WHEN m.event IS NULL THEN m.at ELSE 'infinity' END AND NOT :schema.is_later(m.at, m.event, m.open, m.open_since, m.snapshot, m.unseen_since, log.id, log.changed_at, log.txid)
        ORDER BY log.id DESC
        LIMIT 1
      )
      UNION ALL
      (
        SELECT log
        FROM :schema.audit_event AS log
        WHERE log.table_id = $1 AND log.object_id IS NULL AND log.operation = 'T' AND log.id < $3
          AND log.changed_at <= CASE WHEN m.event IS NULL THEN m.at ELSE 'infinity' END AND NOT :schema.is_later(m.at, m.event, m.open, m.open_since, m.snapshot, m.unseen_since, log.id, log.changed_at, log.txid)
        ORDER BY log.object_id DESC, log.id DESC  -- the index of rows has this order
        LIMIT 1
      )
    ) AS last
    ORDER BY (last.log).id DESC
    LIMIT 1;
END
$function$;
`,
  'functions/event_bound': `-- Where the events between two times end, or with ascending begin: their highest,
-- or lowest, id. Null where that is not found at once. The ids nearly follow the
-- clock: it looks at the last minute, or a longer while if that was a quiet one,
-- then for what the clock put into another order. The index of times tells both.
CREATE OR REPLACE FUNCTION :schema.event_bound(since timestamptz, until timestamptz, ascending boolean)
RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_indexscan = off
SET enable_indexonlyscan = off
SET jit = off
AS $function$
DECLARE
  query text := format(
    'SELECT %s(event.id) FROM :schema.audit_event AS event WHERE event.changed_at >= $1 AND event.changed_at <= $2',
    CASE WHEN ascending THEN 'min' ELSE 'max' END
  );
  span  interval;
  near  bigint;
  bound bigint;
BEGIN
  IF NOT isfinite(CASE WHEN ascending THEN since ELSE until END) THEN
    RETURN NULL;
  END IF;
  FOREACH span IN ARRAY ARRAY['1 minute', '30 minutes', '15 hours']::interval[] LOOP
    EXECUTE query INTO near
    USING
      CASE WHEN ascending THEN since ELSE greatest(since, until - span) END,
      CASE WHEN ascending THEN least(until, since + span) ELSE until END;
    EXIT WHEN near IS NOT NULL;
  END LOOP;
  IF near IS NULL THEN
    RETURN NULL;
  END IF;
  EXECUTE query || CASE WHEN ascending THEN ' AND event.id < $3' ELSE ' AND event.id > $3' END INTO bound USING since, until, near;
  RETURN coalesce(bound, near);
END
$function$;
`,
  'functions/event_labels': `-- What people call the rows of some events: the label of each event's row, and
-- of its foreign keys that changed, by column, the labels of the rows that they
-- referred to before and after:
--   select event.id, event.diff, label.*
--   from auditrum.history('orders', '42') as event
--   cross join lateral auditrum.event_labels(array[event.id]) as label;
-- Each row that is referred to is looked up once. since and until, where they
-- are known, spare a look into the other partitions.
CREATE OR REPLACE FUNCTION :schema.event_labels(
  events bigint[], since timestamptz DEFAULT '-infinity', until timestamptz DEFAULT 'infinity'
)
RETURNS TABLE (event_id bigint, label text, old_labels jsonb, new_labels jsonb)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
  WITH event AS MATERIALIZED (
    SELECT log.id, log.table_id, log.object_id, log.image, coalesce(log.new, log.old) AS row, log.old, log.new,
      CASE WHEN log.operation = 'U' THEN log.new || log.old ELSE log.old END AS before
    FROM :schema.audit_event AS log
    WHERE log.id = ANY ($1) AND log.changed_at BETWEEN $2 AND $3 AND log.operation <> 'T'
  ), reference AS MATERIALIZED (
    SELECT own.table_id, reference.columns, reference.referenced_id
    FROM (SELECT DISTINCT table_id FROM event) AS own
    CROSS JOIN LATERAL :schema.labelled_references(own.table_id) AS reference
  ), mention AS MATERIALIZED (
    SELECT event.id, reference.columns, side.is_old, reference.referenced_id, :schema.reference_id(side.image, reference.columns) AS object_id
    FROM event
    JOIN reference ON reference.table_id = event.table_id
    CROSS JOIN LATERAL (VALUES (true, event.before), (false, event.new)) AS side (is_old, image)
    WHERE event.old IS NULL OR event.new IS NULL OR event.old ?| reference.columns
  ), referred AS MATERIALIZED (
    SELECT known.referenced_id, known.object_id, :schema.row_label(known.referenced_id, known.object_id) AS label
    FROM (SELECT DISTINCT referenced_id, object_id FROM mention WHERE object_id IS NOT NULL) AS known
  ), labelled AS MATERIALIZED (
    SELECT mention.id,
      jsonb_object_agg(name, referred.label) FILTER (WHERE mention.is_old) AS old_labels,
      jsonb_object_agg(name, referred.label) FILTER (WHERE NOT mention.is_old) AS new_labels
    FROM mention
    JOIN referred ON referred.referenced_id = mention.referenced_id AND referred.object_id = mention.object_id
    CROSS JOIN LATERAL unnest(mention.columns) AS name
    WHERE referred.label IS NOT NULL
    GROUP BY mention.id
  )
  SELECT event.id,
    -- a part of the row may lack what the label needs
    :schema.label_of(event.table_id, CASE
      WHEN event.image = 'f' THEN event.row
      ELSE :schema.logged_row(event.table_id, event.object_id, event.id + 1)
    END),
    labelled.old_labels, labelled.new_labels
  FROM event LEFT JOIN labelled ON labelled.id = event.id
$function$;
`,
  'functions/event_leaf': `-- The hash of an event in the tree of its block, whatever its size. What hashes many
-- of them uses leaf_query.
CREATE OR REPLACE FUNCTION :schema.event_leaf(event :schema.audit_event, context :schema.audit_context)
RETURNS bytea
LANGUAGE sql STABLE
AS $function$
  SELECT :schema.form_leaf(pg_catalog.convert_to(:schema.canonical_event(event, context), 'UTF8'))
$function$;
`,
  'functions/event_page': `-- One page of events, as event_places finds it, as text that a driver reads
-- exactly: as event_after it is planned once, and has no other names in it than
-- those that it was made with.
--
--   identity  the key of the one row of the table, as people give it, if only its events are asked for
--   filter    as event_places takes it, with the column as people give it
CREATE OR REPLACE FUNCTION :schema.event_page(
  tracked_id integer, identity jsonb, filter jsonb, after bigint, ascending boolean, size integer
)
RETURNS TABLE (
  id text, changed_at text, operation text, schema_name text, table_name text, object_id text, old_object_id text, user_id text,
  old_data text, new_data text, diff text, meta text, masked text, drift text, redacted text, image text, lossy integer, db_user text,
  transaction_id text, context_uuid text, root_uuid text, metadata text, application_name text, client_addr text, context_error text,
  column_types text
)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET TimeZone = 'UTC'
AS $function$
DECLARE
  place record;
BEGIN
  IF tracked_id IS NOT NULL AND filter ? 'column' THEN
    filter := filter || jsonb_build_object('column', :schema.known_column(tracked_id, filter ->> 'column'));
  END IF;
  place := :schema.event_places(
    tracked_id, CASE WHEN identity IS NOT NULL THEN :schema.row_id(tracked_id, identity) END, filter, after, ascending, size
  );
  RETURN QUERY
    WITH log AS MATERIALIZED (
      SELECT event.* FROM :schema.events_at(place.ids, place.times) AS event
    ), known AS MATERIALIZED (
      SELECT shape.* FROM :schema.columns_over_time(ARRAY(SELECT DISTINCT log.table_id FROM log)) AS shape
    )
    SELECT
      log.id::text,
      to_char(log.changed_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
      log.operation,
      log.schema_name::text,
      log.table_name::text,
      log.object_id::text,
      log.old_object_id::text,
      log.user_id,
      log.old_data::text,
      log.new_data::text,
      log.diff::text,
      log.meta::text,
      array_to_json(log.masked)::text,
      array_to_json(log.drift)::text,
      array_to_json(log.redacted)::text,
      log.image,
      log.lossy::integer,
      log.db_user,
      log.transaction_id::text,
      log.context_uuid::text,
      log.root_uuid::text,
      log.metadata::text,
      log.application_name,
      host(log.client_addr),
      log.context_error,
      (
        SELECT known.types::text
        FROM known
        WHERE known.table_id = log.table_id AND known.since <= log.changed_at
        ORDER BY known.since DESC
        LIMIT 1
      )
    FROM log
    ORDER BY CASE WHEN ascending THEN log.id END, log.id DESC;
END
$function$;
`,
  'functions/event_places': `-- Where the events of a page are, of those that match a filter: newest first, or
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
`,
  'functions/events_at': `-- Events as people read them, from where they are: each is looked up with its
-- context. The planner, who cannot know that each is one, would rather read all
-- contexts. As event_after it is planned once.
CREATE OR REPLACE FUNCTION :schema.events_at(ids bigint[], times timestamptz[])
RETURNS SETOF :schema.auditlog
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_seqscan = off
SET jit = off
AS $function$
BEGIN
  RETURN QUERY
    SELECT log.*
    FROM unnest(ids, times) AS place (id, changed_at)
    JOIN :schema.auditlog AS log ON log.id = place.id AND log.changed_at = place.changed_at;
END
$function$;
`,
  'functions/events_with_leavers': `-- Events with an id behind after, up to until: those of the log, and those in partitions
-- that a purge is dropping.
CREATE OR REPLACE FUNCTION :schema.events_with_leavers(after bigint, until bigint)
RETURNS SETOF :schema.audit_event
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  leaver regclass;
BEGIN
  RETURN QUERY SELECT event.* FROM :schema.audit_event AS event WHERE event.id > after AND event.id <= until;
  FOR leaver IN SELECT * FROM :schema.leaving_partitions() LOOP
    BEGIN
      RETURN QUERY EXECUTE format('SELECT event.* FROM %s AS event WHERE event.id > $1 AND event.id <= $2', leaver) USING after, until;
    EXCEPTION WHEN undefined_table OR syntax_error THEN
      NULL;  -- it has gone meanwhile: then it has no name
    END;
  END LOOP;
END
$function$;
`,
  'functions/finish_detaching': `-- Lets go of a partition that somebody has begun to detach and is not at any more. That
-- holds the partition while it waits for whoever reads the log: in short attempts, or
-- it and a reader would wait for each other.
CREATE OR REPLACE FUNCTION :schema.finish_detaching(log text, partition text, patience interval)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '100ms'
AS $function$
DECLARE
  deadline CONSTANT timestamptz := clock_timestamp() + patience;
BEGIN
  LOOP
    BEGIN
      EXECUTE format('ALTER TABLE :schema.%I DETACH PARTITION :schema.%I FINALIZE', log, partition);
      RETURN;
    EXCEPTION
      WHEN lock_not_available THEN
        IF clock_timestamp() > deadline THEN
          RAISE EXCEPTION USING
            ERRCODE = 'lock_not_available',
            MESSAGE = format('The partition %s, which was being detached when that was interrupted, could not be let go of in %s.', partition, patience),
            HINT = :schema.lock_holders(partition);
        END IF;
      WHEN undefined_table OR object_not_in_prerequisite_state THEN
        RETURN;  -- who had begun with it was at it all along, or another one is: the next step finds out
    END;
    PERFORM pg_sleep(0.05 * (1 + random()));
  END LOOP;
END
$function$;
`,
  'functions/folded': `-- Images of one row laid over each other: of a column the last value counts.
CREATE OR REPLACE FUNCTION :schema.folded(images jsonb[])
RETURNS jsonb
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT CASE
    WHEN cardinality(images) = 1 THEN images[1]
    ELSE (
      SELECT coalesce(jsonb_object_agg(part.key, part.value ORDER BY image.position), '{}')
      FROM unnest(images) WITH ORDINALITY AS image (document, position)
      CROSS JOIN LATERAL jsonb_each(image.document) AS part
    )
  END
$function$;
`,
  'functions/forget_hardening': `-- Has the log forget that it was hardened against a role, which was meant by
-- mistake or is gone for good, so that status says nothing more of it. What was
-- taken from the role stays taken: grant it again, by let_read for one.
--   select auditrum.forget_hardening('shop');
CREATE OR REPLACE FUNCTION :schema.forget_hardening(app_role text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  known text[];
BEGIN
  UPDATE :schema.audit_setting SET value = value - app_role WHERE name = 'hardened' AND value ? app_role;
  IF NOT FOUND THEN
    known := ARRAY(SELECT jsonb_object_keys(:schema.hardened()) ORDER BY 1);
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('The log was not hardened against %I.', app_role),
      HINT = CASE known
        WHEN '{}' THEN 'There is nothing to forget: it was hardened against no role.'
        ELSE format('Give one of these: %s.', array_to_string(known, ', '))
      END;
  END IF;
END
$function$;
`,
  'functions/form_leaf': `-- The hash of a canonical form, as UTF-8, in the tree of its block: RFC 6962, 2.1. Null where it
-- is so large that another form takes its place: see canonical_event.
DROP FUNCTION IF EXISTS :schema.form_leaf(text);  -- it encoded it itself
CREATE OR REPLACE FUNCTION :schema.form_leaf(form bytea)
RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
AS $function$
  SELECT CASE WHEN pg_catalog.octet_length(form) OPERATOR(pg_catalog.<=) 1000000000 THEN pg_catalog.sha256(
    pg_catalog.decode('00', 'hex') OPERATOR(pg_catalog.||) form
  ) END
$function$;
`,
  'functions/give_salt': `-- Has every event from now on carry a salt, by which nothing of it can be guessed
-- from its hash. Writers wait for an instant, as in lock_log.
CREATE OR REPLACE FUNCTION :schema.give_salt(patience interval)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  PERFORM set_config('lock_timeout', ceil(extract(epoch FROM patience) * 1000)::text, true);
  PERFORM :schema.lock_log(ARRAY['audit_event'], patience);
  -- of all partitions, too
  ALTER TABLE :schema.audit_event ALTER COLUMN salt SET DEFAULT uuid_send(gen_random_uuid());
END
$function$;
`,
  'functions/hardened': `-- Against whom the log was hardened, as keep/remember.sql noted it.
CREATE OR REPLACE FUNCTION :schema.hardened()
RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT coalesce((SELECT value FROM :schema.audit_setting WHERE name = 'hardened'), '{}')
$function$;
`,
  'functions/has_salt': `-- Whether every new event gets a salt.
CREATE OR REPLACE FUNCTION :schema.has_salt()
RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
AS $function$
  SELECT EXISTS (
    SELECT FROM pg_attribute AS attribute
    JOIN pg_attrdef AS own ON own.adrelid = attribute.attrelid AND own.adnum = attribute.attnum
    WHERE attribute.attrelid = ':schema.audit_event'::regclass AND attribute.attname = 'salt'
      AND pg_get_expr(own.adbin, own.adrelid) = 'uuid_send(gen_random_uuid())'
  )
$function$;
`,
  'functions/history': `-- The events of a table or of one row of it, newest first:
--   select * from auditrum.history('orders', '42');
--   select * from auditrum.history('order_items', '[7, 2]');
-- The table as in any statement (quoted where it must be, or dropped long ago);
-- object_id as in the view, the parts of a composite key in the order of the
-- key. All rows that ever had the key are there, and from each that was given
-- it by an update it is followed back to when it had another; a truncation of
-- the table is part of the history.
-- Everything is qualified, because the caller's search_path is needed for the
-- name of the table, and would else decide what the rest means.
CREATE OR REPLACE FUNCTION :schema.history(table_name text, object_id text DEFAULT NULL)
RETURNS SETOF :schema.auditlog
LANGUAGE sql STABLE
AS $function$
  WITH tracked AS MATERIALIZED (
    SELECT :schema.table_id(
      CASE WHEN pg_catalog.cardinality(pg_catalog.parse_ident($1)) = 1 THEN pg_catalog.to_regclass($1) END,
      pg_catalog.parse_ident($1)
    ) AS id
  ), place AS MATERIALIZED (
    SELECT coalesce(pg_catalog.array_agg(event.id), '{}') AS ids, coalesce(pg_catalog.array_agg(event.changed_at), '{}') AS times
    FROM tracked CROSS JOIN LATERAL :schema.row_events(tracked.id, :schema.row_id(tracked.id, pg_catalog.to_jsonb($2))) AS event
    WHERE $2 IS NOT NULL
  )
  SELECT log.*
  FROM (
    SELECT event.* FROM place CROSS JOIN LATERAL :schema.events_at(place.ids, place.times) AS event
    UNION ALL
    SELECT event.* FROM :schema.auditlog AS event WHERE $2 IS NULL AND event.table_id = (SELECT id FROM tracked)
  ) AS log
  ORDER BY log.id DESC
$function$;
`,
  'functions/hold_partition': `-- Locks a partition until the transaction ends, so that no other purge drops it
-- under our hands; false where one has.
CREATE OR REPLACE FUNCTION :schema.hold_partition(name text, mode text)
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  EXECUTE format('LOCK TABLE %I.%I IN %s MODE', :'schema', name, mode);
  RETURN true;
EXCEPTION WHEN undefined_table THEN
  RETURN false;
END
$function$;
`,
  'functions/id_parts': `-- The parts of an object_id, as a JSON array; null where it has none: of a long
-- key it is a hash, and under an earlier key it had another form.
CREATE OR REPLACE FUNCTION :schema.id_parts(object_id text, number integer)
RETURNS jsonb
LANGUAGE sql IMMUTABLE
AS $function$
  SELECT CASE
    WHEN pg_catalog.starts_with(object_id, 'md5 ') THEN NULL
    WHEN number = 1 THEN pg_catalog.jsonb_build_array(object_id)
    WHEN pg_catalog.starts_with(object_id, '[') THEN object_id::jsonb
  END
$function$;
`,
  'functions/image_expression': `-- The recorded part of a row of a table, as declared: SQL that makes it from
-- the row's whole jsonb, called row_name. The one place that knows what is left
-- out of an event.
CREATE OR REPLACE FUNCTION :schema.image_expression(row_name text, relation oid, declaration jsonb)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT CASE
    WHEN declaration ? 'only' THEN (
      -- jsonb_build_object takes 100 arguments
      SELECT string_agg(part.object, ' || ' ORDER BY part.number)
      FROM (
        SELECT (position - 1) / 40 AS number,
          format('jsonb_build_object(%s)', string_agg(format('%1$L, %2$s -> %1$L', name, row_name), ', ' ORDER BY position)) AS object
        FROM unnest(ARRAY(
          (
            SELECT unnest(:schema.key_columns(relation))
            UNION SELECT jsonb_array_elements_text(declaration -> 'only')
          )
          EXCEPT SELECT jsonb_array_elements_text(declaration -> 'mask')
          ORDER BY 1
        )) WITH ORDINALITY AS recorded (name, position)
        GROUP BY (position - 1) / 40
      ) AS part
    )
    WHEN left_out.names <> '{}' THEN format('%s - %L::text[]', row_name, left_out.names)
    ELSE row_name
  END
  FROM (
    SELECT ARRAY(SELECT jsonb_array_elements_text(declaration -> 'exclude'))
      || ARRAY(SELECT jsonb_array_elements_text(declaration -> 'mask'))
      || ARRAY(
        -- a trigger does not see virtual columns
        SELECT attname::text FROM pg_attribute
        WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped AND attgenerated = 'v'
        ORDER BY attnum
      ) AS names
  ) AS left_out
$function$;
`,
  'functions/is_after': `-- Whether a change was made after a moment, as past_moment gives it. Without
-- settings of its own, so that it is inlined; only functions call it that have
-- pinned the search_path.
CREATE OR REPLACE FUNCTION :schema.is_after(moment jsonb, id bigint, changed_at timestamptz, txid xid8)
RETURNS boolean
LANGUAGE sql STABLE
AS $function$
  SELECT :schema.is_later(
    (moment ->> 'at')::timestamptz, (moment ->> 'event')::bigint,
    pg_catalog.translate(moment ->> 'open', '[]', '{}')::xid8[], (moment ->> 'open_since')::timestamptz,
    (moment ->> 'snapshot')::pg_snapshot, (moment ->> 'unseen_since')::timestamptz,
    id, changed_at, txid
  )
$function$;
`,
  'functions/is_beyond': `-- Whether the overflow of a log holds rows from a time on. Where a clock ran ahead
-- and was set right, it may, in spite of a constraint that had given way by that
-- clock (close_overflow): neither the constraint nor what is planned by it is asked.
CREATE OR REPLACE FUNCTION :schema.is_beyond(log text, at timestamptz)
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET constraint_exclusion = off
SET enable_seqscan = off  -- few pages are looked at, however many there seem to be
SET jit = off
AS $function$
DECLARE
  found boolean;
BEGIN
  EXECUTE format(
    'SELECT EXISTS (SELECT FROM :schema.%I WHERE %I >= %L)',
    log || '_overflow', CASE log WHEN 'audit_event' THEN 'changed_at' ELSE 'id' END, :schema.partition_bound(log, at)
  )
  INTO found;
  RETURN found;
END
$function$;
`,
  'functions/is_detaching': `-- Whether somebody is detaching a partition now, by the statement of src/keep/detach.ts.
-- What others do shows only to who may see it: where it does not, this is false.
CREATE OR REPLACE FUNCTION :schema.is_detaching(partition text)
RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT EXISTS (
    SELECT FROM pg_stat_activity AS other
    WHERE other.datname = current_database() AND other.state = 'active' AND other.pid <> pg_backend_pid()
      AND strpos(other.query, format('DETACH PARTITION :schema."%s" CONCURRENTLY', replace(partition, '"', '""'))) > 0
  )
$function$;
`,
  'functions/is_later': `-- is_after with the parts of the moment as values: in a condition on many months
-- they cost less than a document.
CREATE OR REPLACE FUNCTION :schema.is_later(
  at timestamptz, event bigint, open xid8[], open_since timestamptz, snapshot pg_snapshot, unseen_since timestamptz,
  id bigint, changed_at timestamptz, txid xid8
)
RETURNS boolean
LANGUAGE sql STABLE
AS $function$
  SELECT coalesce(id > event, changed_at > at)
    OR coalesce(changed_at >= open_since AND txid = ANY (open), false)
    OR coalesce(
      changed_at >= unseen_since
        AND NOT pg_catalog.pg_visible_in_snapshot(txid, snapshot)
        -- ids of before a restore into a new cluster may lie ahead
        AND txid < pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())
        -- a snapshot does not show the transaction that took it
        AND txid IS DISTINCT FROM pg_catalog.pg_current_xact_id_if_assigned(),
      false
    )
$function$;
`,
  'functions/is_list': `-- Whether the ids of a block are a list of which every event is looked for: in
-- order, each once, and as far as the block says that they reach. No root covers them.
CREATE OR REPLACE FUNCTION :schema.is_list(ids bigint[], first_id bigint, last_id bigint)
RETURNS boolean
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT coalesce(
    array_ndims(ids) = 1 AND array_lower(ids, 1) = 1 AND array_position(ids, NULL) IS NULL
      AND first_id > 0 AND ids[1] = first_id AND ids[cardinality(ids)] = last_id
      AND ids = ARRAY(SELECT DISTINCT id FROM unnest(ids) AS id ORDER BY id),
    false
  )
$function$;
`,
  'functions/is_over': `-- Whether a time has come. It is no constant, and is declared as one on purpose,
-- for a constraint that must give way by itself (close_overflow): PostgreSQL
-- puts the value in its place whenever it plans.
CREATE OR REPLACE FUNCTION :schema.is_over(at timestamptz)
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  RETURN clock_timestamp() >= at;
END
$function$;
`,
  'functions/is_readable': `-- Whether a value from the log can be read as a type: labels of an enum are
-- renamed, domains get checks, columns other types.
CREATE OR REPLACE FUNCTION :schema.is_readable(value jsonb, type text)
RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET IntervalStyle = 'postgres'
SET lc_monetary = 'C'
SET array_nulls = on
SET xmloption = content
AS $function$
BEGIN
  EXECUTE format('SELECT value FROM jsonb_to_record($1) AS record (value %s)', type) USING jsonb_build_object('value', value);
  RETURN true;
EXCEPTION WHEN data_exception OR integrity_constraint_violation OR undefined_object OR undefined_table OR undefined_function
  OR invalid_schema_name THEN
  RETURN false;
END
$function$;
`,
  'functions/is_row': `-- Whether an image is one of the row that an object_id names. Where the columns
-- of a composite key changed their order, two rows had the same object_id at
-- different times; what cannot be told from the image counts as the row.
CREATE OR REPLACE FUNCTION :schema.is_row(tracked_id integer, image jsonb, object_id text)
RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT cardinality(key_columns) < 2
    OR (image ?& key_columns) IS NOT TRUE
    OR :schema.bounded_id(:schema.object_id(image, key_columns)) = $3
  FROM :schema.audit_table
  WHERE id = tracked_id
$function$;
`,
  'functions/is_same_value': `-- Whether two values of a column, as the log has them, are one in its type: the
-- same moment may have been written in two time zones. Null where one of them is
-- no value of it any more: labels of an enum are renamed, domains get checks.
CREATE OR REPLACE FUNCTION :schema.is_same_value(one jsonb, other jsonb, type text)
RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO'
SET IntervalStyle = 'postgres'
SET extra_float_digits = '1'
SET bytea_output = 'hex'
SET lc_monetary = 'C'
SET array_nulls = on
SET xmloption = content
AS $function$
DECLARE
  is_same boolean;
BEGIN
  EXECUTE format(
    'SELECT to_jsonb(one.value)::text IS NOT DISTINCT FROM to_jsonb(other.value)::text
     FROM jsonb_to_record($1) AS one (value %1$s), jsonb_to_record($2) AS other (value %1$s)',
    type
  )
  INTO is_same
  USING jsonb_build_object('value', one), jsonb_build_object('value', other);
  RETURN is_same;
EXCEPTION WHEN data_exception OR integrity_constraint_violation OR undefined_object THEN
  RETURN NULL;
END
$function$;
`,
  'functions/is_span': `-- Whether a text says for how long events are kept, or how old they are to be:
-- calendar units in words, which no setting of a session reads differently, and
-- nobody. (To PostgreSQL '6m' is six minutes, and '1' a second.) At most a thousand
-- years, for what is that long ago has no timestamp.
CREATE OR REPLACE FUNCTION :schema.is_span(text text)
RETURNS boolean
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT CASE
    WHEN text ~ '^[1-9]\\d{0,4} (hour|day|week|month|year)s?( [1-9]\\d{0,4} (hour|day|week|month|year)s?){0,4}$'
    THEN text::interval <= '1000 years'
    ELSE false
  END
$function$;
`,
  'functions/key_at': `-- The object_id that a row has at a later moment, from the one that it had
-- behind an event; null if it has come to an end.
CREATE OR REPLACE FUNCTION :schema.key_at(tracked_id integer, object_id text, behind bigint, from_moment jsonb, to_moment jsonb)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  key   text := object_id;
  bound bigint := behind;
  event record;
BEGIN
  LOOP
    SELECT next.id, next.operation, next.object_id, next.old_object_id, next.meta, :schema.is_after(to_moment, next.id, next.changed_at, next.txid) AS is_later
    INTO event
    FROM :schema.event_after(tracked_id, key, bound, from_moment) AS next;
    IF NOT FOUND OR event.is_later THEN
      RETURN key;
    END IF;
    bound := event.id;
    IF event.operation = 'T' THEN
      CONTINUE WHEN event.meta IS NOT NULL;
      RETURN NULL;
    ELSIF event.operation IN ('I', 'D') OR event.object_id = key AND event.old_object_id IS NOT NULL THEN
      RETURN NULL;
    END IF;
    key := event.object_id;
  END LOOP;
END
$function$;
`,
  'functions/key_columns': `-- The columns of a table's primary key, in key order; empty without one.
CREATE OR REPLACE FUNCTION :schema.key_columns(relation oid)
RETURNS text[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $function$
BEGIN
  RETURN (
    SELECT coalesce(array_agg(attribute.attname::text ORDER BY key.position), '{}')
    FROM pg_index AS index
    CROSS JOIN unnest(index.indkey::smallint[]) WITH ORDINALITY AS key (attnum, position)
    JOIN pg_attribute AS attribute ON attribute.attrelid = index.indrelid AND attribute.attnum = key.attnum
    WHERE index.indrelid = relation AND index.indisprimary AND key.position <= index.indnkeyatts
  );
END
$function$;
`,
  'functions/key_condition': `-- SQL that compares the primary key of a row, called row_name, with a key as a
-- JSON array of its parts: with = it finds the row by the table's index, with >
-- what comes behind it. A key that cannot be one is nobody's. Null without a key.
CREATE OR REPLACE FUNCTION :schema.key_condition(relation oid, row_name text, operator text, key jsonb)
RETURNS text
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $function$
BEGIN
  RETURN (
    WITH part AS (
      SELECT own.*, CASE
        -- JSON is not how an array or a record is read
        WHEN jsonb_typeof(key -> own.number - 1) IN ('array', 'object')
        THEN format('(SELECT value FROM pg_catalog.jsonb_to_record(%L) AS record (value %s))', jsonb_build_object('value', key -> own.number - 1), own.type)
        ELSE format('%L::%s', key ->> own.number - 1, own.type)
      END AS literal
      FROM :schema.key_parts(relation) AS own
    )
    SELECT CASE
      WHEN NOT bool_and(:schema.is_readable(key -> number - 1, type)) THEN 'false'
      -- one comparison of rows, which the index understands, unless the types' operators live apart
      WHEN operator <> '=' AND min(operators) = max(operators) THEN format(
        'ROW(%s) OPERATOR(%s.%s) ROW(%s)',
        string_agg(format('%s.%I', row_name, name), ', ' ORDER BY number), min(operators), operator,
        string_agg(literal, ', ' ORDER BY number))
      WHEN operator <> '=' THEN (
        SELECT string_agg(
          format('(%s)', concat_ws(' AND ',
            (
              SELECT string_agg(format('%s.%I OPERATOR(%s.=) %s', row_name, before.name, before.operators, before.literal), ' AND ')
              FROM part AS before
              WHERE before.number < own.number
            ),
            format('%s.%I OPERATOR(%s.%s) %s', row_name, own.name, own.operators, operator, own.literal)
          )),
          ' OR '
        )
        FROM part AS own
      )
      ELSE string_agg(format('%s.%I OPERATOR(%s.=) %s', row_name, name, operators, literal), ' AND ')
    END
    FROM part
  );
END
$function$;
`,
  'functions/key_expression': `-- The one place that knows how an object_id is written: SQL that makes it from
-- a row's jsonb, called row_name. A single key is its text, a composite one the
-- text of a JSON array in key order.
CREATE OR REPLACE FUNCTION :schema.key_expression(row_name text, key_columns text[])
RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT CASE cardinality(key_columns)
    WHEN 0 THEN 'NULL::text'
    WHEN 1 THEN format('%s ->> %L', row_name, key_columns[1])
    ELSE (
      SELECT format(
        'CASE WHEN %s IS NOT NULL THEN jsonb_build_array(%s)::text END',
        row_name, string_agg(format('%s -> %L', row_name, key.name), ', ' ORDER BY key.position))
      FROM unnest(key_columns) WITH ORDINALITY AS key (name, position)
    )
  END
$function$;
`,
  'functions/key_join': `-- SQL that finds the rows of a table, called live, by keys in documents.
--   definition  the key's columns, as of a record called named
--   condition   live is the row that named names
--   place       the live row's key as a document
CREATE OR REPLACE FUNCTION :schema.key_join(relation oid, OUT definition text, OUT condition text, OUT place text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT
    string_agg(format('%I %s', name, type), ', ' ORDER BY number),
    string_agg(format('live.%1$I OPERATOR(%2$s.=) named.%1$I', name, operators), ' AND ' ORDER BY number),
    format('pg_catalog.jsonb_build_object(%s)', string_agg(format('%1$L::text, live.%1$I', name), ', ' ORDER BY number))
  FROM :schema.key_parts(relation)
$function$;
`,
  'functions/key_parts': `-- The columns of a table's primary key, in key order, with what it takes to
-- compare them by its index under any search_path: the type without its
-- modifier, and the schema of its operators.
CREATE OR REPLACE FUNCTION :schema.key_parts(relation oid)
RETURNS TABLE (number integer, name text, type text, operators text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $function$
#variable_conflict use_column
BEGIN
  RETURN QUERY
    SELECT
      key.position::integer,
      attribute.attname::text,
      -- these two would have a modifier where none is written
      CASE attribute.atttypid WHEN 'bpchar'::regtype THEN 'bpchar' WHEN 'bit'::regtype THEN '"bit"' ELSE format_type(attribute.atttypid, NULL) END,
      quote_ident(namespace.nspname)
    FROM pg_index AS index
    CROSS JOIN unnest(index.indkey::smallint[], index.indclass::oid[]) WITH ORDINALITY AS key (attnum, class, position)
    JOIN pg_attribute AS attribute ON attribute.attrelid = index.indrelid AND attribute.attnum = key.attnum
    JOIN pg_opclass AS class ON class.oid = key.class
    JOIN pg_amop AS member
      ON member.amopfamily = class.opcfamily AND member.amopstrategy = 3
      AND member.amoplefttype = class.opcintype AND member.amoprighttype = class.opcintype
    JOIN pg_operator AS operator ON operator.oid = member.amopopr
    JOIN pg_namespace AS namespace ON namespace.oid = operator.oprnamespace
    WHERE index.indrelid = relation AND index.indisprimary AND key.position <= index.indnkeyatts;
END
$function$;
`,
  'functions/keyless_verification': `-- What verify_table answers of a table without a primary key, whose events name
-- no row: how often the log says that a row is there, and how often it is. That
-- can be told where the table was empty at first, and each event since then holds
-- the whole row with the columns of now; else nothing is claimed.
CREATE OR REPLACE FUNCTION :schema.keyless_verification(tracked_id integer, relation oid, facts jsonb, shapes jsonb, size integer)
RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO'
SET IntervalStyle = 'postgres'
SET extra_float_digits = '1'
SET bytea_output = 'hex'
SET lc_monetary = 'C'
SET array_nulls = on
SET xmloption = content
SET row_security = off
SET jit = off
AS $function$
DECLARE
  seed     bigint := (random() * 9007199254740991)::bigint;
  unread   text[] := ARRAY(SELECT jsonb_array_elements_text(shapes -> -1 -> 'unread'));
  since    timestamptz := shapes -> -2 ->> 'until';
  is_known boolean := NOT facts -> 'declaration' ? 'when'
    AND NOT EXISTS (SELECT FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid WHERE inhparent = relation AND NOT child.relispartition)
    AND :schema.rows_known(tracked_id, 9223372036854775807, clock_timestamp());
  rows     bigint;
  inserted bigint := 0;
  deleted  bigint := 0;
BEGIN
  EXECUTE format(
    $query$
    WITH live AS MATERIALIZED (
      SELECT hashtextextended((to_jsonb(live.*) - $1)::text, $2) AS checksum, count(*) AS number
      FROM %s AS live
      GROUP BY 1
    ), logged AS MATERIALIZED (
      SELECT * FROM :schema.logged_balance($3, $1, $4, $2) WHERE $5
    )
    SELECT
      (SELECT coalesce(sum(number), 0) FROM live),
      coalesce(sum(greatest(difference.number, 0)), 0),
      coalesce(sum(greatest(-difference.number, 0)), 0),
      $5 AND NOT EXISTS (SELECT FROM logged WHERE checksum IS NULL)
    FROM (
      SELECT coalesce(live.number, 0) - coalesce(logged.number, 0) AS number
      FROM live FULL JOIN logged ON logged.checksum = live.checksum
    ) AS difference
    $query$,
    relation::regclass
  )
  INTO rows, inserted, deleted, is_known
  USING unread, seed, tracked_id, since, is_known;
  IF NOT is_known THEN
    inserted := 0;
    deleted := 0;
  END IF;
  RETURN jsonb_build_object(
    'table', facts ->> 'name',
    'rows', rows, 'verified', CASE WHEN is_known THEN rows - inserted ELSE 0 END, 'partial', 0, 'unknown', CASE WHEN is_known THEN 0 ELSE rows END,
    'complete', is_known,
    'approximate', to_jsonb(unread),
    'problems', (
      SELECT coalesce(jsonb_agg(jsonb_build_object('kind', kind, 'id', NULL, 'columns', NULL, 'event', NULL, 'at', NULL, 'gap', false)), '[]')
      FROM (
        SELECT kind FROM (VALUES ('unlogged_insert', inserted), ('unlogged_delete', deleted)) AS found (kind, number)
        CROSS JOIN LATERAL generate_series(1, least(number, size))
        LIMIT size
      ) AS problem
    ),
    'more', greatest(inserted + deleted - size, 0)
  );
END
$function$;
`,
  'functions/known_column': `-- A column that a tracked table has, or once had; any other name is an error,
-- because no event would be a wrong answer.
CREATE OR REPLACE FUNCTION :schema.known_column(tracked_id integer, name text)
RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  known text[] := ARRAY(
    SELECT column_name FROM :schema.audit_shape WHERE table_id = tracked_id
    UNION
    -- by a name that it was given since
    SELECT attname FROM pg_attribute WHERE attrelid = :schema.live_table(tracked_id) AND attnum > 0 AND NOT attisdropped
    ORDER BY 1
  );
BEGIN
  IF name IS NULL OR name = ANY (known) THEN
    RETURN name;
  END IF;
  RAISE EXCEPTION USING
    ERRCODE = 'AU005',
    MESSAGE = (SELECT format('%I.%I has no column "%s".', schema_name, table_name, name) FROM :schema.audit_table WHERE id = tracked_id),
    HINT = coalesce(
      'Did you mean "' || :schema.nearest_name(name, known) || '"?',
      'Its columns are ' || array_to_string(known, ', ') || '.'
    );
END
$function$;
`,
  'functions/known_since': `-- From when on the log has all that it was told of a table; null where nothing of
-- it was purged.
CREATE OR REPLACE FUNCTION :schema.known_since(tracked_id integer)
RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT greatest((SELECT purged_until FROM :schema.audit_table WHERE id = tracked_id), :schema.log_start())
$function$;
`,
  'functions/label': `-- What people call a row, as declared for its table; null without a label:
--   select auditrum.label('orders', '42');
-- Everything is qualified, because the caller's search_path is needed for the
-- name of the table, and would else decide what the rest means.
CREATE OR REPLACE FUNCTION :schema.label(table_name text, object_id text)
RETURNS text
LANGUAGE sql STABLE
AS $function$
  SELECT :schema.row_label(found.id, :schema.row_id(found.id, pg_catalog.to_jsonb($2)))
  FROM (
    SELECT :schema.table_id(CASE WHEN pg_catalog.cardinality(pg_catalog.parse_ident($1)) = 1 THEN pg_catalog.to_regclass($1) END, pg_catalog.parse_ident($1)) AS id
  ) AS found
$function$;
`,
  'functions/label_expression': `-- A declared label as SQL: what is a column by itself may have any name.
CREATE OR REPLACE FUNCTION :schema.label_expression(relation oid, declaration jsonb)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT CASE
    WHEN EXISTS (SELECT FROM pg_attribute WHERE attrelid = $1 AND attname = $2 ->> 'label' AND attnum > 0 AND NOT attisdropped)
    THEN quote_ident($2 ->> 'label')
    ELSE $2 ->> 'label'
  END
$function$;
`,
  'functions/label_of': `-- The label of a row of a tracked table, from an image of it; null without a
-- declared one, and where it cannot be evaluated: a label never makes the log
-- unreadable.
CREATE OR REPLACE FUNCTION :schema.label_of(tracked_id integer, image jsonb)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  label text;
BEGIN
  IF image IS NULL OR to_regprocedure(format('%I.%I(jsonb)', :'schema', 'label_' || tracked_id)) IS NULL THEN
    RETURN NULL;
  END IF;
  EXECUTE format('SELECT :schema.%I($1)', 'label_' || tracked_id) INTO label USING image;
  RETURN label;
EXCEPTION WHEN OTHERS THEN
  RETURN NULL;
END
$function$;
`,
  'functions/label_reach': `-- What a declared label reaches for beyond the columns of its row and PostgreSQL's
-- own functions; null: nothing, or it is no SQL. It is evaluated as the owner of
-- the log for whoever reads, so that who owns a function, type or table in it would
-- act as him. The parser says what it means, in a function that is dropped again:
-- nothing is evaluated here.
CREATE OR REPLACE FUNCTION :schema.label_reach(relation oid, declaration jsonb)
RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  draft text := format('%I.%I(jsonb)', :'schema', 'label_draft_' || pg_backend_pid());
  tree  text;
  reach text;
BEGIN
  BEGIN
    EXECUTE format(
      E'CREATE FUNCTION %s RETURNS text LANGUAGE sql BEGIN ATOMIC SELECT (%s\\n)::text FROM %s; END',
      draft, :schema.label_expression(relation, declaration), :schema.label_record(relation, '{}'));
  EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
  END;
  tree := (SELECT prosqlbody FROM pg_proc WHERE oid = draft::regprocedure);
  reach := coalesce(
    (
      SELECT string_agg(DISTINCT pg_describe_object(refclassid, refobjid, refobjsubid), ', ')
      FROM pg_depend
      WHERE classid = 'pg_proc'::regclass AND objid = draft::regprocedure
        AND refclassid <> 'pg_namespace'::regclass AND refobjid >= 16384  -- those below come with PostgreSQL
    ),
    (
      -- what writes or waits, and what reads tables
      SELECT string_agg(DISTINCT format('function %s', function.oid::regprocedure), ', ')
      FROM regexp_matches(tree, ' :funcid (\\d+) ', 'g') AS call (ids)
      JOIN pg_proc AS function ON function.oid = call.ids[1]::oid
      WHERE function.provolatile = 'v' OR function.proname ~ '_to_xml'
    ),
    -- in names and values these braces are escaped
    CASE WHEN tree ~ '(^|[^\\\\])\\{SUBLINK ' THEN 'a sub-select' END,
    CASE WHEN tree ~ '[^\\\\]\\{PARAM .*[^\\\\]\\{PARAM ' THEN 'the image of the row' END
  );
  EXECUTE format('DROP FUNCTION %s', draft);
  RETURN reach;
END
$function$;
`,
  'functions/label_record': `-- SQL for the record over which a table's label is evaluated, made of the row's
-- image, $1: its recorded columns, as declared, in types by which nobody's code is
-- run. A domain is what it is made of, and what is no type of PostgreSQL's own is
-- text.
CREATE OR REPLACE FUNCTION :schema.label_record(relation oid, declaration jsonb)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT format('jsonb_to_record($1) AS %I (%s)', (SELECT relname FROM pg_class WHERE oid = $1), string_agg(
    format('%I %s', own.column_name, CASE
      WHEN type.typnamespace IS DISTINCT FROM 'pg_catalog'::regnamespace THEN 'text'
      -- these two would have a modifier where none is written
      ELSE regexp_replace(regexp_replace(own.base_type, '^character(?=\\[|$)', 'bpchar'), '^bit(?=\\[|$)', '"bit"')
    END),
    ', ' ORDER BY own.attnum
  ))
  FROM :schema.table_columns($1, $2) AS own
  LEFT JOIN pg_type AS type ON type.oid = to_regtype(own.base_type)
  WHERE own.recorded <> 'n'
$function$;
`,
  'functions/label_source': `-- The SQL of a declared label over a row's image, $1: a table's label_<id> is
-- made of it. It sees the recorded columns and nothing else, whatever the image
-- holds. Null, and the problem, where it cannot be.
CREATE OR REPLACE FUNCTION :schema.label_source(
  relation oid, declaration jsonb, OUT source text, OUT problem text, OUT is_secret boolean
)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  label  text := :schema.label_expression(relation, declaration);
  record text;
  probe  record;
BEGIN
  is_secret := false;
  FOREACH record IN ARRAY ARRAY[
    :schema.label_record(relation, declaration),
    :schema.label_record(relation, '{}')  -- would it be one if all columns were recorded?
  ] LOOP
    BEGIN
      -- in WHERE no aggregate and no set is allowed, in a loop no second query
      FOR probe IN EXECUTE format(E'SELECT FROM %s WHERE (%s\\n)::text <> %L LIMIT 0', record, label, '') USING '{}'::jsonb LOOP
      END LOOP;
      IF problem IS NULL THEN
        source := format(E'SELECT (%s\\n)::text FROM %s', label, record);
      ELSE
        is_secret := true;
      END IF;
      RETURN;
    EXCEPTION WHEN OTHERS THEN
      problem := coalesce(problem, SQLERRM);
    END;
  END LOOP;
END
$function$;
`,
  'functions/labelled_references': `-- The foreign keys of a tracked table that refer to rows with a label: the
-- referring columns, in the order of the referenced primary key, and the id of
-- the referenced table. Those that refer to another unique key are left out:
-- the log finds rows by the primary one.
CREATE OR REPLACE FUNCTION :schema.labelled_references(tracked_id integer)
RETURNS TABLE (columns text[], referenced_id integer)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT key.columns, referenced.id
  FROM pg_constraint AS reference
  CROSS JOIN LATERAL (SELECT :schema.tracked_id(reference.confrelid) AS id) AS referenced
  CROSS JOIN LATERAL (
    SELECT array_agg(own.attname::text ORDER BY place.number) AS columns, bool_and(place.number IS NOT NULL) AS is_primary
    FROM unnest(reference.conkey, reference.confkey) AS pair (own, other)
    JOIN pg_attribute AS own ON own.attrelid = reference.conrelid AND own.attnum = pair.own
    JOIN pg_attribute AS other ON other.attrelid = reference.confrelid AND other.attnum = pair.other
    CROSS JOIN LATERAL (SELECT array_position(:schema.key_columns(reference.confrelid), other.attname::text) AS number) AS place
  ) AS key
  WHERE reference.conrelid = :schema.live_table($1) AND reference.contype = 'f'
    AND reference.conparentid = 0  -- one that PostgreSQL made for a partition
    AND key.is_primary
    AND to_regprocedure(format('%I.%I(jsonb)', :'schema', 'label_' || referenced.id)) IS NOT NULL
  ORDER BY reference.conname
$function$;
`,
  'functions/last_touches': `-- What the log says of each row of a table last, by its object_id:
--
--   event_id, changed_at  of its last event
--   gone      it was deleted, or given another key
--   doubtful  a partition was truncated after that, perhaps with this row
--   shape     of the table then, from 1
--   checksum  of what is compared of the row; null where that takes a closer look
--
-- Whatever was before \`since\`, or before the table was truncated, does not count.
-- The newest shapes alone have checksums, from \`first\` on.
CREATE OR REPLACE FUNCTION :schema.last_touches(
  tracked_id integer, shapes jsonb, first integer, since timestamptz, has_children boolean, seed bigint
)
RETURNS TABLE (id text, event_id bigint, changed_at timestamptz, gone boolean, doubtful boolean, shape integer, checksum bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100000
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET jit = off
AS $function$
#variable_conflict use_column
DECLARE
  whole    bigint := 0;  -- the last truncation of all
  part     bigint := 0;  -- and of a part
  shape_of text := jsonb_array_length(shapes)::text;
  image_of text := 'event.new';
BEGIN
  SELECT coalesce(max(event.id) FILTER (WHERE event.meta IS NULL AND NOT has_children), 0), coalesce(max(event.id), 0)
  INTO whole, part
  FROM :schema.audit_event AS event
  WHERE event.table_id = tracked_id AND event.object_id IS NULL AND event.operation = 'T';

  IF jsonb_array_length(shapes) > 1 THEN
    shape_of := (
      SELECT format('CASE %s ELSE %s END',
        string_agg(format('WHEN event.changed_at <= %L::timestamptz THEN %s', document ->> 'until', position), ' ' ORDER BY position),
        jsonb_array_length(shapes))
      FROM jsonb_array_elements(shapes) WITH ORDINALITY AS known (document, position)
      WHERE document ->> 'until' IS NOT NULL
    );
  END IF;
  image_of := (
    SELECT format('CASE %s END', string_agg(
      format('WHEN told.shape = %s THEN event.new%s', position, CASE WHEN document -> 'unsaid' <> '[]' THEN
        format(' - %L::text[]', ARRAY(SELECT jsonb_array_elements_text(document -> 'unsaid')))
      END),
      ' ' ORDER BY position DESC
    ))
    FROM jsonb_array_elements(shapes) WITH ORDINALITY AS known (document, position)
    WHERE position >= first
  );

  RETURN QUERY EXECUTE format(
    $query$
    SELECT last.id, last.event_id, last.changed_at, last.gone, last.event_id < %1$s, last.shape,
      CASE last.image
        WHEN 'f' THEN last.checksum
        -- of the parts since the last whole image, laid over that
        WHEN 'c' THEN (
          SELECT hashtextextended((%2$s)::text, %3$s)
          FROM (SELECT last.shape) AS told
          CROSS JOIN LATERAL (
            SELECT :schema.folded(array_agg(event.new ORDER BY event.id)) AS new
            FROM :schema.audit_event AS event
            CROSS JOIN LATERAL (SELECT %4$s AS shape) AS own
            WHERE event.table_id = %5$s AND event.object_id = last.id AND event.id <= last.event_id AND event.id >= (
              SELECT event.id FROM :schema.audit_event AS event
              WHERE event.table_id = %5$s AND event.object_id = last.id AND event.id > %6$s AND event.image = 'f'
              ORDER BY event.id DESC
              LIMIT 1
            )
            HAVING bool_and(
              own.shape = last.shape AND coalesce(event.redacted, '{}') = '{}' AND event.operation <> 'D'
              AND (event.image = 'f' OR event.image = 'c' AND event.old_object_id IS NULL)
            )
          ) AS event
        )
      END
    FROM (
      SELECT DISTINCT ON (touch.id) touch.*
      FROM (
        SELECT event.object_id AS id, event.id AS event_id, event.changed_at, event.operation = 'D' AS gone, event.image, told.shape,
          CASE WHEN event.operation <> 'D' AND event.image = 'f' AND coalesce(event.redacted, '{}') = '{}'
            THEN hashtextextended((%2$s)::text, %3$s) END AS checksum
        FROM :schema.audit_event AS event
        CROSS JOIN LATERAL (SELECT %4$s AS shape) AS told
        WHERE event.table_id = %5$s AND event.object_id IS NOT NULL AND event.id > %6$s AND event.changed_at >= %7$L
        UNION ALL
        SELECT event.old_object_id, event.id, event.changed_at, true, NULL, NULL, NULL
        FROM :schema.audit_event AS event
        WHERE event.table_id = %5$s AND event.old_object_id IS NOT NULL AND event.id > %6$s AND event.changed_at >= %7$L
      ) AS touch
      ORDER BY touch.id, touch.event_id DESC
    ) AS last
    $query$,
    part, image_of, seed, shape_of, tracked_id, whole, coalesce(since, '-infinity')
  );
END
$function$;
`,
  'functions/leaf_query': `-- A query for events with their leaves: (id, changed_at, table_id, txid, redacted, leaf).
--   source    what comes behind FROM, with the events as \`event\`; and behind WHERE
--   contexts  an expression for the ids of all their contexts, as an array
--   quickly   as one expression, and each context once. Fails with program_limit_exceeded
--             or internal_error, or gives a leaf that is null, where an event is too
--             large: ask again then, not quickly. See canonical_event. Where client_encoding
--             is not UTF8 the leaves are wrong: whoever runs it sets it.
CREATE OR REPLACE FUNCTION :schema.leaf_query(source text, condition text, contexts text, quickly boolean)
RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT CASE WHEN quickly THEN format(
    $query$
    WITH context AS MATERIALIZED (
      SELECT own.id, own.txid, :schema.canonical_context(own) AS form
      FROM :schema.audit_context AS own
      WHERE own.id = ANY (%3$s)
    )
    SELECT id, changed_at, table_id, txid, redacted, :schema.form_leaf(form) AS leaf
    FROM (
      SELECT event.id, event.changed_at, event.table_id, event.txid, event.redacted, json_send(:schema.canonical(event, context.form)) AS form
      FROM %1$s
      LEFT JOIN context ON context.id = event.context_id AND context.txid = event.txid
      WHERE %2$s
      OFFSET 0  -- or the form would be made twice
    ) AS event
    $query$,
    source, condition, contexts
  ) ELSE format(
    $query$
    SELECT event.id, event.changed_at, event.table_id, event.txid, event.redacted, :schema.event_leaf(event, context) AS leaf
    FROM %1$s
    LEFT JOIN :schema.audit_context AS context ON context.id = event.context_id AND context.txid = event.txid AND context.id = ANY (%3$s)
    WHERE %2$s
    $query$,
    source, condition, contexts
  ) END
$function$;
`,
  'functions/leaving_partitions': `-- Partitions that a purge is dropping, and that hold events which the log does not show
-- any more: they are detached, or being detached. What it says of them in the chain it
-- says as it drops them.
CREATE OR REPLACE FUNCTION :schema.leaving_partitions()
RETURNS SETOF regclass
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT DISTINCT own.oid::regclass
  FROM :schema.audit_purge AS purge
  JOIN pg_class AS own ON own.relname = purge.leaver AND own.relnamespace = ':schema'::regnamespace
  WHERE purge.finished_at IS NULL AND own.relkind = 'r'
    AND EXISTS (SELECT FROM pg_attribute AS col WHERE col.attrelid = own.oid AND col.attname = 'changed_at')  -- of events
    AND NOT EXISTS (SELECT FROM pg_inherits AS link WHERE link.inhrelid = own.oid AND NOT link.inhdetachpending)
$function$;
`,
  'functions/let_erase': `-- Lets a role erase values from the log, and read it: more than to keep the log,
-- for it changes what is recorded.
--   select auditrum.let_erase('privacy');
-- The erasure runs as the owner of the log, so that the role changes nothing else.
CREATE OR REPLACE FUNCTION :schema.let_erase(eraser regrole)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  routine regprocedure;
BEGIN
  PERFORM :schema.let_read(eraser);
  FOR routine IN
    SELECT oid FROM pg_proc
    WHERE pronamespace = ':schema'::regnamespace AND proname = ANY (ARRAY['erase', 'erase_row', 'erase_statistics', 'erase_user'])
  LOOP
    EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %s', routine, eraser);
  END LOOP;
END
$function$;
`,
  'functions/let_maintain': `-- Lets a role keep the log: make partitions, let go of what is old, seal. What it calls
-- runs as the owner of the log, so that it cannot change a single event by itself:
--   select auditrum.let_maintain('operators');
CREATE OR REPLACE FUNCTION :schema.let_maintain(keeper regrole)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  routine regprocedure;
BEGIN
  EXECUTE format('GRANT USAGE ON SCHEMA :schema TO %s', keeper);
  FOR routine IN
    SELECT oid FROM pg_proc
    WHERE pronamespace = ':schema'::regnamespace AND proname = ANY (ARRAY[
      'close_overflow', 'create_partitions', 'maintain', 'maintain_step', 'purge', 'run_maintenance', 'seal'
    ])
  LOOP
    EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %s', routine, keeper);
  END LOOP;
  -- and hear of the log's health
  EXECUTE format(
    'GRANT EXECUTE ON FUNCTION :schema.log_status(), :schema.log_costs(interval, boolean), :schema.hardened(), :schema.conditions() TO %s',
    keeper);
END
$function$;
`,
  'functions/let_read': `-- Lets a role read the log, and tables as they were:
--   select auditrum.let_read('support');
-- It gets nothing by which anything could be changed: what it undoes it writes by
-- its own rights on the tables. Of a table as it was it sees what has not changed
-- since by these rights, too.
CREATE OR REPLACE FUNCTION :schema.let_read(reader regrole)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  name text;
BEGIN
  EXECUTE format('GRANT USAGE ON SCHEMA :schema TO %s', reader);
  EXECUTE format('GRANT SELECT ON :schema.auditlog, :schema.contexts, :schema.purges, :schema.erasures, :schema.audit_seal, :schema.audit_leaf TO %s', reader);
  EXECUTE format('GRANT SELECT (id) ON :schema.audit_event TO %s', reader);
  FOREACH name IN ARRAY ARRAY[
    'after_condition', 'arrival_before', 'as_of', 'blame', 'bounded_id', 'changed_keys', 'changes', 'column_history',
    'column_periods', 'column_types', 'columns_over_time', 'conditions', 'event_after', 'event_before', 'event_labels', 'event_page',
    'event_places', 'events_at', 'hardened', 'history', 'id_parts', 'image_expression', 'is_after', 'is_later', 'is_readable', 'is_row',
    'is_same_value', 'key_at', 'key_columns', 'key_condition', 'key_expression', 'key_join', 'key_parts',
    'keyless_verification', 'known_column', 'known_since', 'label', 'last_touches', 'life_start', 'live_checksums', 'live_condition',
    'live_id', 'live_row', 'live_table', 'log_costs', 'log_status', 'logged_balance', 'logged_columns', 'logged_difference',
    'misplaced_rows', 'moment_parts', 'object_id', 'past_columns', 'past_image', 'past_lists', 'past_moment', 'past_of', 'past_row',
    'past_rows', 'past_rows_of', 'past_version', 'plain_past', 'readable_image', 'reference_labels', 'revert', 'row_as_of',
    'row_blame', 'row_events', 'row_id', 'row_label', 'row_then', 'row_type_table', 'rows_known', 'sealed_event', 'shape_at', 'table_id',
    'table_past', 'tracked_tables', 'truncations_after', 'undo', 'undo_astray', 'undo_changes', 'undo_context',
    'undo_effects', 'undo_events', 'undo_foreign_keys', 'undo_image', 'undo_keys', 'undo_lines', 'undo_links', 'undo_live',
    'undo_moved', 'undo_order', 'undo_pending', 'undo_referenced', 'undo_references', 'undo_refusal', 'undo_report',
    'undo_rows', 'undo_script', 'undo_sql', 'undo_statements', 'undo_table', 'undo_truncated', 'undo_verdicts', 'undo_with',
    'verification', 'verification_shapes', 'verify', 'verify_blocks', 'verify_chain', 'verify_events', 'verify_links', 'verify_records',
    'verify_relations', 'verify_table', 'verify_tables', 'warn_of_gaps'
  ] LOOP
    EXECUTE format('GRANT EXECUTE ON FUNCTION :schema.%I TO %s', name, reader);
  END LOOP;
END
$function$;
`,
  'functions/life_start': `-- From which event on an object_id meant the row that it meant just before an
-- event: keys are used again, by other rows. The event that gave the row the
-- key, or the one behind that in which another row lost it; 0 if there is none.
-- As event_after it is planned once.
CREATE OR REPLACE FUNCTION :schema.life_start(tracked_id integer, object_id text, before bigint)
RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET jit = off
AS $function$
BEGIN
  RETURN (
    SELECT coalesce(max(bound.id), 0)
    FROM (
      (
        SELECT event.id + CASE WHEN event.operation = 'D' THEN 1 ELSE 0 END AS id
        FROM :schema.audit_event AS event
        WHERE event.table_id = $1 AND event.object_id = $2 AND event.id < $3
          AND (event.operation IN ('I', 'S', 'D') OR event.old_object_id IS NOT NULL)
        ORDER BY event.id DESC
        LIMIT 1
      )
      UNION ALL
      (
        SELECT event.id + 1
        FROM :schema.audit_event AS event
        WHERE event.table_id = $1 AND event.old_object_id = $2 AND event.id < $3
        ORDER BY event.id DESC
        LIMIT 1
      )
      UNION ALL
      (
        -- a truncation of the whole table: of a partition it is not known whose rows
        SELECT event.id + 1
        FROM :schema.audit_event AS event
        WHERE event.table_id = $1 AND event.object_id IS NULL AND event.operation = 'T' AND event.meta IS NULL AND event.id < $3
        ORDER BY event.object_id DESC, event.id DESC  -- the index of rows has this order
        LIMIT 1
      )
    ) AS bound
  );
END
$function$;
`,
  'functions/live_checksums': `-- SQL that gives of each live row of a table its object_id, its branch (the
-- partition, child or table that holds it) and place there, and for each shape from \`first\` on
-- the checksum of what is compared, as last_touches makes it of events.
CREATE OR REPLACE FUNCTION :schema.live_checksums(tracked_id integer, relation oid, declaration jsonb, shapes jsonb, first integer, seed bigint)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  WITH RECURSIVE tree (oid) AS (
    SELECT $2
    UNION SELECT inherits.inhrelid FROM tree JOIN pg_inherits AS inherits ON inherits.inhparent = tree.oid
  ), branch AS (
    -- a partitioned table is read as a whole; a child of inheritance has columns of its own
    SELECT class.oid, CASE class.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END || class.oid::regclass AS source
    FROM tree JOIN pg_class AS class ON class.oid = tree.oid
    WHERE class.oid = $2
      OR NOT class.relispartition AND EXISTS (
        SELECT FROM pg_trigger AS trigger
        WHERE trigger.tgrelid = class.oid AND trigger.tgname = :'trigger'
          AND trigger.tgfoid = to_regprocedure(format('%I.%I()', :'schema', 'capture_' || tracked_id))
      )
  ), image AS (
    SELECT position,
      CASE
        WHEN document -> 'renamed' <> 'null' THEN format(
          'own.image - %L::text[] || %s',
          ARRAY(SELECT value FROM jsonb_each_text(shapes -> -1 -> 'map')),
          (
            -- jsonb_build_object takes 100 arguments
            SELECT string_agg(chunk.object, ' || ')
            FROM (
              SELECT format('jsonb_build_object(%s)', string_agg(format('%L, own.image -> %L', key, value), ', ')) AS object
              FROM jsonb_each_text(document -> 'renamed') WITH ORDINALITY AS pair (key, value, place)
              GROUP BY place / 40
            ) AS chunk
          )
        )
        WHEN document -> 'unread' <> '[]' THEN format('own.image - %L::text[]', ARRAY(SELECT jsonb_array_elements_text(document -> 'unread')))
        ELSE 'own.image'
      END AS expression
    FROM jsonb_array_elements(shapes) WITH ORDINALITY AS known (document, position)
    WHERE position >= first
  )
  SELECT string_agg(
    format(
      'SELECT %s AS id, live.tableoid AS branch, live.ctid AS place, ARRAY[%s] AS checksums FROM %s AS live CROSS JOIN LATERAL (SELECT to_jsonb(live.*) AS raw OFFSET 0) AS read CROSS JOIN LATERAL (SELECT %s AS image) AS own',
      :schema.live_id(relation),
      (SELECT string_agg(format('hashtextextended((%s)::text, %s)', expression, seed), ', ' ORDER BY position) FROM image),
      branch.source,
      :schema.image_expression('read.raw', branch.oid, declaration)
    ),
    ' UNION ALL '
  )
  FROM branch
$function$;
`,
  'functions/live_condition': `-- SQL that finds the live row, called live, that has an object_id. Of a long
-- key that is only a hash: no index knows it. Of an array or a record it is JSON,
-- which is not how the type reads it.
CREATE OR REPLACE FUNCTION :schema.live_condition(relation oid, object_id text)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  condition text := coalesce(
    :schema.key_condition(relation, 'live', '=', :schema.id_parts(object_id, cardinality(:schema.key_columns(relation)))),
    'false'
  );
BEGIN
  IF object_id ~ '^md5 [0-9a-f]{32}$' OR condition = 'false' AND EXISTS (
    SELECT FROM :schema.key_parts(relation) AS part
    JOIN pg_type AS type ON type.oid = to_regtype(part.type)
    WHERE type.typcategory IN ('A', 'C')
  ) THEN
    RETURN format('%s = %L', :schema.live_id(relation), object_id);
  END IF;
  RETURN condition;
END
$function$;
`,
  'functions/live_id': `-- SQL for the object_id of a live row, called live, as its events have it: for
-- functions with the same settings as those that write them.
CREATE OR REPLACE FUNCTION :schema.live_id(relation oid)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT format(
    CASE
      WHEN bool_and(type IN ('smallint', 'integer', 'bigint', 'boolean', 'uuid', 'date', 'timestamp without time zone', 'timestamp with time zone'))
      THEN '(%s)'
      ELSE ':schema.bounded_id(%s)'
    END,
    :schema.key_expression(
      format('jsonb_build_object(%s)', string_agg(format('%1$L, live.%1$I', name), ', ' ORDER BY number)),
      array_agg(name ORDER BY number)
    )
  )
  FROM :schema.key_parts(relation)
$function$;
`,
  'functions/live_row': `-- The row that has an object_id now, as the log would hold it; null without one.
CREATE OR REPLACE FUNCTION :schema.live_row(relation oid, object_id text)
RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO'
SET IntervalStyle = 'postgres'
SET extra_float_digits = '1'
SET bytea_output = 'hex'
SET lc_monetary = 'C'
SET array_nulls = on
SET xmloption = content
AS $function$
DECLARE
  live jsonb;
BEGIN
  IF relation IS NOT NULL THEN
    EXECUTE format('SELECT to_jsonb(live.*) FROM %s AS live WHERE %s LIMIT 1', relation::regclass, :schema.live_condition(relation, object_id)) INTO live;
  END IF;
  RETURN live;
END
$function$;
`,
  'functions/live_table': `-- The table that a tracked id stands for now: the one that carries its trigger,
-- else the one of its last known name; null where it is gone.
CREATE OR REPLACE FUNCTION :schema.live_table(tracked_id integer)
RETURNS oid
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $function$
BEGIN
  RETURN (
    SELECT coalesce(
      (
        SELECT trigger.tgrelid
        FROM pg_trigger AS trigger
        WHERE trigger.tgfoid = to_regprocedure(format('%I.%I()', :'schema', 'capture_' || tracked_id))
          AND trigger.tgname = :'trigger' AND trigger.tgparentid = 0
          AND :schema.tracked_id(trigger.tgrelid) = $1
        LIMIT 1
      ),
      (
        SELECT class.oid
        FROM :schema.audit_table AS known
        JOIN pg_namespace AS namespace ON namespace.nspname = known.schema_name
        JOIN pg_class AS class ON class.relnamespace = namespace.oid AND class.relname = known.table_name
        WHERE known.id = $1 AND class.relkind IN ('r', 'p')
          AND :schema.tracked_id(class.oid) IS NULL
      )
    )
  );
END
$function$;
`,
  'functions/lock_holders': `-- In words, who may be in the way of a lock on a partition, or on anything of the
-- log: who holds one, else whose snapshot is old, as far as that is shown.
CREATE OR REPLACE FUNCTION :schema.lock_holders(partition text)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  WITH holder AS (
    SELECT DISTINCT lock.pid
    FROM pg_locks AS lock
    JOIN pg_class AS class ON class.oid = lock.relation
    WHERE lock.granted AND lock.pid IS DISTINCT FROM pg_backend_pid()
      AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND class.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = :'schema') AND class.relname = coalesce(partition, class.relname)
  ), named AS (
    SELECT coalesce(pid::text, 'of prepared transactions') AS name FROM holder
    UNION ALL
    SELECT activity.pid::text
    FROM pg_stat_activity AS activity
    WHERE NOT EXISTS (SELECT FROM holder) AND activity.datname = current_database()
      AND activity.backend_xmin IS NOT NULL AND activity.pid <> pg_backend_pid()
    ORDER BY 1
    LIMIT 5
  )
  SELECT coalesce('It waits for processes ' || string_agg(name, ', ') || '.', 'It waits for transactions that began before.')
    || ' Nothing else is held up, and the next run tries again.'
  FROM named
$function$;
`,
  'functions/lock_log': `-- Locks what every write needs, for an instant, under the lock_timeout of the
-- caller: writers wait no longer than that for us. While somebody who has been
-- at it for longer than that holds a lock, such as a backup or a report, we do
-- not even queue, for all writers would queue behind us, in vain.
--
-- How long somebody has been at it is told by looking twice: when transactions of
-- others began, pg_stat_activity shows only to who may read all statistics, while
-- everybody sees in pg_locks who holds what.
CREATE OR REPLACE FUNCTION :schema.lock_log(logs text[], patience interval)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  own_timeout CONSTANT text := current_setting('lock_timeout');
  attempts CONSTANT integer := 8;
  names    text := (SELECT string_agg(format('ONLY :schema.%I', log), ', ') FROM unnest(logs) AS log);
  held     jsonb;  -- who holds a lock now, as {virtual transaction: pid}
  seen     jsonb := '{}';  -- since when they have been seen, as {virtual transaction: time}
  early    text[];  -- those whose beginning was not seen, of this attempt
  long     text[];  -- those that have been seen for longer than we are patient
  holders  text;
BEGIN
  FOR attempt IN 1..attempts LOOP
    IF attempt > 1 THEN
      PERFORM pg_sleep(0.05 * attempt * (1 + random()));
    END IF;
    early := NULL;
    LOOP
      held := (
        SELECT coalesce(jsonb_object_agg(lock.virtualtransaction, lock.pid), '{}')
        FROM pg_locks AS lock
        WHERE lock.granted AND lock.pid IS DISTINCT FROM pg_backend_pid()
          AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND lock.relation IN (SELECT to_regclass(format(':schema.%I', log)) FROM unnest(logs) AS log)
      );
      seen := (
        SELECT coalesce(jsonb_object_agg(holder.key, coalesce(seen -> holder.key, to_jsonb(clock_timestamp()))), '{}')
        FROM jsonb_each(held) AS holder
      );
      early := ARRAY(SELECT key FROM jsonb_object_keys(held) AS key WHERE early IS NULL OR key = ANY (early));
      long := ARRAY(SELECT key FROM jsonb_each_text(seen) WHERE value::timestamptz <= clock_timestamp() - patience);
      EXIT WHEN early = '{}' OR long <> '{}';
      PERFORM pg_sleep(least(0.05, extract(epoch FROM patience) / 4));
    END LOOP;
    holders := (
      SELECT string_agg(holder.name, ', ' ORDER BY holder.name)
      FROM (
        SELECT DISTINCT coalesce(held ->> key, 'of prepared transactions') AS name
        FROM unnest(long) AS key
        ORDER BY name
        LIMIT 3
      ) AS holder
    );
    CONTINUE WHEN long <> '{}';
    BEGIN
      -- who reads one log and then the other waits for us with the first in hand: we give way before
      -- that is taken for a deadlock, which would end him or us
      PERFORM set_config('lock_timeout', (
        SELECT min(CASE name WHEN 'deadlock_timeout' THEN greatest(setting::integer / 2, 1) ELSE nullif(setting::integer, 0) END)
        FROM pg_settings WHERE name IN ('deadlock_timeout', 'lock_timeout')
      )::text, true);
      EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', names);
      PERFORM set_config('lock_timeout', own_timeout, true);
      RETURN;
    EXCEPTION WHEN lock_not_available THEN
      NULL;
    END;
  END LOOP;
  RAISE EXCEPTION USING
    ERRCODE = 'lock_not_available',
    MESSAGE = format('The log could not be locked in %s attempts of %s.', attempts, patience),
    HINT = coalesce(
      'Processes ' || holders || ' held a lock all along. Nothing was changed, and writers were not held up: the next run tries again.',
      'Nothing was changed: the next run tries again.'
    );
END
$function$;
`,
  'functions/log_costs': `-- What the events of the last days take, by table and column, as a sample of them
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
      coalesce(substring(pg_get_expr(part.relpartbound, part.oid) FROM $bound$TO \\('([^']+)'\\)$bound$)::timestamptz, 'infinity') > since
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
`,
  'functions/log_start': `-- From when on the log has its partitions; null where it has all. After a purge it
-- has, too: what that took is noted with each table (known_since). It looks for what
-- tells at once that some are gone; a gap that somebody left between two of them
-- mend_log finds.
CREATE OR REPLACE FUNCTION :schema.log_start()
RETURNS timestamptz
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET "TimeZone" = 'UTC'
SET "DateStyle" = 'ISO'
AS $function$
BEGIN
  RETURN (
    WITH part AS NOT MATERIALIZED (
      SELECT inhrelid AS relation FROM pg_inherits
      WHERE inhparent = ':schema.audit_event'::regclass AND NOT inhdetachpending
    ), bound (text) AS NOT MATERIALIZED (
      -- null of one that was dropped after the snapshot was taken
      SELECT pg_get_expr((SELECT relpartbound FROM pg_class WHERE oid = relation), relation) FROM part
    )
    -- the first begins at MINVALUE, and each other where one ends: else somebody dropped what was between
    SELECT CASE
      WHEN NOT EXISTS (SELECT FROM bound WHERE bound.text LIKE '%FROM (MINVALUE)%')
        OR EXISTS (SELECT FROM part WHERE pg_relation_filenode(part.relation) IS NULL)
      THEN (
        SELECT max(substring(own.since FROM $pattern$'([^']+)'$pattern$)::timestamptz)
        FROM (SELECT split_part(substring(bound.text FROM '^FOR VALUES FROM (.*)$'), ' TO ', 1) AS since FROM bound) AS own
        WHERE own.since <> '(MINVALUE)' AND own.since NOT IN (SELECT split_part(bound.text, ' TO ', 2) FROM bound WHERE bound.text IS NOT NULL)
      )
    END
  );
END
$function$;
`,
  'functions/log_status': `-- What status says of the log's content, for those who may read the log. Looks at
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
`,
  'functions/logged_balance': `-- How often the log says that a table without a primary key holds each row, by
-- checksum, where it was empty at first; a single null where an event does not
-- tell: of other columns than now (until \`since\`), or not of the whole row.
CREATE OR REPLACE FUNCTION :schema.logged_balance(tracked_id integer, unread text[], since timestamptz, seed bigint)
RETURNS TABLE (checksum bigint, number bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $function$
#variable_conflict use_column
DECLARE
  emptied bigint := coalesce((
    SELECT max(event.id) FROM :schema.audit_event AS event
    WHERE event.table_id = tracked_id AND event.object_id IS NULL AND event.operation = 'T' AND event.meta IS NULL
  ), 0);
BEGIN
  IF EXISTS (
    SELECT FROM :schema.audit_event AS event
    WHERE event.table_id = tracked_id AND event.id > emptied
      AND (event.operation NOT IN ('I', 'U', 'D') OR event.image <> 'f' OR event.redacted <> '{}' OR event.changed_at <= since)
  ) THEN
    RETURN QUERY SELECT NULL::bigint, NULL::bigint;
  ELSE
    RETURN QUERY
      SELECT hashtextextended((change.image - unread)::text, seed), sum(change.number)::bigint
      FROM :schema.audit_event AS event
      CROSS JOIN LATERAL (VALUES (event.new, 1), (CASE event.operation WHEN 'U' THEN event.new || event.old ELSE event.old END, -1)) AS change (image, number)
      WHERE event.table_id = tracked_id AND event.id > emptied AND change.image IS NOT NULL
      GROUP BY 1
      HAVING sum(change.number) <> 0;
  END IF;
END
$function$;
`,
  'functions/logged_columns': `-- A row as its events tell, up to one of them, under the present names of its
-- columns: what was written last of each that is compared (verification_shapes).
--
--   whole  whether that is the whole row
CREATE OR REPLACE FUNCTION :schema.logged_columns(
  tracked_id integer, object_id text, event_id bigint, shapes jsonb, OUT state jsonb, OUT whole boolean
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET TimeZone = 'UTC'
SET jit = off
AS $function$
DECLARE
  key     text := object_id;
  bound   bigint := event_id + 1;
  blocked text[] := '{}';  -- changed later, and nobody wrote down to what
  erased  text[];
  shape   jsonb;
  event   record;
  image   record;
BEGIN
  state := '{}';
  whole := false;
  LOOP
    SELECT previous.* INTO event
    FROM :schema.event_before(tracked_id, key, bound, '{"at": "infinity"}') AS previous;
    EXIT WHEN NOT FOUND;
    bound := event.id;
    CONTINUE WHEN event.operation = 'T' AND event.meta IS NOT NULL;
    EXIT WHEN event.operation IN ('D', 'T') OR event.object_id <> key;
    SELECT nullif(log.redacted, '{}') INTO erased FROM :schema.audit_event AS log WHERE log.id = event.id AND log.changed_at = event.changed_at;
    image := :schema.past_image(jsonb_build_object('shapes', shapes), event.new, event.image = 'f', event.changed_at);
    shape := shapes -> image.shape;
    state := (
      image.exact - coalesce(erased, '{}') - blocked
      - ARRAY(SELECT shape -> 'map' ->> name FROM jsonb_array_elements_text(shape -> 'unsaid') AS name)
    ) || state;
    whole := event.image = 'f' AND blocked = '{}' AND erased IS NULL;
    EXIT WHEN event.operation IN ('I', 'S') OR event.image = 'f';
    blocked := blocked
      || ARRAY(SELECT shape -> 'map' ->> name FROM unnest(event.masked || erased) AS name WHERE NOT shape -> 'unsaid' ? name)
      || ARRAY(SELECT jsonb_object_keys(image.loose));
    key := coalesce(event.old_object_id, event.object_id);
  END LOOP;
END
$function$;
`,
  'functions/logged_difference': `-- In which columns a live row differs from what its events tell. The row is found
-- by its place (tableoid and ctid), in the snapshot that found the place.
--
--   names  of these columns; null where the key is that of several rows
--   whole  whether the log tells of all columns
CREATE OR REPLACE FUNCTION :schema.logged_difference(
  tracked_id integer, relation oid, branch oid, place tid, object_id text, event_id bigint, shapes jsonb, types jsonb, has_children boolean,
  OUT names text[], OUT whole boolean
)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  told      record := :schema.logged_columns(tracked_id, object_id, event_id, shapes);
  live      jsonb;
  number    bigint := 1;
  name      text;
  is_same   boolean;
BEGIN
  IF has_children THEN
    EXECUTE format('SELECT count(*) FROM %s AS live WHERE %s', relation::regclass, :schema.live_condition(relation, object_id)) INTO number;
  END IF;
  IF number <> 1 THEN
    RETURN;
  END IF;
  EXECUTE format(
    'SELECT to_jsonb(live.*) FROM %s AS live WHERE live.tableoid = %s AND live.ctid = %L',
    CASE
      -- who may read a partitioned table may not always read its partitions by themselves
      WHEN branch <> relation AND NOT has_children AND (NOT has_table_privilege(branch, 'SELECT') OR row_security_active(branch))
      THEN relation::regclass::text
      ELSE 'ONLY ' || branch::regclass
    END,
    branch, place
  )
  INTO live;
  IF live IS NULL THEN
    RETURN;
  END IF;
  names := '{}';
  whole := told.whole;
  FOR name IN
    SELECT key FROM jsonb_each(told.state) WHERE live ? key AND value::text <> (live -> key)::text ORDER BY key
  LOOP
    is_same := CASE WHEN types ? name THEN :schema.is_same_value(told.state -> name, live -> name, types ->> name) ELSE false END;
    IF is_same IS FALSE THEN
      names := names || name;
    ELSIF is_same IS NULL THEN
      whole := false;
    END IF;
  END LOOP;
END
$function$;
`,
  'functions/logged_row': `-- A row of a tracked table as the log had it last, before an event, by its
-- object_id: its last whole image, and over it the columns that changed since.
-- Null where there is no whole one.
CREATE OR REPLACE FUNCTION :schema.logged_row(tracked_id integer, object_id text, before bigint DEFAULT 9223372036854775807)
RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
#variable_conflict use_column
DECLARE
  last  record;
  later jsonb;
BEGIN
  SELECT known.*
  INTO last
  FROM (
    (
      SELECT event.id, event.image, event.old_object_id, coalesce(event.new, event.old) AS row
      FROM :schema.audit_event AS event
      WHERE event.table_id = $1 AND event.object_id = $2 AND event.id < before
        -- one that a part tells of had another key
        AND (event.image = 'f' OR event.image = 'c' AND event.old_object_id IS NOT NULL)
      ORDER BY event.id DESC
      LIMIT 1
    )
    UNION ALL
    (
      -- when it was given another key
      SELECT event.id, event.image, NULL, event.new || event.old
      FROM :schema.audit_event AS event
      WHERE event.table_id = $1 AND event.old_object_id = $2 AND event.id < before AND event.image = 'f'
      ORDER BY event.id DESC
      LIMIT 1
    )
  ) AS known
  ORDER BY known.id DESC
  LIMIT 1;
  IF last.id IS NULL THEN
    RETURN NULL;
  ELSIF last.image = 'c' THEN
    last.row := :schema.logged_row(tracked_id, last.old_object_id, last.id) || last.row;
  END IF;
  SELECT :schema.folded(array_agg(event.new ORDER BY event.id))
  INTO later
  FROM :schema.audit_event AS event
  WHERE event.table_id = $1 AND event.object_id = $2 AND event.id > last.id AND event.id < before AND event.image = 'c';
  RETURN last.row || coalesce(later, '{}');
END
$function$;
`,
  'functions/lost_leaves': `-- The last block of the chain, if its hashes are gone and retention did not take them.
CREATE OR REPLACE FUNCTION :schema.lost_leaves()
RETURNS bigint
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT last.id
  FROM (SELECT own.id FROM :schema.audit_seal AS own WHERE own.entry ->> 'kind' = 'block' ORDER BY own.id DESC LIMIT 1) AS last
  WHERE CASE WHEN NOT EXISTS (SELECT FROM :schema.audit_leaf AS leaf WHERE leaf.block = last.id) THEN :schema.verify_blocks(last.id, last.id) <> '[]' END
$function$;
`,
  'functions/maintain': `-- The log's housekeeping, to be called about once a day: by a timer in the
-- application, by pg_cron, by hand. Makes partitions ahead; closes an overflow
-- that holds rows; lets go of what is older than the tables' retention; and notes
-- for each tracked table its present name and columns and that its triggers are
-- in place. Returns what it did.
--
-- What is large is done in steps, each of which is to be a transaction of its
-- own, or writers would wait for it: as long as this returns "pending": true there
-- are more. run_maintenance() does all of them, and so do the packages for Node.
CREATE OR REPLACE FUNCTION :schema.maintain()
RETURNS jsonb
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT :schema.maintain_step()
$function$;
`,
  'functions/maintain_step': `-- One step of the log's housekeeping (maintain), in a transaction of its own, and
-- what it did. "pending" says whether there are more, "blocked" what could not be
-- done, and why. Of several at a time one does the work.
--
--   detach  false: the caller detaches old partitions, as purge_drop says
--   part    partitions or purge: that alone
CREATE OR REPLACE FUNCTION :schema.maintain_step(
  patience interval DEFAULT '2 seconds', detach boolean DEFAULT true, part text DEFAULT NULL
)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $function$
DECLARE
  partitions text[] := '{}';
  attached   text[] := '{}';
  shapes     text[] := '{}';
  closing    text;
  purge_id   bigint;
  purge      jsonb;
  blocked    text;
  hint       text;
  is_again   boolean := false;  -- there is more to do, by another step
BEGIN
  IF part IS DISTINCT FROM 'purge' THEN
    PERFORM set_config('lock_timeout', '30s', true);
    IF part IS NULL THEN
      -- a step of a purge follows, which takes it; first, as in erase and seal
      LOCK TABLE :schema.audit_seal IN SHARE ROW EXCLUSIVE MODE;
    END IF;
    -- one at a time, as in create_partitions and track; nobody else waits behind us
    LOCK TABLE :schema.audit_setting IN SHARE ROW EXCLUSIVE MODE;
  END IF;
  PERFORM set_config('lock_timeout', ceil(extract(epoch FROM patience) * 1000)::text, true);
  IF part IS DISTINCT FROM 'purge' THEN
    -- tracked now: carries its own trigger, enabled
    WITH live AS (
      SELECT DISTINCT ON (known.id) known.id, class.oid, namespace.nspname, class.relname
      FROM :schema.audit_table AS known
      JOIN pg_trigger AS trigger
        ON trigger.tgfoid = to_regprocedure(format('%I.%I()', :'schema', 'capture_' || known.id))
      JOIN pg_class AS class ON class.oid = trigger.tgrelid
      JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
      WHERE trigger.tgname = :'trigger' AND trigger.tgenabled IN ('O', 'A') AND trigger.tgparentid = 0
      -- an inheritance child calls the function of its parent
      ORDER BY known.id, (SELECT count(*) FROM pg_inherits WHERE inhrelid = class.oid), class.oid
    ), confirmed AS (
      UPDATE :schema.audit_table AS known
      SET confirmed_at = clock_timestamp(), schema_name = live.nspname, table_name = live.relname
      FROM live
      WHERE known.id = live.id
        -- who holds one is at it as well, or begins a purge
        AND known.id IN (SELECT own.id FROM :schema.audit_table AS own FOR NO KEY UPDATE SKIP LOCKED)
    )
    SELECT coalesce(array_agg(live.oid::regclass::text), '{}')
    INTO shapes
    FROM live
    WHERE :schema.record_shape(live.id, live.oid);
  END IF;

  IF part IS DISTINCT FROM 'purge' THEN
    BEGIN
      attached := ARRAY(SELECT :schema.attach_again(log, patience) FROM unnest(ARRAY['audit_event', 'audit_context']) AS log);
      -- which may take long: the rest is the next step's, for it locks the log
      is_again := attached <> '{}';
      closing := CASE WHEN NOT is_again THEN :schema.close_overflow(patience) END;
      IF closing IS NULL AND NOT is_again THEN
        partitions := ARRAY(SELECT :schema.create_partitions(patience => patience));
        partitions := partitions || ARRAY(SELECT :schema.mend_log());
        SELECT obstacle.message, obstacle.remedy INTO blocked, hint FROM :schema.overflow_obstacle() AS obstacle;
      END IF;
    EXCEPTION WHEN lock_not_available THEN
      GET STACKED DIAGNOSTICS blocked = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
      IF hint = '' THEN
        -- PostgreSQL's own words say nothing of who it was
        blocked := format('The log could not be kept, for somebody held a lock that it takes for longer than %s.', patience);
        hint := :schema.lock_holders(NULL);
      END IF;
    WHEN deadlock_detected THEN
      is_again := true;
    END;
  END IF;

  -- after a step of closing a lock on the overflow is held until this transaction ends
  IF closing IS NULL AND part IS DISTINCT FROM 'partitions' THEN
    BEGIN
      SELECT known.id INTO purge_id FROM :schema.audit_purge AS known
      WHERE known.finished_at IS NULL
      ORDER BY known.id
      LIMIT 1
      FOR UPDATE SKIP LOCKED;
      IF purge_id IS NOT NULL THEN
        purge := :schema.purge_step(purge_id, detach, patience);
      ELSE
        -- the first step is the next call's, so that others see soon that it is under way
        purge_id := :schema.purge_start(NULL, NULL, true);
        purge := :schema.purge_report(purge_id) || '{"pending": true}';
      END IF;
    EXCEPTION WHEN lock_not_available THEN
      GET STACKED DIAGNOSTICS blocked = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
      IF hint = '' THEN
        -- PostgreSQL's own words say nothing of who it was
        blocked := format('The log could not be kept, for somebody held a lock that it takes for longer than %s.', patience);
        hint := :schema.lock_holders(NULL);
      END IF;
    END;
  END IF;

  RETURN jsonb_build_object(
    'partitions', partitions,
    'shapes', shapes,
    'pending', closing IS NOT NULL OR is_again OR coalesce((purge -> 'pending')::boolean, false)
  ) || jsonb_strip_nulls(jsonb_build_object(
    'attached', nullif(attached, '{}'),
    'closing', closing,
    'purge', purge - 'detach' - 'pending',
    'detach', purge -> 'detach',
    'blocked', blocked || coalesce(' ' || nullif(hint, ''), '')
  ));
END
$function$;
`,
  'functions/make_private': `-- Takes every privilege on a new object of the log from everybody but its
-- owner: the default privileges of the role that created it may have opened it.
--   catalogue: pg_namespace, pg_class or pg_proc
CREATE OR REPLACE FUNCTION :schema.make_private(catalogue regclass, object oid)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  grantee record;
BEGIN
  FOR grantee IN
    SELECT DISTINCT private.kind, private.name, coalesce(quote_ident(role.rolname), 'PUBLIC') AS role
    FROM (
      SELECT 'SCHEMA' AS kind, quote_ident(nspname) AS name, nspowner AS owner, coalesce(nspacl, acldefault('n', nspowner)) AS acl
      FROM pg_namespace
      WHERE catalogue = 'pg_namespace'::regclass AND oid = object
      UNION ALL
      SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, oid::regclass::text, relowner, relacl
      FROM pg_class
      WHERE catalogue = 'pg_class'::regclass AND oid = object AND relkind IN ('r', 'p', 'v', 'S')
      UNION ALL
      SELECT 'ROUTINE', oid::regprocedure::text, proowner, coalesce(proacl, acldefault('f', proowner))
      FROM pg_proc
      WHERE catalogue = 'pg_proc'::regclass AND oid = object
    ) AS private
    CROSS JOIN aclexplode(private.acl) AS privilege
    LEFT JOIN pg_roles AS role ON role.oid = privilege.grantee
    WHERE privilege.grantee <> private.owner
  LOOP
    EXECUTE format('REVOKE ALL ON %s %s FROM %s CASCADE', grantee.kind, grantee.name, grantee.role);
  END LOOP;
END
$function$;
`,
  'functions/mend_log': `-- Where somebody dropped partitions by hand: the log remembers that it knows
-- nothing of what was before, and has a partition for all times again. Returns the
-- names of the new ones.
DROP FUNCTION IF EXISTS :schema.mend_log();  -- it returned nothing
CREATE OR REPLACE FUNCTION :schema.mend_log()
RETURNS SETOF text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  since timestamptz := (SELECT max(gap.until) FROM :schema.partition_gaps('audit_event') AS gap);
BEGIN
  IF EXISTS (SELECT FROM :schema.audit_purge WHERE finished_at IS NULL) THEN
    RETURN;  -- it was a purge, which mends that itself, and knows better what is gone
  END IF;
  IF since IS NOT NULL THEN
    UPDATE :schema.audit_table SET purged_until = greatest(purged_until, since);
  END IF;
  RETURN QUERY SELECT :schema.mend_start('audit_event');
  RETURN QUERY SELECT :schema.mend_start('audit_context');
END
$function$;
`,
  'functions/mend_start': `-- Where partitions are gone, an empty one takes their place, so that a write has a
-- home whatever the clock says. Waits for nobody who reads or writes. Returns the
-- names of the new ones.
DROP FUNCTION IF EXISTS :schema.mend_start(text);  -- it returned nothing
CREATE OR REPLACE FUNCTION :schema.mend_start(log text)
RETURNS SETOF text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET "TimeZone" = 'UTC'
AS $function$
DECLARE
  gap  record;
  name text;
BEGIN
  IF NOT EXISTS (SELECT FROM :schema.partition_gaps(log)) THEN
    RETURN;
  END IF;
  -- what attaching takes as well; first, for another purge may be mending it now
  EXECUTE format('LOCK TABLE ONLY :schema.%I IN SHARE UPDATE EXCLUSIVE MODE', log);
  FOR gap IN SELECT * FROM :schema.partition_gaps(log) LOOP
    name := log || '_before_' || to_char(gap.until, 'YYYY_MM_DD');
    -- what a purge has noted by that name it would take for the one that is to go
    WHILE to_regclass(format('%I.%I', :'schema', name)) IS NOT NULL
      OR EXISTS (SELECT FROM :schema.audit_purge AS purge WHERE name = ANY (purge.partitions) OR name = purge.leaver)
    LOOP
      name := log || '_before_' || to_char(gap.until, 'YYYY_MM_DD') || to_char(clock_timestamp(), '_SSSS_US');
    END LOOP;
    EXECUTE format('CREATE TABLE %I.%I (LIKE :schema.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)', :'schema', name, log);
    PERFORM :schema.make_private('pg_class'::regclass, format('%I.%I', :'schema', name)::regclass);
    EXECUTE format('ALTER TABLE :schema.%I ATTACH PARTITION %I.%I FOR VALUES FROM (%s) TO (%L)',
      log, :'schema', name, coalesce(quote_literal(:schema.partition_bound(log, gap.since)), 'MINVALUE'), :schema.partition_bound(log, gap.until));
    RETURN NEXT name;
  END LOOP;
END
$function$;
`,
  'functions/merkle_root': `-- The root over leaf hashes of 32 bytes each: RFC 6962, 2.1. Level by level, for
-- a level has half as many nodes as the one below it, and an odd last one moves up.
CREATE OR REPLACE FUNCTION :schema.merkle_root(hashes bytea)
RETURNS bytea
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $function$
DECLARE
  level bytea := hashes || ''::bytea;  -- in memory, or each look would fetch it anew
  nodes integer := octet_length(hashes) / 32;
BEGIN
  IF nodes = 0 THEN
    RETURN sha256('');
  END IF;
  WHILE nodes > 1 LOOP
    level := (
      SELECT string_agg(
        CASE WHEN 2 * pair + 1 < nodes THEN sha256(decode('01', 'hex') || substr(level, 64 * pair + 1, 64)) ELSE substr(level, 64 * pair + 1, 32) END,
        ''::bytea ORDER BY pair
      )
      FROM generate_series(0, (nodes - 1) / 2) AS pair
    );
    nodes := (nodes + 1) / 2;
  END LOOP;
  RETURN level;
END
$function$;
`,
  'functions/misplaced_rows': `-- Whether the log has rows that no statement finds where it looks for them: in a
-- partition whose bounds they do not fit, or without the id that they are found by.
-- Returns problems as verify_relations does.
CREATE OR REPLACE FUNCTION :schema.misplaced_rows()
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET constraint_exclusion = off  -- or it would be believed that there are none
SET DateStyle = 'ISO'  -- bounds are put into queries
SET TimeZone = 'UTC'
SET jit = off
AS $function$
DECLARE
  place    record;
  is_there boolean;
  problems jsonb := '[]';
BEGIN
  FOR place IN
    SELECT part.relname, CASE
      WHEN range.bounds IS NOT NULL
        THEN concat_ws(' OR ', 'id IS NULL', own.key || ' IS NULL', own.key || ' < ' || nullif(range.bounds[1], 'MINVALUE'), own.key || ' >= ' || nullif(range.bounds[2], 'MAXVALUE'))
      -- it is gone meanwhile: of such a one this function fails
      ELSE concat_ws(' OR NOT ', 'id IS NULL', CASE WHEN own.bound IS NOT NULL THEN pg_get_partition_constraintdef(part.oid) END)
    END AS condition
    FROM pg_inherits AS link
    JOIN pg_class AS part ON part.oid = link.inhrelid
    CROSS JOIN LATERAL (
      SELECT CASE link.inhparent WHEN ':schema.audit_event'::regclass THEN 'changed_at' ELSE 'id' END AS key, pg_get_expr(part.relpartbound, part.oid) AS bound
    ) AS own
    CROSS JOIN LATERAL regexp_match(own.bound, '^FOR VALUES FROM [(](MINVALUE|''[^'']+'')[)] TO [(](MAXVALUE|''[^'']+'')[)]$') AS range (bounds)
    WHERE link.inhparent IN (':schema.audit_event'::regclass, ':schema.audit_context'::regclass) AND part.relkind = 'r'
    UNION ALL VALUES
      ('audit_seal', 'id IS NULL'),
      ('audit_erasure', 'id IS NULL'),
      ('audit_purge', 'id IS NULL'),
      ('audit_leaf', 'block IS NULL OR first_id IS NULL OR last_id IS NULL')
    ORDER BY relname
  LOOP
    BEGIN
      EXECUTE format('SELECT EXISTS (SELECT FROM ONLY :schema.%I WHERE %s)', place.relname, place.condition) INTO is_there;
    EXCEPTION WHEN undefined_table THEN
      is_there := false;  -- retention has dropped it meanwhile
    END;
    IF is_there THEN
      problems := problems || jsonb_build_array(jsonb_build_object(
        'kind', 'rewritten', 'event', NULL, 'block', NULL, 'entry', NULL,
        'message', format('%s holds a row that cannot be in it: it has no id, or is of other partitions.', place.relname)
      ));
    END IF;
  END LOOP;
  RETURN problems;
END
$function$;
`,
  'functions/missed_partition': `-- A partition that somebody has detached by hand and that maintain puts back: until then
-- the log does not know what it holds. Null where there is none.
CREATE OR REPLACE FUNCTION :schema.missed_partition()
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT part.name
  FROM unnest(ARRAY['audit_event', 'audit_context']) AS log
  CROSS JOIN LATERAL :schema.detached_partitions(log) AS part
  WHERE EXISTS (SELECT FROM :schema.partition_gaps(log))
  LIMIT 1
$function$;
`,
  'functions/moment_parts': `-- A moment as values, and from when on changes can be after it: what indexes and
-- partitions know before each change is looked at.
CREATE OR REPLACE FUNCTION :schema.moment_parts(
  moment jsonb,
  OUT at timestamptz, OUT event bigint, OUT open xid8[], OUT open_since timestamptz, OUT snapshot pg_snapshot, OUT unseen_since timestamptz,
  OUT earliest timestamptz
)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
AS $function$
BEGIN
  at := moment ->> 'at';
  event := moment ->> 'event';
  open := translate(moment ->> 'open', '[]', '{}');
  open_since := moment ->> 'open_since';
  snapshot := moment ->> 'snapshot';
  unseen_since := moment ->> 'unseen_since';
  earliest := CASE WHEN event IS NULL THEN least(at, open_since, unseen_since) ELSE '-infinity' END;
END
$function$;
`,
  'functions/names_in': `-- Which of some columns an event has values of.
CREATE OR REPLACE FUNCTION :schema.names_in(event :schema.audit_event, names text[])
RETURNS text[]
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT ARRAY(
    SELECT name
    FROM unnest(names) AS name
    WHERE event.operation <> 'T' AND (event.old ? name OR event.new ? name OR event.meta ? name)
    ORDER BY name COLLATE "C"
  )
$function$;
`,
  'functions/names_over_time': `-- The names that columns of a table have had, these included. The present ones may
-- have been given since the last sync.
CREATE OR REPLACE FUNCTION :schema.names_over_time(tracked_id integer, columns text[])
RETURNS text[]
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  WITH known (relation, attnum, name) AS (
    SELECT shape.relation, shape.attnum, shape.column_name FROM :schema.audit_shape AS shape WHERE shape.table_id = tracked_id
    UNION
    SELECT attrelid, attnum, attname FROM pg_attribute WHERE attrelid = :schema.live_table(tracked_id) AND attnum > 0 AND NOT attisdropped
  )
  SELECT ARRAY(
    SELECT unnest(columns)
    UNION
    SELECT other.name
    FROM known AS own
    JOIN known AS other ON other.relation = own.relation AND other.attnum = own.attnum
    WHERE own.name = ANY (columns)
  )
$function$;
`,
  'functions/nearest_name': `-- The name that was probably meant: the one that shares most pairs of letters
-- with what was written, if it shares half of them.
CREATE OR REPLACE FUNCTION :schema.nearest_name(wanted text, known text[])
RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT candidate.name
  FROM unnest(known) AS candidate (name)
  CROSS JOIN LATERAL (
    SELECT count(*) AS shared
    FROM (
      SELECT substr(lower(wanted), position, 2) FROM generate_series(0, length(wanted)) AS position
      INTERSECT ALL
      SELECT substr(lower(candidate.name), position, 2) FROM generate_series(0, length(candidate.name)) AS position
    ) AS pair
  ) AS likeness
  WHERE 2 * likeness.shared > greatest(length(wanted), length(candidate.name))
  ORDER BY likeness.shared DESC, candidate.name
  LIMIT 1
$function$;
`,
  'functions/object_id': `-- The object_id of a row, or of a key as people and the API give it: a scalar,
-- an array in key order, or an object (a row, or the key's columns by name).
CREATE OR REPLACE FUNCTION :schema.object_id(identity jsonb, key_columns text[])
RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT CASE
    WHEN jsonb_typeof(identity) = 'array' AND cardinality(key_columns) = 1 THEN identity ->> 0
    WHEN jsonb_typeof(identity) = 'array' THEN identity::text
    WHEN jsonb_typeof(identity) <> 'object' THEN identity #>> '{}'
    WHEN cardinality(key_columns) = 0 THEN NULL
    WHEN cardinality(key_columns) = 1 THEN identity ->> key_columns[1]
    ELSE (
      SELECT jsonb_agg(identity -> key.name ORDER BY key.position)::text
      FROM unnest(key_columns) WITH ORDINALITY AS key (name, position)
    )
  END
$function$;
`,
  'functions/overflow_obstacle': `-- What keeps the overflow from becoming a partition, and what is to be done; null
-- where nothing does. What a clock wrote that was wrong by that much would make
-- one partition of all that is to come.
CREATE OR REPLACE FUNCTION :schema.overflow_obstacle()
RETURNS TABLE (message text, remedy text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  far timestamptz := clock_timestamp() + interval '10 years';
BEGIN
  IF :schema.is_beyond('audit_event', far) OR :schema.is_beyond('audit_context', far) THEN
    message := 'A clock that was wrong wrote rows of more than ten years ahead, so that the overflow cannot become a partition: all later events go to it.';
    remedy := format(
      'Nothing is lost. As the owner of the log copy these rows elsewhere, delete them, and run maintain() again: DELETE FROM %1$I.audit_event WHERE changed_at > now() + interval ''10 years''; DELETE FROM %1$I.audit_context WHERE started_at > now() + interval ''10 years''.',
      :'schema'
    );
    RETURN NEXT;
  END IF;
END
$function$;
`,
  'functions/overflow_start': `-- The time with which the overflow partition of audit_event or audit_context
-- begins: up to there partitions were made ahead. Null before the
-- first one was made.
CREATE OR REPLACE FUNCTION :schema.overflow_start(log text)
RETURNS timestamptz
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET "TimeZone" = 'UTC'
SET "DateStyle" = 'ISO'
AS $function$
  SELECT CASE log
    WHEN 'audit_event' THEN bound::timestamptz
    WHEN 'audit_context' THEN to_timestamp((bound::bigint >> 20) / 1000.0)
  END
  FROM (
    SELECT substring(pg_get_expr(relpartbound, oid) FROM $pattern$FROM \\('([^']+)'\\)$pattern$) AS bound
    FROM pg_class
    WHERE oid = to_regclass(format('%I.%I', :'schema', log || '_overflow'))
  ) AS overflow
$function$;
`,
  'functions/partition_bound': `-- Where a time lies in the partitions of audit_event (a time) or audit_context
-- (the first id of that time), as the text of a partition bound.
CREATE OR REPLACE FUNCTION :schema.partition_bound(log text, at timestamptz)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET "TimeZone" = 'UTC'
SET "DateStyle" = 'ISO'
AS $function$
  SELECT CASE log
    WHEN 'audit_event' THEN at::text
    WHEN 'audit_context' THEN ((extract(epoch FROM at) * 1000)::bigint << 20)::text
  END
$function$;
`,
  'functions/partition_gaps': `-- The times for which a log has no partition, in which a write would have no home:
-- since is null of one that begins with the first of all times.
CREATE OR REPLACE FUNCTION :schema.partition_gaps(log text)
RETURNS TABLE (since timestamptz, until timestamptz)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT part.last_until, part.since
  FROM (
    SELECT known.since, lag(known.until) OVER (ORDER BY known.since NULLS FIRST) AS last_until
    FROM :schema.partitions_of(log) AS known
  ) AS part
  WHERE part.since IS DISTINCT FROM part.last_until AND part.since IS NOT NULL
$function$;
`,
  'functions/partition_name': `-- What a new partition is called: audit_event_2026_11, audit_event_2026_w48 or
-- audit_event_2026_11_29, by the unit; a longer one audit_event_2026_09_to_2026_11.
-- Where units were changed within one of them that name can be taken: then the
-- day is said, too.
CREATE OR REPLACE FUNCTION :schema.partition_name(log text, unit text, since timestamptz, until timestamptz)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET "TimeZone" = 'UTC'
AS $function$
  SELECT candidate.name
  FROM (
    SELECT CASE unit WHEN 'month' THEN 'YYYY_MM' WHEN 'week' THEN 'IYYY_"w"IW' ELSE 'YYYY_MM_DD' END AS by_unit, 'YYYY_MM_DD' AS by_day
  ) AS pattern
  CROSS JOIN LATERAL (
    SELECT number, log || '_' || to_char(since, pattern) || CASE
      WHEN until > since + ('1 ' || unit)::interval THEN '_to_' || to_char(until - interval '1 microsecond', pattern)
      ELSE ''
    END || suffix AS name
    FROM (VALUES (1, pattern.by_unit, ''), (2, pattern.by_day, ''), (3, pattern.by_day, to_char(clock_timestamp(), '"_"US'))) AS choice (number, pattern, suffix)
  ) AS candidate
  WHERE to_regclass(format('%I.%I', :'schema', candidate.name)) IS NULL
  ORDER BY candidate.number
  LIMIT 1
$function$;
`,
  'functions/partition_plan': `-- How long partitions are, and how many of them are made ahead: as
-- create_partitions was last told.
CREATE OR REPLACE FUNCTION :schema.partition_plan(OUT unit text, OUT ahead integer)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT coalesce(setting.value ->> 'unit', 'month'), coalesce((setting.value -> 'ahead')::integer, 3)
  FROM (VALUES (1)) AS always (one)
  LEFT JOIN :schema.audit_setting AS setting ON setting.name = 'partitions'
$function$;
`,
  'functions/partitions_of': `-- The partitions of audit_event or audit_context, oldest first, with the times
-- between which they lie: since is null of the first one, until of the overflow.
-- What is being detached (is_leaving) no longer belongs to the log for those
-- who read.
CREATE OR REPLACE FUNCTION :schema.partitions_of(log text)
RETURNS TABLE (name text, relation oid, since timestamptz, until timestamptz, is_leaving boolean)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET "TimeZone" = 'UTC'
SET "DateStyle" = 'ISO'
AS $function$
  SELECT part.relname::text, part.oid,
    CASE log WHEN 'audit_event' THEN bound.texts[1]::timestamptz ELSE to_timestamp((bound.texts[1]::bigint >> 20) / 1000.0) END AS since,
    CASE log WHEN 'audit_event' THEN bound.texts[2]::timestamptz ELSE to_timestamp((bound.texts[2]::bigint >> 20) / 1000.0) END,
    inherits.inhdetachpending
  FROM pg_inherits AS inherits
  JOIN pg_class AS part ON part.oid = inherits.inhrelid
  CROSS JOIN LATERAL regexp_matches(
    pg_get_expr(part.relpartbound, part.oid), $pattern$FROM \\((?:MINVALUE|'([^']+)')\\) TO \\((?:MAXVALUE|'([^']+)')\\)$pattern$
  ) AS bound (texts)
  WHERE inherits.inhparent = to_regclass(format('%I.%I', :'schema', log))
  ORDER BY since NULLS FIRST
$function$;
`,
  'functions/past_columns': `-- What a table looked like at a moment, and what is known of it, for the
-- functions that read its rows:
--
--   name         of the table
--   columns      [{name, type, live: its name now, same: whether its type is}]; with
--                present the columns of now, else those of named_at or the moment
--   definition   the columns as a column definition list
--   key          the names of the primary key's columns now
--   key_steady   whether every object_id that is no hash is one of such a key
--   ordered      whether none is a hash, either, as long keys are, and what stands for erased ones
--   shapes       [{until, map: {name then: name, or null: not asked for}, loose: names whose type was another}]
--   steady       no column has changed since
--   checked      {name: type} of the columns whose values of then may be none of their type now
--   ignored, unrecorded: names of columns whose changes alone are no events, that are in no event
--   recorded_since  since when every change is recorded
--   since        from when on all is known, but for what was erased; complete: whether all is at the moment
--   erased_at    before that, values may have been erased, and with keys_erased keys as well
--   truncated    the first truncation since then; truncated_parts: whether a partition was truncated
--
-- A column is told by its number, which survives renaming, except where the
-- table was created anew or restored: there by its name.
CREATE OR REPLACE FUNCTION :schema.past_columns(
  tracked_id integer, relation oid, moment jsonb, present boolean, named_at jsonb DEFAULT NULL
)
RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET TimeZone = 'UTC'
AS $function$
DECLARE
  facts       jsonb := :schema.table_past(tracked_id, relation);
  declaration jsonb := facts -> 'declaration';
  shapes      jsonb := '[]';
  shape       jsonb;
  earlier     jsonb;
  columns     jsonb;
  last        integer;
  target      integer;
  steady      boolean;
  live        jsonb;  -- the present columns, if the table is there
  ignored     jsonb;
  unrecorded  jsonb;
  key_steady  boolean;
  keys        jsonb;  -- the columns of the key in each shape
  since       timestamptz := facts ->> 'since';
  truncated   record;
  doubtful_until timestamptz;  -- at lies in a period in which a change was made that nobody recorded
  at          timestamptz := moment ->> 'at';
BEGIN
  FOR shape IN SELECT jsonb_array_elements(facts -> 'shapes') LOOP
    earlier := shapes -> -1;
    CONTINUE WHEN earlier -> 'plain' = shape -> 'columns';
    SELECT jsonb_agg(own.part || jsonb_build_object('identity', coalesce(
      (
        SELECT before.part ->> 'identity'
        FROM jsonb_array_elements(earlier -> 'columns') AS before (part)
        WHERE CASE
          WHEN coalesce(earlier ->> 'relation' = shape ->> 'relation', true) THEN before.part -> 'number' = own.part -> 'number'
          ELSE before.part -> 'name' = own.part -> 'name'
        END
      ),
      jsonb_array_length(shapes) || '.' || (own.part ->> 'number')
    )))
    INTO columns
    FROM jsonb_array_elements(shape -> 'columns') AS own (part);
    shapes := shapes || jsonb_build_array(shape || jsonb_build_object('columns', columns, 'plain', shape -> 'columns'));
  END LOOP;
  last := jsonb_array_length(shapes) - 1;
  IF relation IS NOT NULL THEN
    live := shapes -> -1 -> 'columns';
  END IF;

  target := :schema.shape_at(tracked_id, shapes, moment);
  -- a shape may differ from the next in what was recorded alone
  steady := target = last OR NOT EXISTS (
    SELECT FROM jsonb_array_elements(shapes) WITH ORDINALITY AS known (document, position)
    WHERE position - 1 >= target
      AND jsonb_path_query_array(document, '$.columns[*].keyvalue() ? (@.key == "name" || @.key == "type" || @.key == "identity").value')
        <> jsonb_path_query_array(shapes -> -1, '$.columns[*].keyvalue() ? (@.key == "name" || @.key == "type" || @.key == "identity").value')
  );
  IF present THEN
    target := last;
  ELSIF named_at IS NOT NULL THEN
    target := :schema.shape_at(tracked_id, shapes, named_at);
    steady := steady AND target >= :schema.shape_at(tracked_id, shapes, moment);
  END IF;

  SELECT jsonb_agg(
    jsonb_build_object(
      'name', own.part ->> 'name',
      'identity', own.part ->> 'identity',
      'key', own.part -> 'key',
      'type', CASE
        WHEN type.oid IS NULL THEN 'text'
        -- a driver is not told of domains, and their checks are those of now
        WHEN type.typtype = 'd' AND NOT present THEN regexp_replace(regexp_replace(own.part ->> 'base', '^character(?=\\[|$)', 'bpchar'), '^bit(?=\\[|$)', '"bit"')
        ELSE own.part ->> 'type'
      END,
      'checked', type.oid IS NULL OR coalesce(element.typnamespace, type.typnamespace) <> 'pg_catalog'::regnamespace
        -- names of objects, which may be gone
        OR starts_with(coalesce(element.typname, type.typname), 'reg'),
      'live', now.part ->> 'name',
      'same', coalesce(now.part ->> 'type' = own.part ->> 'type', false)
    )
    ORDER BY own.position
  )
  INTO columns
  FROM jsonb_array_elements(shapes -> target -> 'columns') WITH ORDINALITY AS own (part, position)
  LEFT JOIN jsonb_array_elements(live) AS now (part) ON now.part -> 'identity' = own.part -> 'identity'
  LEFT JOIN pg_type AS type ON type.oid = to_regtype(own.part ->> 'type')
  LEFT JOIN pg_type AS element ON element.oid = type.typelem AND type.typcategory = 'A';

  SELECT
    coalesce(jsonb_agg(own.part -> 'name') FILTER (WHERE declared.is_ignored), '[]'),
    coalesce(jsonb_agg(own.part -> 'name') FILTER (WHERE declared.is_unrecorded), '[]')
  INTO ignored, unrecorded
  FROM jsonb_array_elements(columns) AS own (part)
  CROSS JOIN LATERAL (
    SELECT bool_or(other.part ->> 'recorded' = 'i') AS is_ignored, bool_or(other.part ->> 'recorded' = 'n') AS is_unrecorded
    FROM jsonb_array_elements(shapes) WITH ORDINALITY AS known (document, position)
    CROSS JOIN LATERAL jsonb_array_elements(known.document -> 'columns') AS other (part)
    WHERE known.position > target AND other.part -> 'identity' = own.part -> 'identity'
  ) AS declared;

  truncated := :schema.truncations_after(tracked_id, moment);

  keys := (
    SELECT jsonb_agg(
      (
        SELECT coalesce(jsonb_agg(jsonb_build_object('identity', part -> 'identity', 'type', part -> 'type') ORDER BY part -> 'key'), '[]')
        FROM jsonb_array_elements(known.document -> 'columns') AS part
        WHERE part ->> 'key' IS NOT NULL
      )
      ORDER BY known.position
    )
    FROM jsonb_array_elements(shapes) WITH ORDINALITY AS known (document, position)
  );
  IF declaration ? 'when' OR live IS NULL THEN
    since := NULL;
  ELSIF since IS NOT NULL THEN
    -- under another key rows had other names
    since := greatest(since, (
      SELECT max(coalesce((shapes -> position::integer - 1 ->> 'from')::timestamptz, statement_timestamp()))
      FROM jsonb_array_elements(keys) WITH ORDINALITY AS known (key, position)
      WHERE position - 1 > target AND jsonb_path_query_array(key, '$[*].identity') <> jsonb_path_query_array(keys -> position::integer - 2, '$[*].identity')
    ));
  END IF;

  key_steady := live IS NOT NULL
    AND NOT EXISTS (SELECT FROM jsonb_array_elements(keys) AS other WHERE other <> keys -> -1)
    -- labels of an enum can be renamed, domains get checks
    AND NOT jsonb_path_exists(keys, '$[last][*].type ? (@ like_regex "[.]")');

  doubtful_until := (
    SELECT max(period.value::timestamptz) FROM jsonb_each_text(nullif(facts -> 'doubtful', 'null')) AS period
    WHERE at >= period.key::timestamptz AND at < period.value::timestamptz
  );

  shapes := (
    SELECT jsonb_agg(jsonb_build_object(
      'until', CASE WHEN position - 1 < last THEN coalesce(shapes -> position::integer ->> 'from', 'infinity') END,
      'map', map.names,
      'loose', map.loose
    ) ORDER BY position)
    FROM jsonb_array_elements(shapes) WITH ORDINALITY AS known (document, position)
    CROSS JOIN LATERAL (
      SELECT jsonb_object_agg(part ->> 'name', own ->> 'name') AS names,
        coalesce(jsonb_agg(own ->> 'name') FILTER (WHERE asked ->> 'type' <> part ->> 'type'), '[]') AS loose
      FROM jsonb_array_elements(known.document -> 'columns') AS part
      LEFT JOIN jsonb_array_elements(columns) AS own ON own -> 'identity' = part -> 'identity'
      LEFT JOIN jsonb_array_elements(shapes -> target -> 'columns') AS asked ON asked -> 'identity' = part -> 'identity'
    ) AS map
  );
  RETURN jsonb_build_object(
    'name', facts -> 'name',
    'columns', columns,
    'definition', (SELECT string_agg(format('%I %s', part ->> 'name', part ->> 'type'), ', ' ORDER BY position) FROM jsonb_array_elements(columns) WITH ORDINALITY AS own (part, position)),
    'key', coalesce((SELECT jsonb_agg(part -> 'name' ORDER BY part -> 'key') FROM jsonb_array_elements(live) AS part WHERE part ->> 'key' IS NOT NULL), '[]'),
    'key_steady', key_steady,
    'ordered', key_steady AND NOT (facts -> 'keys_erased')::boolean AND NOT EXISTS (
      SELECT FROM jsonb_array_elements(live) AS part
      WHERE part ->> 'key' IS NOT NULL AND part ->> 'type' NOT IN (
        'smallint', 'integer', 'bigint', 'boolean', 'uuid', 'date', 'timestamp without time zone', 'timestamp with time zone'
      )
    ),
    'shapes', shapes,
    'steady', steady,
    'checked', coalesce((
      SELECT jsonb_object_agg(part ->> 'name', part ->> 'type')
      FROM jsonb_array_elements(columns) AS part
      WHERE (part -> 'checked')::boolean OR jsonb_path_exists(shapes, '$[*].loose[*] ? (@ == $name)', jsonb_build_object('name', part -> 'name'))
    ), '{}'),
    'ignored', ignored,
    'unrecorded', unrecorded,
    'recorded_since', since,
    'doubtful', facts -> 'doubtful',
    'since', CASE WHEN since IS NOT NULL THEN greatest(since, truncated.last, doubtful_until) END,
    'erased_at', facts -> 'erased_at',
    'keys_erased', facts -> 'keys_erased',
    'complete', coalesce(since <= at, false) AND doubtful_until IS NULL AND truncated.number = 0
      AND coalesce((facts ->> 'erased_at')::timestamptz <= at, true),
    'complete_rows', coalesce(since <= at, false) AND doubtful_until IS NULL,
    'truncated', truncated.first_whole,
    'truncated_parts', truncated.number > 0
  );
END
$function$;
`,
  'functions/past_image': `-- A row's image as an event holds it, under the column names of the moment that
-- is asked for. Between two recorded shapes somebody changed the table: the
-- names in the image tell on which side of that it was written.
--   exact: the columns whose type was the same
--   loose: those that have had another type since
CREATE OR REPLACE FUNCTION :schema.past_image(
  past jsonb, image jsonb, is_full boolean, changed_at timestamptz, OUT exact jsonb, OUT loose jsonb, OUT shape integer
)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  shapes jsonb := past -> 'shapes';
  named  jsonb;
BEGIN
  exact := coalesce(image, '{}');
  loose := '{}';
  shape := 0;
  IF jsonb_array_length(shapes) = 1 THEN
    RETURN;
  END IF;

  WITH candidate AS (
    SELECT (position - 1)::integer AS position, document -> 'map' AS names
    FROM jsonb_array_elements(shapes) WITH ORDINALITY AS known (document, position)
    WHERE coalesce((document ->> 'until')::timestamptz >= changed_at, true)
    ORDER BY position
    LIMIT 2
  )
  SELECT candidate.position
  INTO shape
  FROM candidate
  CROSS JOIN LATERAL (SELECT count(*) AS number FROM jsonb_object_keys(exact) AS key WHERE NOT candidate.names ? key) AS unknown
  CROSS JOIN LATERAL (SELECT count(*) AS number FROM jsonb_object_keys(candidate.names) AS key WHERE is_full AND NOT exact ? key) AS lacking
  ORDER BY unknown.number, lacking.number, candidate.position
  LIMIT 1;

  SELECT
    coalesce(jsonb_object_agg(names.value, image -> names.key) FILTER (WHERE NOT is_loose), '{}'),
    coalesce(jsonb_object_agg(names.value, image -> names.key) FILTER (WHERE is_loose), '{}')
  INTO exact, loose
  FROM jsonb_each_text(shapes -> shape -> 'map') AS names
  CROSS JOIN LATERAL (SELECT (shapes -> shape -> 'loose') ? names.value AS is_loose) AS kind
  WHERE image ? names.key AND names.value IS NOT NULL;
END
$function$;
`,
  'functions/past_lists': `-- SQL that selects the columns of past_columns: from a record of a row's state,
-- or from the live row where that still has them as they were.
--
--   record, live   select lists, whose columns are called c1, c2, ...
--   result, types  these names; with their types
--   names, unread  all columns; those that the live row does not have as they were
--   source         makes a record of past.state
CREATE OR REPLACE FUNCTION :schema.past_lists(
  past jsonb, OUT record text, OUT live text, OUT result text, OUT types text, OUT names text[], OUT unread text[], OUT source text
)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT
    string_agg(format('record.%I AS c%s', own.name, own.position), ', ' ORDER BY own.position),
    string_agg(
      CASE
        WHEN own.is_live THEN format('live.%I::%s AS c%s', own.part ->> 'live', own.part ->> 'type', own.position)
        ELSE format('record.%I AS c%s', own.name, own.position)
      END,
      ', ' ORDER BY own.position
    ),
    string_agg(format('c%s', own.position), ', ' ORDER BY own.position),
    string_agg(format('c%s %s', own.position, own.part ->> 'type'), ', ' ORDER BY own.position),
    array_agg(own.name ORDER BY own.position),
    coalesce(array_agg(own.name) FILTER (WHERE NOT own.is_live), '{}'),
    format('jsonb_to_record(past.state) AS record (%s)', past ->> 'definition')
  FROM (
    SELECT column_of.part, column_of.position, column_of.part ->> 'name' AS name,
      coalesce((column_of.part -> 'same')::boolean, false) AS is_live
    FROM jsonb_array_elements(past -> 'columns') WITH ORDINALITY AS column_of (part, position)
  ) AS own
$function$;
`,
  'functions/past_moment': `-- A moment in the past, as a document for is_after: a time, or right after an
-- event or a transaction.
--
--   at, event     what is after it: by the clock, or by id
--   open          consistent: transactions under way at that time, all of whose
--   open_since    changes count as later, those before it as well; since when they ran
--   snapshot      what is committed from now on counts as later, too, so that all
--   unseen_since  pages of one answer are of one moment; since when such can have run
--
-- It reads what no reader may, and tells of it times and ids of transactions alone.
CREATE OR REPLACE FUNCTION :schema.past_moment(at timestamptz, event bigint, transaction bigint, consistent boolean)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off  -- however much of a month it seems to be
SET jit = off
SET TimeZone = 'UTC'
AS $function$
DECLARE
  snapshot     pg_snapshot := pg_current_snapshot();
  -- all transactions that the snapshot does not show began after one whose id is lower than theirs
  unseen_since timestamptz := (
    SELECT context.started_at
    FROM :schema.audit_context AS context
    WHERE context.txid < pg_snapshot_xmin(snapshot)
      OR context.txid >= pg_snapshot_xmax(snapshot)  -- of before a restore into a new cluster
    ORDER BY context.id DESC
    LIMIT 1
  );
  named_id     bigint;
  named_txid   xid8;
  named_at     timestamptz := at;
  bound        bigint;
  late_txids   xid8[];
  late_contexts bigint[];
  open         jsonb;
  open_since   timestamptz;
BEGIN
  IF num_nonnulls(at, event, transaction) <> 1 THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = 'The moment is given by ' || num_nonnulls(at, event, transaction) || ' things.',
      HINT = 'Give one of a time, an event and a transaction, and let it not be null.';
  ELSIF event IS NOT NULL THEN
    SELECT log.id, log.changed_at, log.txid INTO named_id, named_at, named_txid FROM :schema.audit_event AS log WHERE log.id = event;
  ELSIF transaction IS NOT NULL THEN
    SELECT log.id, log.changed_at, log.txid
    INTO named_id, named_at, named_txid
    FROM (
      SELECT context.id, context.txid FROM :schema.audit_context AS context WHERE context.id = transaction
      UNION ALL
      SELECT context.id, context.txid FROM :schema.audit_context AS context
      WHERE context.transaction_id = transaction AND context.transaction_id <> context.id
    ) AS own
    JOIN :schema.audit_event AS log ON log.context_id = own.id AND log.txid = own.txid
    ORDER BY log.id DESC
    LIMIT 1;
  END IF;
  IF named_at IS NULL THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = CASE WHEN event IS NULL THEN format('The log has no transaction %s.', transaction) ELSE format('The log has no event %s.', event) END,
      HINT = 'Give an id as events carry it; what is older than the retention is gone.';
  END IF;

  IF consistent AND isfinite(named_at) THEN
    -- the last context id of that instant; ids and clock of two sessions may disagree a little
    bound := ((trunc(extract(epoch FROM named_at) * 1000)::bigint + CASE WHEN named_id IS NULL THEN 1 ELSE 1000 END) << 20) - 1;
    -- later events in a context that is older; the index of times knows the contexts, too
    EXECUTE format(
      'SELECT array_agg(later.txid), array_agg(later.context_id) FROM (SELECT DISTINCT log.txid, log.context_id FROM :schema.audit_event AS log WHERE %s AND log.context_id <= $3) AS later',
      CASE WHEN named_id IS NULL THEN 'log.changed_at > $1' ELSE 'log.id > $2' END
    )
    INTO late_txids, late_contexts
    USING named_at, named_id, bound;
    SELECT jsonb_agg(DISTINCT under_way.txid::text), to_timestamp((min(under_way.transaction_id) >> 20) / 1000.0)
    INTO open, open_since
    FROM (
      SELECT later.txid, coalesce((
        SELECT context.transaction_id FROM :schema.audit_context AS context WHERE context.id = later.context_id AND context.txid = later.txid
      ), 0) AS transaction_id
      FROM unnest(late_txids, late_contexts) AS later (txid, context_id)
      UNION ALL
      -- later contexts, each of which came with an event, of a transaction that had an older one
      SELECT context.txid, context.transaction_id
      FROM :schema.audit_context AS context
      WHERE context.id > bound AND context.transaction_id <= bound AND context.transaction_id <> context.id
    ) AS under_way
    WHERE under_way.txid IS DISTINCT FROM named_txid;
  END IF;

  RETURN jsonb_strip_nulls(jsonb_build_object(
    'at', named_at,
    'event', named_id,
    'open', open,
    'open_since', open_since,
    'snapshot', snapshot,
    'unseen_since', coalesce(unseen_since, '-infinity')
  ));
END
$function$;
`,
  'functions/past_of': `-- What the functions that read rows of the past need: the columns are those of
-- the moment, or with present those of now, or those of the moment named_at.
-- What cannot be answered is an error.
CREATE OR REPLACE FUNCTION :schema.past_of(
  tracked_id integer, at timestamptz, event bigint, transaction bigint, consistent boolean, present boolean, named_at jsonb,
  OUT relation oid, OUT moment jsonb, OUT past jsonb
)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  relation := :schema.live_table(tracked_id);
  moment := :schema.past_moment(at, event, transaction, consistent);
  IF named_at IS NOT NULL THEN
    -- both moments as the same snapshot shows them
    moment := moment || jsonb_build_object('snapshot', named_at -> 'snapshot', 'unseen_since', named_at -> 'unseen_since');
  END IF;
  past := :schema.past_columns(tracked_id, relation, moment, present, named_at);
  IF relation IS NOT NULL AND past -> 'key' = '[]' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('%s has no primary key, so it is not known which of its rows an event is about.', past ->> 'name'),
      HINT = 'Give it a primary key, then its past can be read from there on.';
  END IF;
END
$function$;
`,
  'functions/past_row': `-- One row at a moment. What its first change after the moment replaced is what
-- it was; what that change does not tell, a later one does, then the row as it
-- is now; only where that is gone, or its columns are, what was written before
-- the moment.
--
--   follow   if no row had this key then, the row that was given it next
--   state    the row, under the names of past_columns; null: there was none
--   live_id  the key of the live row, if nothing has happened to it since: it
--            is the row, and state holds only what it no longer has
--   missing  columns whose value then is not known
CREATE OR REPLACE FUNCTION :schema.past_row(
  tracked_id integer, relation oid, object_id text, moment jsonb, past jsonb, follow boolean,
  OUT state jsonb, OUT live_id text, OUT missing text[]
)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET TimeZone = 'UTC'
SET DateStyle = 'ISO'
SET IntervalStyle = 'postgres'
SET extra_float_digits = '1'
SET bytea_output = 'hex'
SET lc_monetary = 'C'
AS $function$
DECLARE
  key        text := object_id;
  fate       text := CASE WHEN relation IS NULL THEN 'truncated' ELSE 'live' END;
  touched    boolean := false;  -- changed after the moment
  existed    boolean;           -- null: only what was before the moment can tell
  doubtful   boolean := false;  -- a partition was truncated, perhaps with this row
  event      record;
  image      record;
  bound      bigint := -1;
  exact      jsonb := '{}';
  loose      jsonb := '{}';     -- values of columns that had another type when they were written
  blocked    text[] := '{}';    -- changed, and nobody wrote down from or to what
  unrecorded text[] := ARRAY(SELECT jsonb_array_elements_text(past -> 'unrecorded'));
  live       jsonb;
  part       jsonb;
  value      jsonb;
BEGIN
  <<forward>>
  LOOP
    SELECT next.* INTO event FROM :schema.event_after(tracked_id, key, bound, moment) AS next;
    EXIT WHEN NOT FOUND;
    bound := event.id;
    IF event.operation = 'T' THEN
      doubtful := true;
      CONTINUE WHEN event.meta IS NOT NULL;
      fate := 'truncated';
      EXIT;
    ELSIF event.operation = 'I' OR event.object_id = key AND event.old_object_id IS NOT NULL THEN
      fate := 'another';  -- from here on the key is that of another row
      EXIT;
    END IF;

    existed := true;
    doubtful := false;
    image := :schema.past_image(
      past,
      CASE event.operation WHEN 'S' THEN event.new WHEN 'U' THEN event.new || event.old ELSE event.old END,
      event.image = 'f', event.changed_at
    );
    exact := (image.exact - blocked) || exact;
    loose := (image.loose - blocked) || loose;
    CONTINUE WHEN event.operation = 'S';  -- no change
    touched := true;
    IF event.operation = 'D' THEN
      fate := 'deleted';
      EXIT;
    ELSIF event.image = 'f' THEN
      fate := 'told';
      EXIT;
    END IF;
    blocked := blocked || ARRAY(SELECT past -> 'shapes' -> image.shape -> 'map' ->> name FROM unnest(event.masked) AS name);
    key := event.object_id;
  END LOOP;

  IF fate = 'another' AND existed IS NULL AND NOT doubtful THEN
    IF NOT follow OR event.old_object_id IS NULL THEN
      RETURN;
    END IF;
    -- back through the keys of the row that was given this one, to its key at the moment
    LOOP
      key := event.old_object_id;
      bound := :schema.life_start(tracked_id, key, event.id);
      SELECT log.id, log.old_object_id, :schema.is_after(moment, log.id, log.changed_at, log.txid) AS is_after
      INTO event
      FROM :schema.auditlog AS log
      WHERE log.id IN (bound, bound - 1) AND log.table_id = tracked_id
        AND (log.object_id = key OR log.old_object_id = key OR log.object_id IS NULL)
      ORDER BY log.id DESC
      LIMIT 1;
      EXIT WHEN event.is_after IS NOT TRUE;
      IF event.id <> bound OR event.old_object_id IS NULL THEN
        RETURN;  -- it came into being later
      END IF;
    END LOOP;
    SELECT past_row.* INTO state, live_id, missing
    FROM :schema.past_row(tracked_id, relation, key, moment, past, false) AS past_row;
    RETURN;
  ELSIF fate = 'live' THEN
    live := :schema.live_row(relation, key);
    IF live IS NOT NULL THEN
      existed := true;
      IF NOT touched THEN
        live_id := key;
      END IF;
      FOR part IN SELECT jsonb_array_elements(past -> 'columns') LOOP
        CONTINUE WHEN exact ? (part ->> 'name') OR part ->> 'live' IS NULL;
        -- of a changed row, what is not recorded may have changed as well
        CONTINUE WHEN touched AND part ->> 'name' = ANY (blocked || unrecorded);
        value := jsonb_build_object(part ->> 'name', live -> (part ->> 'live'));
        IF (part -> 'same')::boolean THEN
          exact := exact || value;
        ELSE
          loose := value || loose;
        END IF;
      END LOOP;
    END IF;  -- else its partition is gone: what was written before tells
  END IF;

  key := object_id;
  bound := 9223372036854775807;
  blocked := '{}';
  WHILE existed IS NULL OR EXISTS (
    SELECT FROM jsonb_array_elements(past -> 'columns') AS own (part)
    WHERE NOT exact ? (own.part ->> 'name') AND NOT own.part ->> 'name' = ANY (unrecorded)
  ) LOOP
    SELECT previous.* INTO event FROM :schema.event_before(tracked_id, key, bound, moment) AS previous;
    EXIT WHEN NOT FOUND;
    bound := event.id;
    IF event.operation = 'T' AND event.meta IS NOT NULL THEN
      CONTINUE WHEN existed;
      EXIT;  -- it may have ended here, or later: not known
    END IF;
    EXIT WHEN event.operation IN ('D', 'T') OR event.object_id <> key;
    existed := true;
    image := :schema.past_image(past, event.new, event.image = 'f', event.changed_at);
    blocked := blocked || ARRAY(SELECT past -> 'shapes' -> image.shape -> 'map' ->> name FROM unnest(event.masked) AS name);
    exact := (image.exact - blocked - unrecorded) || exact;
    loose := (image.loose - blocked - unrecorded) || loose;
    EXIT WHEN event.operation IN ('I', 'S') OR event.image = 'f';
    key := coalesce(event.old_object_id, event.object_id);
  END LOOP;
  IF existed IS NULL THEN
    RETURN;
  END IF;

  state := '{}';
  missing := '{}';
  FOR part IN SELECT jsonb_array_elements(past -> 'columns') LOOP
    CONTINUE WHEN live_id IS NOT NULL AND (part -> 'same')::boolean;  -- is read from the live row
    value := coalesce(exact, '{}') -> (part ->> 'name');
    value := coalesce(value, loose -> (part ->> 'name'));
    IF value IS NULL OR past -> 'checked' ? (part ->> 'name') AND NOT :schema.is_readable(value, part ->> 'type') THEN
      missing := missing || (part ->> 'name');
    ELSE
      state := state || jsonb_build_object(part ->> 'name', value);
    END IF;
  END LOOP;
END
$function$;
`,
  'functions/past_rows': `-- The rows of a table at a moment: records of the columns of past_columns,
-- followed by two of text, the names of those whose value is not known (a JSON
-- array, or null), and where the next page begins.
--
--   size   rows of a page; null: all. Both are in the order of the key
--   after  the page behind the row that gave this; null: the first one. A row
--          whose key of then cannot be read as one of the table's has its place
--          behind all others, from "" on
--
-- A row that nothing has happened to since then is the live one. Of each other
-- the first event since then tells, and of what was truncated the last one
-- before. All in one snapshot.
CREATE OR REPLACE FUNCTION :schema.past_rows(
  tracked_id integer, relation oid, moment jsonb, past jsonb, after jsonb, size integer
)
RETURNS SETOF record
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO'
SET IntervalStyle = 'postgres'
SET extra_float_digits = '1'
SET bytea_output = 'hex'
SET lc_monetary = 'C'
SET array_nulls = on
SET xmloption = content
AS $function$
DECLARE
  lists     record := :schema.past_lists(past);
  key       record;  -- SQL about the parts of the key, which are called k1, k2, ...
  is_behind boolean := coalesce(jsonb_typeof(after) = 'string', false);
  since     text;    -- is after the moment
  changed   text;    -- has changed since, up to a truncation
  behind    text;    -- the rows of this page and later ones, and how many of them
  page      text;
  parts     text[];
  readable  text := CASE past -> 'checked' WHEN '{}' THEN '(image)' ELSE ':schema.readable_image((image), $4 -> ''checked'')' END;
  alone     text := '(SELECT state FROM :schema.past_row($2, $3, spot.id, $1, $4, false))';
  folded    text;    -- what partial images replaced, oldest last, over the live row; null where past_row must look
BEGIN
  IF EXISTS (
    SELECT FROM :schema.auditlog AS log
    WHERE log.table_id = tracked_id AND log.object_id IS NULL AND log.operation = 'truncate'
      AND log.changed_at >= (moment ->> 'unseen_since')::timestamptz
      AND NOT pg_visible_in_snapshot(log.txid, (moment ->> 'snapshot')::pg_snapshot)
  ) THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU004',
      MESSAGE = format('%s was truncated while it was being read.', past ->> 'name'),
      HINT = 'Begin again: of rows that no event tells of, nothing is left.';
  END IF;

  SELECT
    count(*)::integer AS number,
    string_agg(format('live.%I', name), ', ' ORDER BY number) AS live,
    string_agg(format('k%s', number), ', ' ORDER BY number) AS names,
    string_agg(format('spot.k%s', number), ', ' ORDER BY number) AS places,
    string_agg(format('spot.k%s AS %I', number, name), ', ' ORDER BY number) AS named,
    coalesce(string_agg(format('k%s IS NOT NULL', number), ' AND ' ORDER BY number), 'false') AS is_key,
    string_agg(
      format(
        CASE
          WHEN NOT (past -> 'key_steady')::boolean
          THEN 'CASE WHEN :schema.is_readable(key.parts -> %1$s, %2$L) THEN (key.parts ->> %1$s)::%2$s END AS k%3$s'
          WHEN (past -> 'ordered')::boolean AND part.parts = 1 THEN 'touch.id::%2$s AS k%3$s'
          ELSE '(key.parts ->> %1$s)::%2$s AS k%3$s'
        END,
        number - 1, type, number
      ),
      ', ' ORDER BY number
    ) AS typed
  INTO key
  FROM (SELECT *, count(*) OVER () AS parts FROM :schema.key_parts(relation)) AS part;

  since := :schema.after_condition(moment);
  changed := format(
    'log.table_id = %s AND log.object_id IS NOT NULL AND %s%s',
    tracked_id, since,
    -- a snapshot is no change: it tells only what the rows themselves do not
    CASE
      WHEN past ->> 'truncated' IS NOT NULL THEN ' AND log.id < ' || (past ->> 'truncated')
      WHEN relation IS NOT NULL AND NOT (past -> 'truncated_parts')::boolean THEN ' AND log.operation <> ''snapshot'''
    END
  );
  IF size IS NULL THEN
    behind := 'true';
  ELSIF is_behind THEN
    behind := format('spot.place > %L COLLATE "C"', after #>> '{}');
    page := format('ORDER BY spot.place COLLATE "C" FETCH FIRST %s ROWS WITH TIES', size);
  ELSE
    behind := 'spot.place IS NULL' || coalesce(' AND ' || :schema.key_condition(relation, 'named', '>', after), '');
    page := format('ORDER BY %s FETCH FIRST %s ROWS WITH TIES', coalesce(key.places, 'spot.place'), size);
  END IF;

  IF relation IS NOT NULL AND NOT (past -> 'truncated_parts')::boolean THEN
    folded := format(
      $query$
      (
        SELECT CASE WHEN NOT bool_or(log.old_object_id IS NOT NULL OR log.image = 'key' OR log.masked IS NOT NULL) THEN
          CASE WHEN bool_or(log.operation = 'delete') THEN '{}' ELSE (
            SELECT to_jsonb(live.*) - ARRAY(SELECT jsonb_array_elements_text($4 -> 'unrecorded')) FROM %1$s AS live WHERE %2$s
          ) END || jsonb_object_agg(replaced.key, replaced.value ORDER BY log.id DESC)
        END
        FROM :schema.auditlog AS log
        CROSS JOIN LATERAL jsonb_each(log.old_data) AS replaced
        WHERE log.object_id = spot.id AND log.id >= spot.event_id AND %3$s
          -- nor was it given another key later
          AND NOT EXISTS (SELECT FROM :schema.auditlog AS log WHERE log.old_object_id = spot.id AND %3$s)
      )
      $query$,
      relation::regclass,
      (SELECT string_agg(format('live.%I OPERATOR(%s.=) spot.k%s', name, operators, number), ' AND ' ORDER BY number) FROM :schema.key_parts(relation)),
      changed
    );
  END IF;

  IF relation IS NOT NULL AND NOT is_behind AND past ->> 'truncated' IS NULL THEN
    parts := parts || format(
      $query$
        -- nothing has happened to these since
        SELECT %1$s, NULL, %2$s, %3$s
        FROM %4$s AS live
        CROSS JOIN LATERAL (SELECT %5$s AS id) AS own
        %6$s
        WHERE %7$s
          AND %8$s
        %9$s
      $query$,
      key.live,
      lists.live,
      CASE WHEN lists.unread = '{}' THEN 'NULL' ELSE '(SELECT jsonb_agg(name) FROM unnest($6) AS name WHERE NOT past.state ? name)::text' END,
      relation::regclass,
      :schema.live_id(relation),
      CASE WHEN lists.unread <> '{}' THEN
        'CROSS JOIN LATERAL :schema.past_row($2, $3, own.id, $1, $4, false) AS past CROSS JOIN LATERAL ' || lists.source
      END,
      coalesce(:schema.key_condition(relation, 'live', '>', after), 'true'),
      -- of all rows by a join; of a page row by row, in the order of the key
      format(
        CASE WHEN size IS NULL THEN 'NOT EXISTS (%s) AND NOT EXISTS (%s)' ELSE '(%s LIMIT 1) IS NULL AND (%s LIMIT 1) IS NULL' END,
        format('SELECT 1 FROM :schema.auditlog AS log WHERE %s AND log.object_id = own.id', changed),
        format('SELECT 1 FROM :schema.auditlog AS log WHERE %s AND log.old_object_id = own.id', changed)
      ),
      CASE WHEN size IS NOT NULL THEN format('ORDER BY %s FETCH FIRST %s ROWS WITH TIES', key.live, size) END
    );
  END IF;

  parts := parts || format(
    $query$
      -- what the first event since then replaced
      SELECT %1$s, %2$s, (SELECT jsonb_agg(name) FROM unnest($5) AS name WHERE NOT past.state ? name)::text
      FROM (SELECT spot.* FROM placed AS spot CROSS JOIN LATERAL (SELECT %3$s) AS named WHERE %4$s %5$s) AS spot
      JOIN :schema.auditlog AS event ON event.id = spot.event_id AND event.changed_at = spot.changed_at
      CROSS JOIN LATERAL (SELECT %6$s AS state) AS past
      CROSS JOIN LATERAL %7$s
    $query$,
    concat_ws(', ', key.places, 'spot.place'), lists.record, key.named, behind, page,
    CASE WHEN (past -> 'steady')::boolean THEN format(
        'CASE WHEN event.image = %L THEN %s ELSE coalesce(%s) END',
        'full',
        replace(readable, '(image)', '(CASE event.operation WHEN ''snapshot'' THEN event.new_data ELSE event.old_data END)'),
        concat_ws(', ', replace(readable, '(image)', folded), alone)
      )
      ELSE alone
    END,
    lists.source
  );

  IF (past -> 'truncated_parts')::boolean OR relation IS NULL THEN
    parts := parts || format(
      $query$
        -- of what was truncated, what was written before the moment
        SELECT %1$s, %2$s, (SELECT jsonb_agg(name) FROM unnest($5) AS name WHERE NOT past.state ? name)::text
        FROM lost AS spot
        CROSS JOIN LATERAL (SELECT %3$s) AS named
        CROSS JOIN LATERAL :schema.past_row($2, $3, spot.id, $1, $4, false) AS past
        CROSS JOIN LATERAL %4$s
        WHERE past.live_id IS NULL AND past.state IS NOT NULL
          AND NOT EXISTS (SELECT FROM placed WHERE placed.id = spot.id)
          AND %5$s
        %6$s
      $query$,
      concat_ws(', ', key.places, 'spot.place'), lists.record, key.named, lists.source, behind, page
    );
  END IF;

  RETURN QUERY EXECUTE format(
    $query$
    WITH first AS (
      SELECT DISTINCT ON (touch.id) touch.*
      FROM (
        SELECT coalesce(log.old_object_id, log.object_id) AS id, log.operation <> 'insert' AS existed, log.id AS event_id, log.changed_at
        FROM :schema.auditlog AS log
        WHERE %1$s
        UNION ALL
        SELECT log.object_id, false, log.id, log.changed_at
        FROM :schema.auditlog AS log
        WHERE log.old_object_id IS NOT NULL AND %1$s
      ) AS touch
      ORDER BY touch.id, touch.event_id
    ), placed AS (
      SELECT keyed.*, CASE WHEN %2$s THEN NULL ELSE keyed.id END AS place
      FROM (
        SELECT %3$s
        FROM first AS touch
        CROSS JOIN LATERAL (SELECT :schema.id_parts(touch.id, %4$s) AS parts) AS key
        WHERE touch.existed
      ) AS keyed
    ), last AS (
      SELECT DISTINCT ON (touch.id) touch.*
      FROM (
        SELECT log.object_id AS id, log.operation <> 'delete' AS existed, log.id AS event_id
        FROM :schema.auditlog AS log
        WHERE log.table_id = $2 AND log.object_id IS NOT NULL AND NOT (%11$s)
        UNION ALL
        SELECT log.old_object_id, false, log.id
        FROM :schema.auditlog AS log
        WHERE log.table_id = $2 AND log.old_object_id IS NOT NULL AND NOT (%11$s)
      ) AS touch
      ORDER BY touch.id, touch.event_id DESC
    ), lost AS (
      SELECT keyed.*, CASE WHEN %2$s THEN NULL ELSE keyed.id END AS place
      FROM (
        SELECT %5$s
        FROM last AS touch
        CROSS JOIN LATERAL (SELECT :schema.id_parts(touch.id, %4$s) AS parts) AS key
        WHERE touch.existed
      ) AS keyed
    )
    SELECT %6$s, missing, (CASE WHEN spot.place IS NULL THEN jsonb_build_array(%7$s) ELSE to_jsonb(spot.place) END)::text
    FROM (%8$s) AS spot (%9$s)
    %10$s
    $query$,
    changed,
    key.is_key,
    concat_ws(', ', 'touch.id', 'touch.event_id', 'touch.changed_at', key.typed),
    key.number,
    concat_ws(', ', 'touch.id', key.typed),
    lists.result,
    key.places,
    array_to_string(ARRAY(SELECT format('(%s)', part) FROM unnest(parts) AS part), ' UNION ALL '),
    concat_ws(', ', key.names, 'place', lists.result, 'missing'),
    coalesce(page, 'ORDER BY ' || concat_ws(', ', key.places, 'spot.place COLLATE "C"')),
    since
  )
  USING moment, tracked_id, relation, past, lists.names, lists.unread;
END
$function$;
`,
  'functions/past_rows_of': `-- The rows of a table that had these keys at a moment, each as past_row finds
-- it: records of the columns of past_columns, followed by two of text, the names
-- of those whose value is not known (a JSON array, or null), and the key.
CREATE OR REPLACE FUNCTION :schema.past_rows_of(
  tracked_id integer, relation oid, moment jsonb, past jsonb, ids text[], follow boolean
)
RETURNS SETOF record
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO'
SET IntervalStyle = 'postgres'
SET extra_float_digits = '1'
SET bytea_output = 'hex'
SET lc_monetary = 'C'
SET array_nulls = on
SET xmloption = content
AS $function$
DECLARE
  lists record := :schema.past_lists(past);
  found record;
BEGIN
  FOR found IN
    SELECT wanted.id, row_then.state, row_then.live_id
    FROM unnest(ids) AS wanted (id)
    CROSS JOIN LATERAL :schema.past_row(tracked_id, relation, wanted.id, moment, past, follow) AS row_then
    WHERE row_then.state IS NOT NULL
  LOOP
    RETURN QUERY EXECUTE format(
      $query$
      SELECT %1$s, (SELECT jsonb_agg(name) FROM unnest($2) AS name WHERE NOT past.state ? name)::text, $3
      FROM (SELECT $1 AS state) AS past
      CROSS JOIN LATERAL %2$s
      %3$s
      $query$,
      CASE WHEN found.live_id IS NULL THEN lists.record ELSE lists.live END,
      lists.source,
      CASE WHEN found.live_id IS NOT NULL THEN format(
        'JOIN %s AS live ON %s LIMIT 1', relation::regclass, :schema.live_condition(relation, found.live_id)
      ) END
    )
    USING found.state, CASE WHEN found.live_id IS NULL THEN lists.names ELSE lists.unread END, found.id;
  END LOOP;
END
$function$;
`,
  'functions/past_version': `-- The id of a tracked table, and a short text that is another one whenever what
-- past_columns makes of its present columns may be: for callers that keep that.
-- Null where the table is not tracked.
CREATE OR REPLACE FUNCTION :schema.past_version(relation oid, OUT tracked_id integer, OUT version text)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET TimeZone = 'UTC'
SET DateStyle = 'ISO'
AS $function$
BEGIN
  tracked_id := :schema.tracked_id(relation);
  version := (
    SELECT md5(concat_ws(' ',
      past_version.relation, past_version.relation::regclass,
      known::text,
      :schema.log_start(),
      (
        SELECT shape.valid_from FROM :schema.audit_shape AS shape
        WHERE shape.table_id = past_version.tracked_id
        ORDER BY shape.valid_from DESC
        LIMIT 1
      ),
      (
        SELECT string_agg(concat_ws(' ',
          attribute.attnum, quote_ident(attribute.attname), attribute.attidentity, attribute.attgenerated,
          format_type(attribute.atttypid, attribute.atttypmod), format_type(nullif(type.typbasetype, 0), NULL)
        ), ',' ORDER BY attribute.attnum)
        FROM pg_attribute AS attribute JOIN pg_type AS type ON type.oid = attribute.atttypid
        WHERE attribute.attrelid = past_version.relation AND attribute.attnum > 0 AND NOT attribute.attisdropped
      ),
      (
        SELECT concat(index.indexrelid, ' ', index.indkey, ' ', index.indnkeyatts)
        FROM pg_index AS index
        WHERE index.indrelid = past_version.relation AND index.indisprimary
      )
    ))
    FROM :schema.audit_table AS known
    WHERE known.id = past_version.tracked_id
  );
END
$function$;
`,
  'functions/pause': `-- Stops recording all tables, or goes on with it: for test databases, where
-- allow_pausing() has allowed it. The gap is noted in the log, and sync ends it,
-- too. Takes what disabling a trigger takes: to own the table.
CREATE OR REPLACE FUNCTION :schema.pause(paused boolean DEFAULT true)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  moment  timestamptz;
  trigger record;
BEGIN
  LOCK TABLE :schema.audit_setting IN SHARE ROW EXCLUSIVE MODE;  -- one at a time; an advisory lock could be held by anybody
  IF paused AND NOT EXISTS (
    SELECT FROM :schema.audit_setting WHERE name = 'pausing_allowed' AND value = 'true'
  ) THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('Recording may not be paused in the database %I.', current_database()),
      HINT = 'If it holds nothing but what tests write, let the owner of the log run: SELECT :schema.allow_pausing();';
  END IF;
  -- all at once or not at all: table by table it would deadlock with whoever writes to several
  FOR trigger IN
    SELECT DISTINCT tgrelid::regclass AS table_name
    FROM pg_trigger
    JOIN pg_proc AS capture ON capture.oid = tgfoid
    WHERE capture.pronamespace = ':schema'::regnamespace
      AND starts_with(capture.proname, 'capture_')
      AND capture.prorettype = 'trigger'::regtype
    ORDER BY 1
  LOOP
    BEGIN
      EXECUTE format('LOCK TABLE ONLY %s IN SHARE ROW EXCLUSIVE MODE NOWAIT', trigger.table_name);
    EXCEPTION WHEN lock_not_available THEN
      RAISE EXCEPTION USING
        ERRCODE = 'AU005',
        MESSAGE = format('Recording cannot be paused or resumed while somebody writes to %s.', trigger.table_name),
        HINT = 'Do it where nothing else runs, before and after the tests.';
    END;
  END LOOP;
  FOR trigger IN
    SELECT tgname AS name, tgrelid::regclass AS table_name
    FROM pg_trigger
    JOIN pg_proc AS capture ON capture.oid = tgfoid
    WHERE capture.pronamespace = ':schema'::regnamespace
      AND starts_with(capture.proname, 'capture_')
      AND capture.prorettype = 'trigger'::regtype
      AND (tgenabled = 'D') <> paused
    ORDER BY tgrelid, tgname
  LOOP
    EXECUTE format('ALTER TABLE ONLY %s %s TRIGGER %I',
      trigger.table_name, CASE WHEN paused THEN 'DISABLE' ELSE 'ENABLE' END, trigger.name);
  END LOOP;
  moment := clock_timestamp();
  UPDATE :schema.audit_table AS known
  SET confirmed_at = moment,
    tracked = CASE
      WHEN paused THEN tracked * tstzmultirange(tstzrange(NULL, moment))
      ELSE tracked + tstzmultirange(tstzrange(moment, NULL))
    END
  WHERE upper_inf(known.tracked) = paused
    AND to_regprocedure(format('%I.%I()', :'schema', 'capture_' || known.id)) IS NOT NULL;
END
$function$;
`,
  'functions/places_of': `-- Where events are in the chain, and the hash that they have to have: of the block,
-- or of the last entry that redacted them; null where they were retired.
CREATE OR REPLACE FUNCTION :schema.places_of(ids bigint[])
RETURNS TABLE (event_id bigint, block bigint, place integer, leaf bytea)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $function$
  WITH reach AS (
    SELECT min(id) AS first, max(id) AS last FROM unnest(places_of.ids) AS id
  ), list AS MATERIALIZED (
    SELECT leaf.block, leaf.ids, leaf.hashes || ''::bytea AS hashes
    FROM reach JOIN :schema.audit_leaf AS leaf ON leaf.first_id <= leaf.last_id AND leaf.last_id < 9223372036854775807 AND int8range(leaf.first_id, leaf.last_id, '[]') && int8range(reach.first, reach.last, '[]')
    WHERE EXISTS (SELECT FROM unnest(places_of.ids) AS id WHERE id BETWEEN leaf.first_id AND leaf.last_id)
  ), sealed AS MATERIALIZED (
    -- cut off before anything is joined, or each row would carry the whole list
    SELECT own.id, list.block, own.place::integer - 1 AS place, substr(list.hashes, 32 * own.place::integer - 31, 32) AS leaf
    FROM list
    CROSS JOIN LATERAL unnest(list.ids) WITH ORDINALITY AS own (id, place)
    JOIN (SELECT DISTINCT id FROM unnest(places_of.ids) AS id) AS wanted ON wanted.id = own.id
  ), amendment AS MATERIALIZED (
    SELECT * FROM :schema.amendments(ARRAY(SELECT DISTINCT block FROM sealed))
  )
  SELECT sealed.id, sealed.block, sealed.place, CASE WHEN amendment.entry IS NULL THEN sealed.leaf ELSE amendment.leaf END
  FROM sealed LEFT JOIN amendment USING (block, place)
$function$;
`,
  'functions/plain_past': `-- For row_then, beside a document of past_columns: what it takes to answer by one
-- look at the log and one at the row. Null where the columns are not the present
-- ones, or a value may not be readable.
--
--   version  of past_version
--   from     since when the columns are these
--   live     SQL that reads the row whose key is $1, a JSON array, as it is now
--   told     SQL that reads a row from its image, $1
--
-- In both $2 are names of columns that are missing, $3 what is known of the answer.
CREATE OR REPLACE FUNCTION :schema.plain_past(relation oid, moment jsonb, past jsonb)
RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
AS $function$
DECLARE
  began timestamptz := coalesce(past -> 'shapes' -> -2 ->> 'until', '-infinity');
  lists record;
  row_condition text;
  present text := (:schema.past_version(relation)).version;  -- null: it is not recorded any more
BEGIN
  IF present IS NULL OR relation IS NULL OR past -> 'checked' <> '{}' OR NOT (past -> 'key_steady')::boolean OR (moment ->> 'at')::timestamptz < began THEN
    RETURN NULL;
  END IF;
  SELECT string_agg(format('live.%I OPERATOR(%s.=) ($1 ->> %s)::%s', name, operators, number - 1, type), ' AND ')
  INTO row_condition
  FROM :schema.key_parts(relation)
  HAVING bool_and(type IN (
    'smallint', 'integer', 'bigint', 'numeric', 'boolean', 'uuid', 'date', 'timestamp without time zone', 'timestamp with time zone',
    'text', 'character varying', 'bpchar'
  ));
  IF row_condition IS NULL THEN
    RETURN NULL;
  END IF;
  lists := :schema.past_lists(past);
  RETURN jsonb_build_object(
    'version', present,
    'from', began,
    'live', format('SELECT %s, $2, $3 FROM %s AS live WHERE %s LIMIT 1', lists.live, relation::regclass, row_condition),
    'told', format('SELECT %s, $2, $3 FROM jsonb_to_record($1) AS record (%s)', lists.record, past ->> 'definition')
  );
END
$function$;
`,
  'functions/purge': `-- Deletes events that are older than that, of one table or of all, and the
-- contexts that no event needs any more, a period later:
--   select auditrum.purge('2 years', dry_run => true);
--   select auditrum.purge('2 years');
--   select auditrum.purge('1 year', 'billing.invoices');
--
-- One step of it, in a transaction of its own, so that nobody is kept waiting:
-- to be called again, with the id that it returned as purge_id, until it says
-- that nothing is pending. What is left undone maintain() does.
--
--   older_than       null, with dry_run: as the tables declare their retention, what maintain() would do
--   drop_partitions  those that hold nothing else are dropped, rather than emptied
--   detach           false: the caller detaches them, as purge_drop says
DROP FUNCTION IF EXISTS :schema.purge(interval, text, boolean, boolean, bigint, boolean, interval);
CREATE OR REPLACE FUNCTION :schema.purge(
  older_than text,
  relation text DEFAULT NULL,
  drop_partitions boolean DEFAULT false,
  dry_run boolean DEFAULT false,
  purge_id bigint DEFAULT NULL,
  detach boolean DEFAULT true,
  patience interval DEFAULT '2 seconds'
)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET "TimeZone" = 'UTC'
SET lock_timeout = '2s'
AS $function$
DECLARE
  named   integer;
  started bigint := purge_id;
  span    interval;
BEGIN
  PERFORM set_config('lock_timeout', ceil(extract(epoch FROM patience) * 1000)::text, true);
  IF :schema.is_span(older_than) THEN
    span := older_than;
  END IF;
  IF span IS NULL AND NOT (older_than IS NULL AND dry_run AND relation IS NULL) THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('Events cannot be purged that are older than %s.', coalesce(quote_literal(older_than), 'null')),
      HINT = 'Give a time in hours, days, weeks, months or years, such as 2 years, 1 year 6 months or 90 days, at most 1000 years.';
  END IF;
  IF purge_id IS NOT NULL AND NOT EXISTS (SELECT FROM :schema.audit_purge AS known WHERE known.id = purge_id) THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('There is no purge %s to go on with.', purge_id),
      HINT = 'Give the id that the first call returned, or none to begin a purge. They are in the view purges.';
  END IF;
  IF relation IS NOT NULL THEN
    named := :schema.table_id(NULL, parse_ident(relation));
  END IF;
  IF dry_run THEN
    RETURN :schema.purge_preview(span, named, drop_partitions);
  END IF;
  IF started IS NULL THEN
    -- the step that follows takes it; first, as in erase, which then writes to audit_table as well
    LOCK TABLE :schema.audit_seal IN SHARE ROW EXCLUSIVE MODE;
    PERFORM :schema.check_whole();
    started := :schema.purge_start(span, named, drop_partitions);
  END IF;
  RETURN coalesce(
    :schema.purge_step(started, detach, patience),
    jsonb_build_object('events', 0, 'contexts', 0, 'bytes', 0, 'partitions', '[]'::jsonb, 'tables', '[]'::jsonb, 'pending', false)
  );
END
$function$;
`,
  'functions/purge_contexts': `-- Deletes the next contexts that no event needs, looking at so many at a time;
-- false where none is left. They are a period older than the events that went
-- with them: a transaction that was under way then is over.
CREATE OR REPLACE FUNCTION :schema.purge_contexts(purge_id bigint, size integer)
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET enable_seqscan = off  -- however many they seem to be
AS $function$
DECLARE
  purge  :schema.audit_purge;
  after  bigint;
  end_id bigint;
  gone   record;
BEGIN
  -- as purge_drop: what is not in its place may need them. Then they are left to the next purge
  LOCK TABLE :schema.audit_seal IN SHARE ROW EXCLUSIVE MODE;
  IF EXISTS (SELECT FROM :schema.audit_purge AS other WHERE other.finished_at IS NULL AND other.leaver IS NOT NULL AND other.id <> purge_id)
    OR :schema.missed_partition() IS NOT NULL
  THEN
    RETURN false;
  END IF;
  SELECT * INTO purge FROM :schema.audit_purge WHERE id = purge_id;
  after := purge.place_id;
  LOOP
    SELECT max(next.id)
    INTO end_id
    FROM (
      SELECT context.id
      FROM :schema.audit_context AS context
      WHERE context.id > after AND context.id < :schema.partition_bound('audit_context', purge.contexts_before)::bigint
      ORDER BY context.id
      LIMIT size
    ) AS next;
    IF end_id IS NULL THEN
      RETURN false;
    END IF;
    WITH needed AS MATERIALIZED (
      SELECT event.context_id FROM :schema.audit_event AS event WHERE event.context_id > after AND event.context_id <= end_id
      UNION
      SELECT own.context_id FROM :schema.audit_purge AS own
      UNION
      SELECT own.context_id FROM :schema.audit_erasure AS own
    ), gone AS (
      DELETE FROM :schema.audit_context AS context
      WHERE context.id > after AND context.id <= end_id AND NOT EXISTS (SELECT FROM needed WHERE needed.context_id = context.id)
      RETURNING pg_column_size(context.*) AS bytes
    )
    SELECT count(*) AS contexts, coalesce(sum(deleted.bytes), 0) AS bytes INTO gone FROM gone AS deleted;
    after := end_id;
    IF gone.contexts > 0 THEN
      UPDATE :schema.audit_purge AS own
      SET place_id = end_id, contexts = own.contexts + gone.contexts, bytes = own.bytes + gone.bytes
      WHERE own.id = purge_id;
      RETURN true;
    END IF;
  END LOOP;
END
$function$;
`,
  'functions/purge_drop': `-- One step of dropping partitions for a purge, each in a transaction of its own:
-- a partition is noted as the leaver, then detached, then dropped, so that whoever
-- goes on with a purge that was killed knows where it was. What it held is counted
-- as it is dropped: by then another purge may have deleted of it, and each row is
-- counted once, by the purge that took it. Returns null where nothing is left to
-- drop, else what is to be detached, or {}.
--
-- With detach it is detached here, which locks the log for an instant, as lock_log
-- does. Else whoever calls detaches it CONCURRENTLY, which no function can.
CREATE OR REPLACE FUNCTION :schema.purge_drop(purge_id bigint, log text, detach boolean, patience interval)
RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
#variable_conflict use_column
DECLARE
  purge    :schema.audit_purge;
  leaver   regclass;
  part     record;
  next     text;
  gone     jsonb;
  size     bigint;
BEGIN
  SELECT * INTO purge FROM :schema.audit_purge WHERE id = purge_id;
  IF purge.leaver IS NULL THEN
    -- one of all purges: which contexts are needed is told by events in the log, and those in a partition
    -- that leaves are not there any more. By the lock that retire takes next, which is before any partition's
    LOCK TABLE :schema.audit_seal IN SHARE ROW EXCLUSIVE MODE;
    IF :schema.missed_partition() IS NOT NULL THEN
      RETURN NULL;  -- its place is kept for it: see attach_again
    END IF;
    IF NOT EXISTS (SELECT FROM :schema.audit_purge AS other WHERE other.finished_at IS NULL AND other.leaver IS NOT NULL AND other.id <> purge_id) THEN
      SELECT * INTO next FROM :schema.droppable_partitions(log, purge.targets, purge.contexts_before, true);
    END IF;
    IF next IS NULL THEN
      PERFORM :schema.mend_start(log);
      RETURN NULL;
    END IF;
    IF log = 'audit_event' THEN
      -- while it is in its place: it stays there where it is not what was sealed
      PERFORM :schema.retire(purge_id, format('%I.%I', :'schema', next), purge.targets, NULL, NULL, false);
    END IF;
    UPDATE :schema.audit_purge AS own SET leaver = next WHERE own.id = purge_id;
    RETURN '{}';
  END IF;

  leaver := to_regclass(format('%I.%I', :'schema', purge.leaver));
  SELECT known.is_leaving INTO part FROM :schema.partitions_of(log) AS known WHERE known.relation = leaver;
  IF part.is_leaving THEN
    PERFORM :schema.finish_detaching(log, purge.leaver, patience);
  ELSIF FOUND AND detach THEN
    PERFORM :schema.lock_log(ARRAY[log], patience);
    IF EXISTS (SELECT FROM :schema.partitions_of(log) AS known WHERE known.relation = leaver AND NOT known.is_leaving) THEN
      EXECUTE format('ALTER TABLE :schema.%I DETACH PARTITION %s', log, leaver);
    END IF;
  ELSIF FOUND THEN
    RETURN jsonb_build_object('log', log, 'partition', purge.leaver);
  ELSE
    LOCK TABLE :schema.audit_seal IN SHARE ROW EXCLUSIVE MODE;
    -- where two purges were at it, the other may have dropped it: then it is on its record
    IF :schema.hold_partition(purge.leaver, 'ACCESS EXCLUSIVE') THEN
      IF log = 'audit_event' THEN
        PERFORM :schema.retire(purge_id, leaver::text, purge.targets, NULL, NULL);
      END IF;
      gone := :schema.purge_rescue(log, purge.leaver, purge.targets);
      size := pg_total_relation_size(leaver);
      EXECUTE format('DROP TABLE %s', leaver);
    END IF;
    UPDATE :schema.audit_purge AS own
    SET leaver = NULL,
      partitions = own.partitions || CASE WHEN gone IS NOT NULL THEN ARRAY[purge.leaver] END,
      events = own.events + CASE log WHEN 'audit_event' THEN lost.number ELSE 0 END,
      contexts = own.contexts + CASE log WHEN 'audit_context' THEN lost.number ELSE 0 END,
      bytes = own.bytes + coalesce(size, 0),
      counts = CASE log WHEN 'audit_event' THEN :schema.added_counts(own.counts, coalesce(gone, '{}')) ELSE own.counts END
    FROM (SELECT coalesce(sum(value::bigint), 0) AS number FROM jsonb_each_text(gone)) AS lost
    WHERE own.id = purge_id;
  END IF;
  RETURN '{}';
END
$function$;
`,
  'functions/purge_events': `-- Deletes the next events of a purge, at most so many, in the order of partitions
-- and ids; false where none is left. Partitions that hold none of them cost one
-- look at an index.
CREATE OR REPLACE FUNCTION :schema.purge_events(purge_id bigint, size integer)
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
AS $function$
DECLARE
  purge    :schema.audit_purge;
  part     record;
  last     timestamptz;
  after    bigint;
  end_id   bigint;
  is_asked boolean;
  gone     record;
BEGIN
  LOCK TABLE :schema.audit_seal IN SHARE ROW EXCLUSIVE MODE;  -- before any partition, as everywhere
  SELECT * INTO purge FROM :schema.audit_purge WHERE id = purge_id;
  SELECT max(target.value::timestamptz) INTO last FROM jsonb_each_text(purge.targets) AS target;
  FOR part IN
    SELECT known.name, format('%I.%I', :'schema', known.name) AS relation, coalesce(known.since, '-infinity') AS since
    FROM :schema.partitions_of('audit_event') AS known
    WHERE NOT known.is_leaving AND coalesce(known.since, '-infinity') BETWEEN purge.place_since AND last
  LOOP
    CONTINUE WHEN NOT :schema.hold_partition(part.name, 'ROW EXCLUSIVE');
    after := CASE WHEN part.since = purge.place_since THEN purge.place_id ELSE -1 END;
    IF after = -1 THEN
      EXECUTE format(
        'SELECT EXISTS (SELECT FROM jsonb_each_text($1) AS target JOIN %s AS event ON event.table_id = target.key::integer AND event.changed_at < target.value::timestamptz)',
        part.relation
      )
      INTO is_asked
      USING purge.targets;
      CONTINUE WHEN NOT is_asked;
    END IF;
    LOOP
      EXECUTE format(
        'SELECT max(id) FROM (SELECT id FROM %s WHERE id > $1 AND changed_at < $2 ORDER BY id LIMIT $3) AS next', part.relation
      )
      INTO end_id
      USING after, last, size;
      EXIT WHEN end_id IS NULL;
      PERFORM :schema.retire(purge_id, part.relation, purge.targets, after, end_id);
      EXECUTE format(
        $query$
        WITH gone AS (
          DELETE FROM %s AS event
          USING jsonb_each_text($1) AS target
          WHERE event.id > $2 AND event.id <= $3
            AND event.table_id = target.key::integer AND event.changed_at < target.value::timestamptz
          RETURNING event.table_id, pg_column_size(event.*) AS bytes
        ), counted AS (
          SELECT table_id, count(*) AS events, sum(bytes) AS bytes FROM gone GROUP BY table_id
        )
        SELECT coalesce(jsonb_object_agg(table_id, events), '{}') AS counts, coalesce(sum(events), 0) AS events, coalesce(sum(bytes), 0) AS bytes FROM counted
        $query$,
        part.relation
      )
      INTO gone
      USING purge.targets, after, end_id;
      after := end_id;
      IF gone.events > 0 THEN
        UPDATE :schema.audit_purge AS own
        SET place_since = part.since,
          place_id = end_id,
          events = own.events + gone.events,
          bytes = own.bytes + gone.bytes,
          counts = :schema.added_counts(own.counts, gone.counts)
        WHERE own.id = purge_id;
        RETURN true;
      END IF;
    END LOOP;
  END LOOP;
  UPDATE :schema.audit_purge SET place_log = 'audit_context', place_id = -1 WHERE id = purge_id;
  RETURN false;
END
$function$;
`,
  'functions/purge_needs': `-- Whether contexts from one id up to another are needed by an event that stays,
-- or by the record of a purge or an erasure. No SQL function, as purge_report.
CREATE OR REPLACE FUNCTION :schema.purge_needs(targets jsonb, first_id bigint, end_id bigint)
RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off  -- however many they seem to be
AS $function$
BEGIN
  RETURN EXISTS (
    SELECT FROM :schema.audit_event AS event
    WHERE event.context_id >= first_id AND event.context_id < end_id
      AND NOT coalesce(event.changed_at < (targets ->> event.table_id::text)::timestamptz, false)
  ) OR EXISTS (
    SELECT FROM :schema.audit_purge AS purge WHERE purge.context_id >= first_id AND purge.context_id < end_id
  ) OR EXISTS (
    SELECT FROM :schema.audit_erasure AS erasure WHERE erasure.context_id >= first_id AND erasure.context_id < end_id
  );
END
$function$;
`,
  'functions/purge_preview': `-- What a purge would do, in the words of purge_report. Looks at everything that
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
`,
  'functions/purge_record': `-- The hash of the record of a purge, with the context that says who asked for it and
-- why: what its entries in the chain name, so that these cannot be changed. Of it what
-- stands there from its beginning.
CREATE OR REPLACE FUNCTION :schema.purge_record(purge :schema.audit_purge)
RETURNS bytea
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT sha256(convert_to(json_build_array(
    1,
    'purge',
    purge.id,
    trunc(extract(epoch FROM purge.started_at) * 1000000),
    purge.context_id,
    purge.db_user,
    -- its text would depend on the session
    extract(year FROM purge.older_than) * 12 + extract(month FROM purge.older_than),
    extract(day FROM purge.older_than),
    extract(hour FROM purge.older_than) * 3600000000 + extract(minute FROM purge.older_than) * 60000000 + extract(microseconds FROM purge.older_than),
    purge.targets,
    purge.drops,
    trunc(extract(epoch FROM purge.contexts_before) * 1000000),
    -- one there is of an id
    (SELECT CASE count(*) WHEN 1 THEN json_agg(:schema.canonical_context(context)) -> 0 END FROM :schema.audit_context AS context WHERE context.id = purge.context_id)
  )::text, 'UTF8'))
$function$;
`,
  'functions/purge_report': `-- What a purge has done, as purge and maintain return it. No SQL function: these
-- keep a plan for all of a transaction, also where partitions of it were dropped.
CREATE OR REPLACE FUNCTION :schema.purge_report(purge_id bigint)
RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET "TimeZone" = 'UTC'
AS $function$
BEGIN
  RETURN (
    SELECT jsonb_build_object(
      'id', purge.id::text,
      'events', purge.events,
      'contexts', purge.contexts,
      'bytes', purge.bytes,
      'partitions', purge.partitions,
      'tables', purge.tables
    )
    FROM :schema.purges AS purge
    WHERE purge.id = purge_id
  );
END
$function$;
`,
  'functions/purge_rescue': `-- What is to stay of a partition that a purge has detached: of a transaction that
-- was still open when the purge looked at it. It goes back into the log, which may
-- need a first partition for that. Returns how many of which table are to go, as
-- {table_id: number}; of contexts {"": number}.
DROP FUNCTION IF EXISTS :schema.purge_rescue(text, text, jsonb);  -- it returned nothing
CREATE OR REPLACE FUNCTION :schema.purge_rescue(log text, leaver text, targets jsonb)
RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  stays text := CASE log
    WHEN 'audit_event' THEN 'NOT coalesce(own.changed_at < ($1 ->> own.table_id::text)::timestamptz, false)'
    ELSE $condition$
      (EXISTS (SELECT FROM :schema.audit_event AS event WHERE event.context_id = own.id AND event.txid = own.txid)
      OR EXISTS (SELECT FROM :schema.audit_purge AS purge WHERE purge.context_id = own.id)
      OR EXISTS (SELECT FROM :schema.audit_erasure AS erasure WHERE erasure.context_id = own.id))
    $condition$
  END;
  is_needed boolean;
  counts    jsonb;
BEGIN
  EXECUTE format(
    $query$
    SELECT coalesce(sum(number) FILTER (WHERE stays), 0) > 0, coalesce(jsonb_object_agg(name, number) FILTER (WHERE NOT stays), '{}')
    FROM (SELECT %s AS name, %s AS stays, count(*) AS number FROM %I.%I AS own GROUP BY 1, 2) AS counted
    $query$,
    CASE log WHEN 'audit_event' THEN 'own.table_id::text' ELSE '''''::text' END, stays, :'schema', leaver
  )
  INTO is_needed, counts
  USING targets;
  IF is_needed THEN
    PERFORM :schema.mend_start(log);
    EXECUTE format('INSERT INTO :schema.%I SELECT own.* FROM %I.%I AS own WHERE %s', log, :'schema', leaver, stays) USING targets;
  END IF;
  RETURN counts;
END
$function$;
`,
  'functions/purge_start': `-- Begins a purge: writes its record, and takes back what the log claims to know
-- of the tables, before anything of it goes. Returns the id of the record; null
-- where there is nothing to purge.
CREATE OR REPLACE FUNCTION :schema.purge_start(older_than interval, table_id integer, drops boolean)
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET "TimeZone" = 'UTC'
SET lock_timeout = '30s'  -- a step of another purge may take long, and nobody waits behind us
AS $function$
DECLARE
  wanted  jsonb := :schema.purge_targets(older_than, table_id);
  targets jsonb;
  before  timestamptz;
  oldest  bigint;
  started bigint;
BEGIN
  IF wanted = '{}' THEN
    RETURN NULL;
  END IF;
  IF older_than IS NULL THEN
    -- one at a time; the steps of others are not in the way
    LOCK TABLE :schema.audit_purge IN SHARE UPDATE EXCLUSIVE MODE;
    IF EXISTS (SELECT FROM :schema.audit_purge AS other WHERE other.older_than IS NULL AND other.finished_at IS NULL) THEN
      RETURN NULL;
    END IF;
  END IF;
  SELECT coalesce(jsonb_object_agg(target.key, target.value), '{}'),
    max(target.value::timestamptz) - ('1 ' || (:schema.partition_plan()).unit)::interval
  INTO targets, before
  FROM jsonb_each_text(wanted) AS target
  WHERE EXISTS (
    SELECT FROM :schema.audit_event AS event
    WHERE event.table_id = target.key::integer AND event.changed_at < target.value::timestamptz
  );
  IF targets = '{}' THEN
    -- contexts go one period after their events, perhaps after the last of these
    SELECT max(target.value::timestamptz) - ('1 ' || (:schema.partition_plan()).unit)::interval INTO before FROM jsonb_each_text(wanted) AS target;
    SELECT min(context.id) INTO oldest FROM :schema.audit_context AS context WHERE context.id < :schema.partition_bound('audit_context', before)::bigint;
    IF oldest IS NULL OR :schema.purge_needs(targets, oldest, oldest + 1) THEN
      RETURN NULL;
    END IF;
  END IF;

  UPDATE :schema.audit_table AS known
  SET purged_until = greatest(known.purged_until, target.value::timestamptz)
  FROM jsonb_each_text(targets) AS target
  WHERE known.id = target.key::integer;
  INSERT INTO :schema.audit_purge (context_id, older_than, targets, drops, contexts_before)
  VALUES (:schema.this_context(), older_than, targets, drops, before)
  RETURNING id INTO started;
  RETURN started;
END
$function$;
`,
  'functions/purge_step': `-- The next step of a purge, and what it has done so far; null where it is done
-- already, or somebody else is at it. Each step is to be a transaction of its own.
CREATE OR REPLACE FUNCTION :schema.purge_step(purge_id bigint, detach boolean, patience interval)
RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  batch CONSTANT integer := 10000;
  purge  :schema.audit_purge;
  leaves jsonb;
  is_done boolean := false;
BEGIN
  SELECT * INTO purge FROM :schema.audit_purge WHERE id = purge_id AND finished_at IS NULL FOR UPDATE SKIP LOCKED;
  IF NOT FOUND OR :schema.is_detaching(purge.leaver) THEN
    RETURN NULL;
  END IF;
  BEGIN
    IF purge.drops THEN
      leaves := :schema.purge_drop(purge_id, purge.place_log, detach, patience);
    END IF;
    IF leaves IS NULL THEN
      IF purge.place_log = 'audit_event' THEN
        PERFORM :schema.purge_events(purge_id, batch);
      ELSIF NOT :schema.purge_contexts(purge_id, batch) THEN
        UPDATE :schema.audit_purge SET finished_at = clock_timestamp() WHERE id = purge_id;
        is_done := true;
      END IF;
    END IF;
  EXCEPTION WHEN deadlock_detected THEN
    leaves := '{}';  -- with another purge: nothing was done, and the next step does it
  END;
  RETURN :schema.purge_report(purge_id) || jsonb_build_object('pending', NOT is_done) || CASE
    WHEN leaves ? 'partition' THEN jsonb_build_object('detach', leaves)
    ELSE '{}'
  END;
END
$function$;
`,
  'functions/purge_targets': `-- Until when events of which table may go, as {table_id: until}.
--
-- Without older_than as the tables declare their retention. With it that is
-- asked for of one table, or of all: then those that declare a longer retention
-- keep it.
CREATE OR REPLACE FUNCTION :schema.purge_targets(older_than interval, table_id integer)
RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET "TimeZone" = 'UTC'
AS $function$
  SELECT coalesce(jsonb_object_agg(known.id, CASE
      WHEN table_id IS NOT NULL OR retention.text IS NULL THEN statement_timestamp() - older_than
      ELSE least(statement_timestamp() - older_than, statement_timestamp() - retention.text::interval)
    END), '{}')
  FROM :schema.audit_table AS known
  CROSS JOIN LATERAL (SELECT known.declaration ->> 'retention' AS text) AS retention
  WHERE CASE WHEN table_id IS NULL THEN coalesce(retention.text <> 'forever', older_than IS NOT NULL) ELSE known.id = table_id END
$function$;
`,
  'functions/read_entry': `-- What an entry of the chain says, or null where it has not the form of its kind, to
-- the letter: whoever owns the log may have written anything there, and that says
-- nothing. An entry of its form is what one gets by writing down anew what was read,
-- as seal_append and its callers write it; from then on its members can be cast.
--   start, rebase, block  a round of sealing: how far it came
--   retire  blocks (to: up to which), or of one the events of which (a bitmap)
--   redact  events, with their new leaves; none where none was sealed
--   both with the hash of the record of their purge or erasure: see verify_records
--
-- In src/trust/entry-form.ts it is the same. No query where an expression does: there
-- may be millions of blocks.
CREATE OR REPLACE FUNCTION :schema.read_entry(id bigint, entry json)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  most CONSTANT bigint := 9007199254740991;  -- that JSON holds everywhere
  said   jsonb;
  pieces jsonb;
  again  jsonb;
BEGIN
  said := entry::jsonb;
  IF NOT coalesce(
    id BETWEEN 0 AND most AND (said ->> 'at')::bigint BETWEEN -most AND most AND said ->> 'by' IS NOT NULL
      AND CASE said ->> 'kind' WHEN 'start' THEN said ->> 'previous' IS NULL ELSE octet_length(decode(said ->> 'previous', 'hex')) = 32 END
      AND CASE WHEN said ->> 'kind' IN ('start', 'rebase', 'block')
        THEN (said ->> 'incarnation')::integer >= 0 AND (said ->> 'sequence')::bigint >= 0 AND said ->> 'snapshot' IS NOT NULL
        ELSE (said ->> 'events')::bigint BETWEEN 0 AND most
      END,
    false
  ) THEN
    RETURN NULL;
  END IF;

  CASE said ->> 'kind'
    WHEN 'start' THEN
      IF said ->> 'log' IS NULL THEN
        RETURN NULL;
      END IF;
      again := jsonb_build_object('log', (said ->> 'log')::uuid, 'system', said ->> 'system');
      IF said ? 'former' THEN
        -- in the place of a chain that was broken, in whatever way
        IF NOT coalesce(said ->> 'reason' IS NOT NULL AND (said #>> '{former,entries}')::bigint BETWEEN 0 AND most
          AND coalesce(octet_length(decode(said #>> '{former,last}', 'hex')) = 32, true), false)
        THEN
          RETURN NULL;
        END IF;
        again := again || jsonb_build_object('reason', said ->> 'reason', 'former', jsonb_build_object(
          'log', said #>> '{former,log}', 'entries', (said #>> '{former,entries}')::bigint,
          'last', encode(decode(said #>> '{former,last}', 'hex'), 'hex')
        ));
      END IF;
    WHEN 'rebase' THEN
      again := jsonb_build_object('system', said ->> 'system', 'more', true);
    WHEN 'block' THEN
      IF NOT coalesce(
        (said ->> 'events')::integer BETWEEN 0 AND 100000 AND octet_length(decode(said ->> 'root', 'hex')) = 32 AND said ->> 'more' IS NOT NULL
          AND (said ->> 'last' IS NULL) = ((said ->> 'events')::integer = 0) AND coalesce((said ->> 'last')::bigint > 0, true)
          AND jsonb_typeof(said -> 'tables') = 'object' AND NOT jsonb_path_exists(said, 'strict $.tables.* ? (@.type() != "string")'),
        false
      ) THEN
        RETURN NULL;
      END IF;
      again := jsonb_build_object(
        'more', (said ->> 'more')::boolean, 'events', (said ->> 'events')::integer, 'last', ((said ->> 'last')::bigint)::text,
        'root', encode(decode(said ->> 'root', 'hex'), 'hex'), 'tables', said -> 'tables'
      );
    WHEN 'retire' THEN
      SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
        'block', piece.block, 'to', piece."to", 'events', piece.events,
        'which', translate(encode(decode(piece.which, 'base64'), 'base64'), E'\\n', '')
      )) ORDER BY piece.number)
      INTO pieces
      FROM ROWS FROM (jsonb_to_recordset(said -> 'retired') AS (block bigint, "to" bigint, events bigint, which text))
        WITH ORDINALITY AS piece (block, "to", events, which, number)
      WHERE piece.block >= 0 AND coalesce(piece."to", piece.block) >= piece.block AND coalesce(piece."to", piece.block) < read_entry.id
        AND piece.events BETWEEN 1 AND most AND (piece."to" IS NULL OR piece.which IS NULL);
      IF pieces IS NULL OR said ->> 'events' = '0' OR NOT coalesce((said ->> 'purge')::bigint >= 0 AND octet_length(decode(said ->> 'record', 'hex')) = 32, false) THEN
        RETURN NULL;
      END IF;
      again := jsonb_build_object('purge', ((said ->> 'purge')::bigint)::text, 'record', encode(decode(said ->> 'record', 'hex'), 'hex'), 'events', (said ->> 'events')::bigint, 'retired', pieces);
    WHEN 'redact' THEN
      SELECT coalesce(jsonb_agg(jsonb_build_object(
        'event', piece.event::text, 'block', piece.block, 'place', piece.place, 'columns', piece.columns, 'leaf', encode(decode(piece.leaf, 'hex'), 'hex')
      ) ORDER BY piece.number), '[]')
      INTO pieces
      FROM ROWS FROM (jsonb_to_recordset(said -> 'redacted') AS (event bigint, block bigint, place integer, columns text[], leaf text))
        WITH ORDINALITY AS piece (event, block, place, columns, leaf, number)
      WHERE piece.event > 0 AND piece.block >= 0 AND piece.block < read_entry.id AND piece.place >= 0 AND octet_length(decode(piece.leaf, 'hex')) = 32
        AND piece.columns IS NOT NULL AND CASE WHEN coalesce(array_ndims(piece.columns), 1) = 1 THEN array_position(piece.columns, NULL) IS NULL ELSE false END;
      IF (pieces = '[]') <> (said ->> 'events' = '0') OR NOT coalesce((said ->> 'erasure')::bigint >= 0 AND octet_length(decode(said ->> 'record', 'hex')) = 32, false) OR jsonb_typeof(said -> 'columns') IS DISTINCT FROM 'array'
        OR jsonb_path_exists(said, 'strict $.columns[*] ? (@.type() != "string")')
      THEN
        RETURN NULL;
      END IF;
      again := jsonb_build_object(
        'erasure', ((said ->> 'erasure')::bigint)::text, 'record', encode(decode(said ->> 'record', 'hex'), 'hex'), 'events', (said ->> 'events')::bigint, 'columns', said -> 'columns', 'redacted', pieces
      );
    ELSE
      RETURN NULL;
  END CASE;
  again := again || CASE WHEN said ->> 'kind' IN ('start', 'rebase', 'block') THEN jsonb_build_object(
    'v', 1, 'id', id, 'kind', said ->> 'kind', 'previous', encode(decode(said ->> 'previous', 'hex'), 'hex'), 'at', (said ->> 'at')::bigint, 'by', said ->> 'by',
    'incarnation', (said ->> 'incarnation')::integer, 'snapshot', (said ->> 'snapshot')::pg_snapshot, 'sequence', ((said ->> 'sequence')::bigint)::text
  ) ELSE jsonb_build_object(
    'v', 1, 'id', id, 'kind', said ->> 'kind', 'previous', encode(decode(said ->> 'previous', 'hex'), 'hex'), 'at', (said ->> 'at')::bigint, 'by', said ->> 'by'
  ) END;
  RETURN CASE WHEN again::text = entry::text THEN said END;
EXCEPTION
  -- no JSON of PostgreSQL, or members that are of other types
  WHEN data_exception OR program_limit_exceeded THEN
    RETURN NULL;
END
$function$;
`,
  'functions/readable_image': `-- An image without the values that cannot be read as the types of its columns.
CREATE OR REPLACE FUNCTION :schema.readable_image(image jsonb, types jsonb)
RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT image - ARRAY(
    SELECT name FROM jsonb_each_text(types) AS checked (name, type) WHERE image ? name AND NOT :schema.is_readable(image -> name, type)
  )
$function$;
`,
  'functions/record_shape': `-- Adds the present columns of a tracked table to audit_shape if they, or how
-- they are recorded, differ from the shape recorded last.
CREATE OR REPLACE FUNCTION :schema.record_shape(tracked_id integer, relation oid)
RETURNS boolean
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $function$
  WITH shape AS (
    SELECT present.*
    FROM :schema.audit_table AS known
    CROSS JOIN LATERAL :schema.table_columns($2, known.declaration) AS present
    WHERE known.id = tracked_id
  ), latest AS (
    SELECT attnum, column_name, data_type, base_type, key_position, identity, generated, recorded
    FROM :schema.audit_shape
    WHERE table_id = tracked_id
      AND valid_from = (SELECT max(valid_from) FROM :schema.audit_shape WHERE table_id = tracked_id)
  ), written AS (
    INSERT INTO :schema.audit_shape
      (table_id, valid_from, attnum, column_name, data_type, base_type, key_position, identity, generated, recorded, relation)
    SELECT tracked_id, now.moment, shape.*, $2
    FROM shape, (SELECT clock_timestamp() AS moment) AS now
    WHERE EXISTS (SELECT * FROM shape EXCEPT SELECT * FROM latest)
       OR EXISTS (SELECT * FROM latest EXCEPT SELECT * FROM shape)
    RETURNING 1
  )
  SELECT EXISTS (SELECT FROM written)
$function$;
`,
  'functions/redact_entry': `-- Writes an erasure into the chain, which the caller has locked: which of the sealed events
-- it changed, if any, with their new leaves. Returns the id of the entry.
--   redacted  as read_entry knows them
CREATE OR REPLACE FUNCTION :schema.redact_entry(erasure :schema.audit_erasure, redacted jsonb)
RETURNS bigint
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT :schema.seal_append('redact', jsonb_build_object(
    'erasure', erasure.id::text,
    'record', encode(:schema.erasure_record(erasure), 'hex'),
    'events', jsonb_array_length(redacted),
    'columns', (
      SELECT coalesce(jsonb_agg(DISTINCT name), '[]')
      FROM jsonb_array_elements(redacted) AS one CROSS JOIN LATERAL jsonb_array_elements_text(one -> 'columns') AS name
    ),
    'redacted', redacted
  ))
$function$;
`,
  'functions/redact_events': `-- Redacts events whose contexts have been redacted already, and writes what became
-- of those that are sealed into the chain, which the caller has locked. Returns the
-- id of the entry, null where none of them is sealed, and the partitions.
--   names, tombstones  as redacted_event takes them, of events that are \`own\`
--   of_contexts  {context_id: what went of it}
--   erasure      its record
DROP FUNCTION IF EXISTS :schema.redact_events(bigint[], timestamptz[], boolean[], text[], jsonb, jsonb, bigint);  -- it took the context alone
CREATE OR REPLACE FUNCTION :schema.redact_events(
  ids bigint[], times timestamptz[], own boolean[], names text[], tombstones jsonb, of_contexts jsonb, erasure :schema.audit_erasure,
  OUT entry bigint, OUT partitions text[]
)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off  -- however many they seem to be
SET jit = off
AS $function$
DECLARE
  redacted jsonb;
BEGIN
  WITH form AS MATERIALIZED (
    SELECT event.id, event.changed_at, context,
      :schema.redacted_event(event, CASE WHEN given.own THEN names ELSE '{}' END, CASE WHEN given.own THEN tombstones ELSE '{}' END) AS left_over,
      CASE WHEN given.own THEN :schema.names_in(event, names) ELSE '{}' END || ARRAY(
        SELECT 'context.' || name FROM jsonb_array_elements_text(of_contexts -> context.id::text) AS name
      ) AS columns
    FROM unnest(ids, times, own) AS given (id, changed_at, own)
    JOIN :schema.audit_event AS event ON event.id = given.id AND event.changed_at = given.changed_at
    LEFT JOIN :schema.audit_context AS context ON context.id = event.context_id AND context.txid = event.txid
  ), changed AS (
    UPDATE :schema.audit_event AS event
    SET object_id = (form.left_over).object_id, old_object_id = (form.left_over).old_object_id,
      old = (form.left_over).old, new = (form.left_over).new, meta = (form.left_over).meta,
      masked = (form.left_over).masked, redacted = (form.left_over).redacted, salt = (form.left_over).salt
    FROM form
    WHERE event.id = form.id AND event.changed_at = form.changed_at
    RETURNING event.id, event.tableoid AS relation, form.columns, :schema.event_leaf(event, form.context) AS leaf
  )
  SELECT
    jsonb_agg(jsonb_build_object(
      'event', changed.id::text, 'block', sealed.block, 'place', sealed.place,
      'columns', to_jsonb(changed.columns), 'leaf', encode(changed.leaf, 'hex')
    ) ORDER BY changed.id) FILTER (WHERE sealed.event_id IS NOT NULL),
    array_agg(DISTINCT (SELECT relname FROM pg_class WHERE oid = changed.relation)::text)
  INTO redacted, partitions
  FROM changed LEFT JOIN :schema.places_of(ids) AS sealed ON sealed.event_id = changed.id;

  IF redacted IS NOT NULL THEN
    entry := :schema.redact_entry(erasure, redacted);
  END IF;
END
$function$;
`,
  'functions/redacted_context': `-- A context without what is erased from it: names of its metadata, client_addr,
-- context_error. That somebody did it stays known: the user becomes "erased".
CREATE OR REPLACE FUNCTION :schema.redacted_context(context :schema.audit_context, names text[])
RETURNS :schema.audit_context
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  gone CONSTANT text := 'erased';
BEGIN
  IF 'user_id' = ANY (names) THEN
    context.user_id := CASE WHEN context.user_id IS NOT NULL THEN gone END;
    names := array_remove(names, 'user_id');
    context.metadata := context.metadata || CASE WHEN context.metadata ? 'user_id' THEN jsonb_build_object('user_id', gone) ELSE '{}' END;
  END IF;
  IF 'client_addr' = ANY (names) THEN
    context.client_addr := NULL;
  END IF;
  IF 'context_error' = ANY (names) AND context.context_error IS NOT NULL THEN
    -- it may quote what could not be stored
    context.context_error := gone;
  END IF;
  context.metadata := context.metadata - names;
  RETURN context;
END
$function$;
`,
  'functions/redacted_event': `-- An event without what is erased from it, under a new salt. That a column changed
-- stays known, as of a masked one: of what is gone, masked tells where it changed.
--   names       of columns; those that the event does not hold do nothing
--   tombstones  {object_id: what takes its place}
CREATE OR REPLACE FUNCTION :schema.redacted_event(event :schema.audit_event, names text[], tombstones jsonb)
RETURNS :schema.audit_event
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  taken text[] := :schema.names_in(event, names);
BEGIN
  event.masked := nullif(ARRAY(
    SELECT unnest(event.masked)
    UNION
    SELECT name
    FROM unnest(taken) AS name
    WHERE coalesce(event.old -> name, CASE event.operation WHEN 'U' THEN event.new -> name END, 'null')::text
      IS DISTINCT FROM coalesce(event.new -> name, 'null')::text
    ORDER BY 1
  ), '{}');
  event.redacted := ARRAY(SELECT unnest(event.redacted) UNION SELECT unnest(taken) ORDER BY 1);
  event.old := event.old - taken;
  event.new := event.new - taken;
  event.meta := event.meta - taken;
  event.object_id := coalesce(tombstones ->> event.object_id, event.object_id);
  event.old_object_id := coalesce(tombstones ->> event.old_object_id, event.old_object_id);
  IF event.salt IS NOT NULL THEN
    event.salt := uuid_send(gen_random_uuid());
  END IF;
  RETURN event;
END
$function$;
`,
  'functions/reference_id': `-- The object_id of the row that an image of another row refers to by a foreign
-- key, whose columns are in the order of the referenced key; null where it
-- refers to none, or where the image lacks them.
CREATE OR REPLACE FUNCTION :schema.reference_id(image jsonb, columns text[])
RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT CASE WHEN bool_and(image ->> name IS NOT NULL) THEN
    :schema.bounded_id(CASE WHEN count(*) = 1 THEN min(image ->> name) ELSE jsonb_agg(image -> name ORDER BY position)::text END)
  END
  FROM unnest(columns) WITH ORDINALITY AS key (name, position)
$function$;
`,
  'functions/reference_labels': `-- The labels of the rows that an image of a row refers to, by column; null
-- where there are none.
CREATE OR REPLACE FUNCTION :schema.reference_labels(tracked_id integer, image jsonb)
RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT jsonb_object_agg(name, referred.label)
  FROM :schema.labelled_references($1) AS reference
  CROSS JOIN LATERAL (
    SELECT :schema.row_label(reference.referenced_id, :schema.reference_id(image, reference.columns)) AS label
  ) AS referred
  CROSS JOIN LATERAL unnest(reference.columns) AS name
  WHERE referred.label IS NOT NULL
$function$;
`,
  'functions/retire': `-- Says in the chain that events are about to go by retention: those of a partition
-- with an id behind after, up to until (null: all), that are older than the targets
-- of a purge.
-- Whoever takes them away without that has tampered with the log.
--
-- They have to be what was sealed, or this is refused: what somebody changed would
-- be lost with the evidence. Without entry it only looks.
CREATE OR REPLACE FUNCTION :schema.retire(
  purge_id bigint, relation text, targets jsonb, after bigint, until bigint, entry boolean DEFAULT true
)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off  -- how many events there will be is not known beforehand
SET jit = off
AS $function$
#variable_conflict use_variable
DECLARE
  going   record;
  retired record;
  emptied bigint[];
  is_sealed boolean;  -- just now
BEGIN
  LOCK TABLE :schema.audit_seal IN SHARE ROW EXCLUSIVE MODE;
  PERFORM :schema.check_chain_end();
  IF NOT EXISTS (SELECT FROM :schema.audit_seal) THEN
    RETURN;
  END IF;
  FOREACH is_sealed IN ARRAY ARRAY[false, true] LOOP
    EXECUTE format(
      $query$
      SELECT min(own.id) AS first_id, max(own.id) AS last_id, array_agg(DISTINCT own.context_id) AS contexts
      FROM jsonb_each_text($1) AS target
      JOIN %s AS own ON own.table_id = target.key::integer AND own.changed_at < target.value::timestamptz
      WHERE ($2 IS NULL OR own.id > $2) AND ($3 IS NULL OR own.id <= $3)
      $query$,
      relation
    ) INTO going USING targets, after, until;
    IF going.first_id IS NULL THEN
      RETURN;
    END IF;
    EXECUTE format(
      $query$
      WITH going AS MATERIALIZED (
        SELECT own.id, :schema.event_leaf(CAST(ROW(own.*) AS :schema.audit_event), context) AS leaf
        FROM jsonb_each_text($1) AS target
        JOIN %1$s AS own ON own.table_id = target.key::integer AND own.changed_at < target.value::timestamptz
        LEFT JOIN :schema.audit_context AS context ON context.id = own.context_id AND context.txid = own.txid
          AND context.id = ANY ($4)
        WHERE own.id >= $2 AND own.id <= $3
      ), judged AS MATERIALIZED (
        SELECT going.id, sealed.block, sealed.place,
          CASE
            WHEN sealed.block IS NULL THEN 'unsealed'
            -- an event that was retired once must not be there either
            WHEN sealed.entry IS NOT NULL AND sealed.new_leaf IS NULL OR going.leaf <> coalesce(sealed.new_leaf, sealed.sealed_leaf) THEN 'changed'
          END AS doubt
        FROM going
        LEFT JOIN :schema.sealed_places($2 - 1, $3) AS sealed USING (id)
      ), part AS (
        SELECT block, count(*) AS events, array_agg(place) AS places
        FROM judged WHERE doubt IS NULL
        GROUP BY block
      ), sealed AS (
        SELECT block.id AS block, (said ->> 'events')::integer AS events, row_number() OVER (ORDER BY block.id) AS number
        FROM :schema.audit_seal AS block CROSS JOIN LATERAL :schema.read_entry(block.id, block.entry) AS said
        WHERE said ->> 'kind' = 'block' AND block.id BETWEEN (SELECT min(part.block) FROM part) AND (SELECT max(part.block) FROM part)
      ), whole AS (
        -- blocks in a row are one piece
        SELECT min(run.block) AS block, max(run.block) AS last, sum(run.events) AS events
        FROM (
          SELECT part.block, part.events, sealed.number - row_number() OVER (ORDER BY part.block) AS number
          FROM part JOIN sealed USING (block)
          WHERE part.events = sealed.events
        ) AS run
        GROUP BY run.number
      ), piece AS (
        SELECT whole.block, jsonb_build_object('block', whole.block, 'to', whole.last, 'events', whole.events) AS said FROM whole
        UNION ALL
        SELECT part.block, jsonb_build_object('block', part.block, 'events', part.events, 'which', :schema.bitmap(part.places, sealed.events))
        FROM part JOIN sealed USING (block)
        WHERE part.events < sealed.events
      )
      SELECT
        (SELECT min(id) FROM judged WHERE doubt = 'unsealed') AS unsealed,
        (SELECT min(id) FROM judged WHERE doubt = 'changed') AS changed,
        (SELECT count(*) FROM judged) AS events,
        (SELECT jsonb_agg(said ORDER BY block) FROM piece) AS pieces,
        (SELECT array_agg(block) FROM part) AS blocks
      $query$,
      relation
    ) INTO retired USING targets, going.first_id, going.last_id, going.contexts;
    EXIT WHEN is_sealed OR retired.unsealed IS NULL;
    -- of a transaction that was running when the last round was sealed, perhaps
    WHILE (:schema.seal() ->> 'more')::boolean LOOP
    END LOOP;
  END LOOP;
  IF retired.changed IS NOT NULL THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU006',
      MESSAGE = format('Event %s is not what was sealed, and retention would take it with the evidence.', retired.changed),
      HINT = 'See what "auditrum verify-chain" says of it first.';
  ELSIF retired.unsealed IS NOT NULL THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU003',
      MESSAGE = format('Event %s is to be purged, and is not sealed.', retired.unsealed),
      HINT = 'Seal the log first: auditrum seal.';
  END IF;
  IF NOT entry THEN
    RETURN;
  END IF;

  PERFORM :schema.seal_append('retire', jsonb_build_object(
    'purge', purge_id::text,
    'record', (SELECT encode(:schema.purge_record(purge), 'hex') FROM :schema.audit_purge AS purge WHERE purge.id = purge_id),
    'events', retired.events,
    'retired', retired.pieces
  ));
  emptied := ARRAY(
    SELECT gone.block
    FROM (
      SELECT own.block, count(*) AS events FROM :schema.amendments(retired.blocks) AS own WHERE own.leaf IS NULL GROUP BY own.block
    ) AS gone
    JOIN :schema.audit_leaf AS leaf USING (block)
    WHERE gone.events = cardinality(leaf.ids)
  );
  DELETE FROM :schema.audit_leaf AS leaf WHERE leaf.block = ANY (emptied);
END
$function$;
`,
  'functions/revert': `-- Undoes what is in the log, for people:
--   select * from auditrum.revert(event => 4711);
--   select * from auditrum.revert(transaction => 1234567890, dry_run => true);
--   select * from auditrum.revert(request => 'abc', on_conflict => 'skip');
-- One line for each row, newest first, then what could not be given back. It
-- writes by the rights of the caller; a row that was changed since is a
-- conflict, and then, unless told otherwise, nothing is written.
CREATE OR REPLACE FUNCTION :schema.revert(
  event bigint DEFAULT NULL,
  transaction bigint DEFAULT NULL,
  root uuid DEFAULT NULL,
  request text DEFAULT NULL,
  dry_run boolean DEFAULT false,
  on_conflict text DEFAULT 'fail'
)
RETURNS TABLE (part text, event_id bigint, table_name text, object_id text, operation text, outcome text, columns text, detail text)
LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
DECLARE
  lines   jsonb[] := ARRAY(
    SELECT pg_catalog.to_jsonb(line)
    FROM :schema.undo(revert.event, revert.transaction, revert.root, revert.request, revert.dry_run, revert.on_conflict) AS line
  );
  problem text;
BEGIN
  problem := :schema.undo_refusal(lines);
  IF problem IS NOT NULL AND NOT revert.dry_run THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU004',
      MESSAGE = pg_catalog.format('Nothing was undone: %s.', problem),
      HINT = 'Look with dry_run => true; on_conflict => ''skip'' leaves such rows as they are, ''force'' overwrites them.';
  END IF;
  RETURN QUERY SELECT * FROM :schema.undo_lines(lines);
END
$function$;
`,
  'functions/row_as_of': `-- One row as it was, or no row:
--   select * from auditrum.row_as_of(null::orders, 42, '2026-11-01 12:00+01');
--   select * from auditrum.row_as_of(null::order_items, '[7, 2]', event => 4711);
-- id is its key at that time; if no row had that, the row that was given it
-- next. Otherwise as as_of, except that by default every change counts whose
-- statement had run by then.
CREATE OR REPLACE FUNCTION :schema.row_as_of(
  relation anyelement,
  id anycompatible,
  at timestamptz DEFAULT NULL,
  consistent boolean DEFAULT false,
  event bigint DEFAULT NULL,
  transaction bigint DEFAULT NULL
)
RETURNS SETOF anyelement
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  tracked integer := :schema.row_type_table(pg_typeof(relation));
  wanted  text := :schema.row_id(tracked, to_jsonb(id));
  asked   record := :schema.past_of(tracked, at, event, transaction, consistent, true, NULL);
  lists   record := :schema.past_lists(asked.past);
BEGIN
  PERFORM :schema.warn_of_gaps(asked.past);
  RETURN QUERY EXECUTE format(
    'SELECT %s FROM :schema.past_rows_of($1, $2, $3, $4, ARRAY[$5], true) AS past (%s, missing text, place text)', lists.result, lists.types
  )
  USING tracked, asked.relation, asked.moment, asked.past, wanted;
END
$function$;
`,
  'functions/row_blame': `-- The lines of blame, of the row of a table that has an object_id. As event_after
-- it is planned once: that takes longer than what it finds.
CREATE OR REPLACE FUNCTION :schema.row_blame(tracked_id integer, wanted_id text, wanted_column text DEFAULT NULL)
RETURNS TABLE (
  column_name   text,
  value         jsonb,
  changed_at    timestamptz,
  user_id       text,
  change_reason text,
  source        text,
  operation     text,
  db_user       text,
  masked        boolean,
  event_id      bigint,
  context_uuid  uuid
)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET jit = off
AS $function$
#variable_conflict use_column
BEGIN
  RETURN QUERY
    WITH RECURSIVE wanted AS MATERIALIZED (
      SELECT $1 AS table_id, $2 AS object_id, :schema.known_column($1, $3) AS column_name
    ), past AS MATERIALIZED (
      SELECT event.*
      FROM (SELECT array_agg(place.id) AS ids, array_agg(place.changed_at) AS times FROM :schema.row_events($1, $2) AS place) AS places
      CROSS JOIN LATERAL :schema.events_at(places.ids, places.times) AS event
    ), ended AS MATERIALIZED (
      -- the last event, if it was the end of the row, or gave it another key
      SELECT newest.*
      FROM (SELECT * FROM past WHERE operation <> 'truncate' OR meta IS NULL ORDER BY id DESC LIMIT 1) AS newest
      WHERE newest.operation IN ('delete', 'truncate')
         OR newest.object_id IS DISTINCT FROM (SELECT object_id FROM wanted)
    ), life (object_id, since, until) AS (
      -- the row that has this key now, or had it last, back through changes of its key
      SELECT wanted.object_id COLLATE "C", :schema.life_start(wanted.table_id, wanted.object_id, last.id), last.id
      FROM wanted
      CROSS JOIN (SELECT coalesce((SELECT id FROM ended), 9223372036854775807) AS id) AS last
      UNION ALL
      SELECT moved.old_object_id, :schema.life_start(moved.table_id, moved.old_object_id, moved.id), moved.id
      FROM life JOIN past AS moved ON moved.id = life.since AND moved.object_id = life.object_id
      WHERE moved.old_object_id IS NOT NULL
    ), history AS MATERIALIZED (
      SELECT past.*
      FROM past JOIN life ON past.object_id = life.object_id AND past.id >= life.since AND past.id < life.until
    ), change AS (
      SELECT history.*, changed.name AS changed_column, changed.name = ANY (history.masked) AS is_masked
      FROM history
      CROSS JOIN LATERAL (
        SELECT jsonb_object_keys(CASE WHEN history.operation = 'update' THEN history.diff ELSE history.new_data END)
        UNION
        SELECT unnest(history.masked)
      ) AS changed (name)
      UNION ALL
      SELECT ended.*, NULL, NULL FROM ended
    ), latest AS (
      SELECT DISTINCT ON (change.changed_column) change.*
      FROM change
      ORDER BY change.changed_column, change.id DESC
    ), older AS (
      SELECT DISTINCT ON (known.key) known.key, known.value
      FROM history CROSS JOIN LATERAL jsonb_each(coalesce(history.new_data, history.old_data)) AS known
      WHERE NOT EXISTS (SELECT FROM latest WHERE latest.changed_column = known.key)
      ORDER BY known.key, history.id DESC
    ), line AS (
      SELECT
        latest.changed_column AS name, latest.new_data -> latest.changed_column AS value, known.changed_at,
        known.user_id, known.change_reason, known.source, latest.operation, known.db_user,
        coalesce(latest.is_masked, false) AS masked, latest.id, known.context_uuid
      FROM latest
      LEFT JOIN latest AS known ON latest.operation <> 'snapshot' AND known.changed_column IS NOT DISTINCT FROM latest.changed_column
      UNION ALL
      SELECT older.key, older.value, NULL, NULL, NULL, NULL, NULL, NULL, false, NULL, NULL
      FROM older
    )
    SELECT *
    FROM line
    WHERE line.name IS NULL OR (SELECT wanted.column_name IS NULL OR wanted.column_name = line.name FROM wanted)
    ORDER BY line.id DESC NULLS LAST, line.name;
END
$function$;
`,
  'functions/row_events': `-- Where the events of a row are, newest first where there is a size: of all rows
-- that ever had the key, and from each that was given it by an update back to when
-- it had another. A truncation of the table is one of them. As event_after it is
-- planned once.
CREATE OR REPLACE FUNCTION :schema.row_events(tracked_id integer, object_id text, ahead bigint DEFAULT NULL, size integer DEFAULT NULL)
RETURNS TABLE (id bigint, changed_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET jit = off
AS $function$
#variable_conflict use_column
DECLARE
  -- only of these the columns may have changed their order, so that object_id meant another row
  is_composite boolean := (SELECT cardinality(known.key_columns) > 1 FROM :schema.audit_table AS known WHERE known.id = tracked_id);
BEGIN
  IF NOT EXISTS (SELECT FROM :schema.audit_event AS moved WHERE moved.table_id = $1 AND moved.old_object_id IS NOT NULL) THEN
    RETURN QUERY
      SELECT log.id, log.changed_at
      FROM :schema.audit_event AS log
      WHERE log.table_id = $1 AND log.object_id = $2 AND log.id < coalesce($3, 9223372036854775807)
        AND (NOT is_composite OR :schema.is_row($1, coalesce(log.new, log.old), $2))
      ORDER BY log.id DESC
      LIMIT $4;
    RETURN QUERY
      SELECT log.id, log.changed_at
      FROM :schema.audit_event AS log
      WHERE log.table_id = $1 AND log.object_id IS NULL AND log.operation = 'T' AND log.id < coalesce($3, 9223372036854775807)
        AND EXISTS (
          SELECT FROM :schema.audit_event AS older
          WHERE older.table_id = $1 AND older.object_id = $2 AND older.id < log.id
            AND (NOT is_composite OR :schema.is_row($1, coalesce(older.new, older.old), $2))
        );
    RETURN;
  END IF;

  RETURN QUERY
    WITH RECURSIVE life (object_id, since, until) AS (
      -- every row that had this key, and from each that was given it by an update back to the one
      -- row that had the former key at that time
      SELECT $2 COLLATE "C", 0::bigint, 9223372036854775807
      UNION
      SELECT moved.old_object_id, :schema.life_start($1, moved.old_object_id, moved.id), moved.id
      FROM life
      JOIN :schema.audit_event AS moved
        ON moved.table_id = $1 AND moved.object_id = life.object_id AND moved.old_object_id IS NOT NULL
        AND moved.id >= life.since AND moved.id < life.until
    ), event (id, changed_at) AS (
      SELECT log.id, log.changed_at
      FROM life
      JOIN :schema.audit_event AS log
        ON log.table_id = $1 AND log.object_id = life.object_id
        AND log.id >= life.since AND log.id < life.until
      WHERE NOT is_composite OR :schema.is_row($1, coalesce(log.new, log.old), life.object_id)
      UNION
      -- when it was given another key
      SELECT log.id, log.changed_at
      FROM life
      JOIN :schema.audit_event AS log
        ON log.table_id = $1 AND log.old_object_id = life.object_id AND log.id < life.until
      WHERE life.until = 9223372036854775807
        AND (NOT is_composite OR :schema.is_row($1, log.new || log.old, life.object_id))
    )
    SELECT event.* FROM event
    UNION ALL
    SELECT log.id, log.changed_at
    FROM :schema.audit_event AS log
    WHERE log.table_id = $1 AND log.object_id IS NULL AND log.operation = 'T'
      AND log.id > (SELECT min(event.id) FROM event);
END
$function$;
`,
  'functions/row_id': `-- The object_id of a row of a tracked table, from its key as people give it: a
-- scalar, an array in key order, an object with the key's columns, or for a
-- composite key the text of one of these. Each part is read as its column's
-- type, so that '042' finds 42 and a uuid may be in upper case; of an array that
-- is a JSON array. What is no key
-- of the table is an error. An object_id, as events have it, is one as well.
CREATE OR REPLACE FUNCTION :schema.row_id(tracked_id integer, identity jsonb)
RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET TimeZone = 'UTC'
SET DateStyle = 'ISO'
SET extra_float_digits = '1'
AS $function$
DECLARE
  tracked :schema.audit_table := (SELECT known FROM :schema.audit_table AS known WHERE known.id = tracked_id);
  names   text[] := tracked.key_columns;
  shown   text := format('The key of %I.%I is (%s)', tracked.schema_name, tracked.table_name, array_to_string(names, ', '));
  type    text;
  parts   jsonb := '[]';
  part    jsonb;
BEGIN
  IF jsonb_typeof(identity) = 'string' AND identity #>> '{}' ~ '^md5 [0-9a-f]{32}$' THEN
    RETURN identity #>> '{}';
  END IF;
  IF names = '{}' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('%I.%I has no primary key, so none of its rows can be named.', tracked.schema_name, tracked.table_name),
      HINT = 'Read the whole table''s history, and look for the row in old and new data.';
  END IF;
  IF cardinality(names) > 1 AND jsonb_typeof(identity) = 'string' AND identity #>> '{}' ~ '^\\s*(\\[.*\\]|\\{.*\\})\\s*$' THEN
    identity := (identity #>> '{}')::jsonb;
  END IF;
  IF jsonb_typeof(identity) = 'object' AND identity ?& names AND identity - names = '{}' THEN
    identity := (SELECT jsonb_agg(identity -> name ORDER BY position) FROM unnest(names) WITH ORDINALITY AS key (name, position));
  ELSIF jsonb_typeof(identity) IN ('string', 'number', 'boolean') THEN
    identity := jsonb_build_array(identity);
  END IF;
  IF jsonb_typeof(identity) IS DISTINCT FROM 'array' OR jsonb_array_length(identity) <> cardinality(names) OR identity @> '[null]' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('%s names no row. %s.', coalesce(identity::text, 'null'), shown),
      HINT = 'Give a value for each column of the key, and no other.';
  END IF;

  FOR position IN 1 .. cardinality(names) LOOP
    part := identity -> position - 1;
    SELECT shape.base_type INTO type
    FROM :schema.audit_shape AS shape
    WHERE shape.table_id = tracked_id AND shape.column_name = names[position]
    ORDER BY shape.valid_from DESC
    LIMIT 1;
    BEGIN
      -- types that are read without code of the application's
      part := CASE
        -- an array or a record, as events have it
        WHEN jsonb_typeof(part) IN ('array', 'object') THEN part
        WHEN type LIKE '%[]' THEN (part #>> '{}')::jsonb
        ELSE CASE type
        WHEN 'smallint' THEN to_jsonb((part #>> '{}')::smallint)
        WHEN 'integer' THEN to_jsonb((part #>> '{}')::integer)
        WHEN 'bigint' THEN to_jsonb((part #>> '{}')::bigint)
        WHEN 'boolean' THEN to_jsonb((part #>> '{}')::boolean)
        WHEN 'uuid' THEN to_jsonb((part #>> '{}')::uuid)
        WHEN 'date' THEN to_jsonb((part #>> '{}')::date)
        WHEN 'timestamp without time zone' THEN to_jsonb((part #>> '{}')::timestamp)
        WHEN 'timestamp with time zone' THEN to_jsonb((part #>> '{}')::timestamptz)
        WHEN 'numeric' THEN to_jsonb((part #>> '{}')::numeric)
        WHEN 'real' THEN to_jsonb((part #>> '{}')::real)
        WHEN 'double precision' THEN to_jsonb((part #>> '{}')::double precision)
        WHEN 'jsonb' THEN part
        ELSE to_jsonb(part #>> '{}')
        END
      END;
    EXCEPTION WHEN data_exception THEN
      -- unless the column had another type once, whose rows are still in the log
      IF NOT EXISTS (
        SELECT FROM :schema.audit_shape AS shape
        WHERE shape.table_id = tracked_id AND shape.column_name = names[position] AND shape.base_type <> type
      ) THEN
        RAISE EXCEPTION USING
          ERRCODE = 'AU005',
          MESSAGE = format('%s is no %s. %s.', part, type, shown),
          HINT = format(CASE WHEN type LIKE '%[]' THEN 'Give %s as a JSON array.' ELSE 'Give %s as a value of that type.' END, names[position]);
      END IF;
    END;
    parts := parts || jsonb_build_array(part);
  END LOOP;
  RETURN :schema.bounded_id(CASE WHEN cardinality(names) = 1 THEN parts ->> 0 ELSE parts::text END);
END
$function$;
`,
  'functions/row_label': `-- The label of a row of a tracked table, by its object_id, as the log had the row
-- last. The table itself is not asked: whoever may read the log may read labels,
-- whatever rights on the table he has, and what its owner has put there (policies,
-- indexes over functions, checks of domains) is not run as the owner of the log.
CREATE OR REPLACE FUNCTION :schema.row_label(tracked_id integer, object_id text)
RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  IF object_id IS NULL OR to_regprocedure(format('%I.%I(jsonb)', :'schema', 'label_' || tracked_id)) IS NULL THEN
    RETURN NULL;
  END IF;
  RETURN :schema.label_of(tracked_id, :schema.logged_row(tracked_id, object_id));
END
$function$;
`,
  'functions/row_then': `-- One row at a moment, for a caller that has kept what an earlier question told of
-- the table: known is a document of past_columns, with one of plain_past.
-- Records of the columns of known, followed by two of text: the names of those
-- whose value is not known (a JSON array, or null), and what is known of the
-- answer, {found, since, complete, keys_erased_until}. None where known does not hold
-- any more, or not at that moment.
CREATE OR REPLACE FUNCTION :schema.row_then(
  relation oid, identity jsonb, at timestamptz, event bigint, transaction bigint, consistent boolean, known jsonb
)
RETURNS SETOF record
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET TimeZone = 'UTC'
SET DateStyle = 'ISO'
SET IntervalStyle = 'postgres'
SET extra_float_digits = '1'
SET bytea_output = 'hex'
SET lc_monetary = 'C'
SET array_nulls = on
SET xmloption = content
AS $function$
DECLARE
  plain     jsonb := known -> 'plain';
  present   record := :schema.past_version(relation);
  since     timestamptz := known ->> 'recorded_since';
  moment    jsonb;
  wanted    text;
  truncated record;
  doubtful_until timestamptz;
  erased_at timestamptz := known ->> 'erased_at';
  change    record;
  answer    jsonb;
  state     jsonb;
  missing   jsonb;
  lists     record;
BEGIN
  IF plain ->> 'version' IS DISTINCT FROM present.version THEN
    RETURN;
  END IF;
  wanted := :schema.row_id(present.tracked_id, identity);
  moment := :schema.past_moment(at, event, transaction, consistent);
  IF (moment ->> 'at')::timestamptz < (plain ->> 'from')::timestamptz THEN
    RETURN;
  END IF;
  truncated := :schema.truncations_after(present.tracked_id, moment);
  doubtful_until := (
    SELECT max(period.value::timestamptz) FROM jsonb_each_text(nullif(known -> 'doubtful', 'null')) AS period
    WHERE (moment ->> 'at')::timestamptz >= period.key::timestamptz AND (moment ->> 'at')::timestamptz < period.value::timestamptz
  );
  answer := jsonb_build_object(
    'found', true,
    'since', CASE WHEN since IS NOT NULL THEN to_char(greatest(since, truncated.last, doubtful_until), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') END,
    'complete', coalesce(since <= (moment ->> 'at')::timestamptz, false) AND doubtful_until IS NULL
  );
  SELECT first.* INTO change FROM :schema.event_after(present.tracked_id, wanted, -1, moment) AS first;

  IF change.id IS NULL AND NOT starts_with(wanted, 'md5 ') THEN
    RETURN QUERY EXECUTE plain ->> 'live'
    USING CASE jsonb_array_length(known -> 'key') WHEN 1 THEN jsonb_build_array(wanted) ELSE wanted::jsonb END, NULL::text, answer::text;
    IF FOUND THEN
      RETURN;
    END IF;
  ELSIF change.image = 'f' AND change.operation IN ('U', 'D') AND change.old_object_id IS NULL THEN
    state := CASE change.operation WHEN 'U' THEN change.new || change.old ELSE change.old END;
    missing := (
      SELECT jsonb_agg(part -> 'name') FROM jsonb_array_elements(known -> 'columns') AS part WHERE NOT state ? (part ->> 'name')
    );
    IF coalesce(missing <@ (known -> 'unrecorded'), true) THEN
      RETURN QUERY EXECUTE plain ->> 'told' USING state, missing::text, answer::text;
      RETURN;
    END IF;
  END IF;

  lists := :schema.past_lists(known);
  RETURN QUERY EXECUTE format(
    'SELECT %s, missing, $7 FROM :schema.past_rows_of($1, $2, $3, $4, ARRAY[$5], $6) AS past (%s, missing text, place text)', lists.result, lists.types
  )
  USING present.tracked_id, relation, moment, known, wanted, true, answer::text;
  IF NOT FOUND THEN
    RETURN QUERY EXECUTE format(
      'SELECT nothing.*, NULL::text, $1 FROM (VALUES (true)) AS one LEFT JOIN (SELECT %s) AS nothing ON true',
      (SELECT string_agg(format('NULL::%s', part ->> 'type'), ', ' ORDER BY position) FROM jsonb_array_elements(known -> 'columns') WITH ORDINALITY AS own (part, position))
    )
    USING (answer || jsonb_build_object(
      'found', false,
      'complete', (answer -> 'complete')::boolean AND truncated.number = 0 AND coalesce(erased_at <= (moment ->> 'at')::timestamptz, true),
      'keys_erased_until', CASE WHEN (known -> 'keys_erased')::boolean AND erased_at > (moment ->> 'at')::timestamptz THEN
        to_char(erased_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
      END
    ))::text;
  END IF;
END
$function$;
`,
  'functions/row_type_table': `-- The tracked id of the table of which a value is a row: of NULL::orders.
CREATE OR REPLACE FUNCTION :schema.row_type_table(row_type regtype)
RETURNS integer
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  class record;
BEGIN
  SELECT class_of.oid, namespace.nspname, class_of.relname
  INTO class
  FROM pg_type AS type
  JOIN pg_class AS class_of ON class_of.oid = type.typrelid AND class_of.relkind IN ('r', 'p')
  JOIN pg_namespace AS namespace ON namespace.oid = class_of.relnamespace
  WHERE type.oid = row_type;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('A value of type %s is no row of a table.', row_type),
      HINT = 'Name the table by its row type: NULL::orders.';
  END IF;
  RETURN :schema.table_id(class.oid, ARRAY[class.nspname, class.relname]::text[]);
END
$function$;
`,
  'functions/rows_known': `-- Whether each row that a table had at a time, just before an event, is in an
-- event of its own: it was empty, or its rows were noted, when its recording
-- began that went on until then.
CREATE OR REPLACE FUNCTION :schema.rows_known(tracked_id integer, before bigint, at timestamptz)
RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT coalesce(bool_or(
    NOT known.declaration ? 'when' AND (
      known.rows_known_since BETWEEN began.at AND $3
      OR known.rows_noted_at BETWEEN began.at AND $3 AND known.rows_noted_at > counts.since
      OR EXISTS (
        SELECT FROM :schema.audit_event AS event
        WHERE event.table_id = $1 AND event.id < before AND event.changed_at >= began.at
          AND (event.operation = 'T' AND event.meta IS NULL OR event.operation = 'S' AND event.changed_at > counts.since)
      )
    )
  ), false)
  FROM :schema.audit_table AS known
  CROSS JOIN LATERAL unnest(known.tracked) AS period (range)
  -- rows with an event were not noted, and it may have been purged since
  CROSS JOIN LATERAL (
    SELECT CASE WHEN :schema.known_since(known.id) IS NULL THEN '-infinity' ELSE coalesce(
      (SELECT max(coalesce(purge.finished_at, 'infinity')) FROM :schema.audit_purge AS purge WHERE purge.targets ? known.id::text), 'infinity'
    ) END AS since
  ) AS counts
  CROSS JOIN LATERAL (SELECT greatest(lower(period.range), :schema.known_since(known.id)) AS at) AS began
  WHERE known.id = tracked_id AND period.range @> $3
$function$;
`,
  'functions/run_maintenance': `-- All of the housekeeping (maintain), each step in a transaction of its own. For
-- pg_cron and psql, outside of a transaction:
--   call auditrum.run_maintenance();
CREATE OR REPLACE PROCEDURE :schema.run_maintenance()
LANGUAGE plpgsql
AS $function$
DECLARE
  part text;
  done jsonb;
BEGIN
  BEGIN
    -- fails always, in a block with a handler; but before anything is done, and the message tells whether it would
    -- outside of one (in English: else the COMMIT below fails in PostgreSQL's own words)
    COMMIT;
  EXCEPTION WHEN invalid_transaction_termination THEN
    IF SQLERRM = 'invalid transaction termination' THEN
      RAISE EXCEPTION USING
        ERRCODE = 'invalid_transaction_termination',
        MESSAGE = 'run_maintenance() cannot run in a transaction block, for each of its steps is a transaction of its own.',
        HINT = 'Call it outside of one, without BEGIN. Or repeat select :schema.maintain(), which is one step of it, until it says that nothing is pending.';
    END IF;
  END;
  COMMIT;
  FOREACH part IN ARRAY ARRAY['partitions', 'purge'] LOOP
    LOOP
      -- a procedure that commits can have no settings of its own; this one lasts until the commit
      PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
      done := :schema.maintain_step(part => part);
      IF done ? 'blocked' THEN
        RAISE WARNING '%', done ->> 'blocked';
      END IF;
      COMMIT;
      EXIT WHEN NOT pg_catalog.jsonb_extract_path_text(done, 'pending')::boolean;
    END LOOP;
  END LOOP;
END
$function$;
`,
  'functions/seal': `-- Seals what was committed since the last time: adds blocks to the chain, over
-- the events of all transactions that are over. Nobody waits for it but another
-- sealer; one that runs for long holds up nothing, and is sealed when it is over.
-- As long as it returns "more": true there is more to seal, each in a transaction
-- of its own:
--   select auditrum.seal();
--
-- To be called every few seconds, by the command, by pg_cron or a timer: until it
-- is sealed, whoever may change the log changes it unseen.
CREATE OR REPLACE FUNCTION :schema.seal(max_events integer DEFAULT 10000)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  blocks CONSTANT integer := 10;
  block  jsonb;
  has_begun boolean := false;
  sealed jsonb := '{"blocks": 0, "events": 0, "more": false}';
BEGIN
  IF max_events IS NULL OR max_events NOT BETWEEN 1 AND 100000 THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('A block cannot hold %s events.', coalesce(max_events::text, 'null')),
      HINT = 'Give a number from 1 to 100000.';
  ELSIF current_setting('transaction_isolation') NOT LIKE 'read %' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('The log cannot be sealed in a transaction that is %s.', current_setting('transaction_isolation')),
      HINT = 'Do it in one that is READ COMMITTED: it must see the block of the sealer before it.';
  END IF;
  LOCK TABLE :schema.audit_seal IN SHARE ROW EXCLUSIVE MODE;
  -- what a block seals must be on disk before it, also what was committed with synchronous_commit = off
  IF current_setting('synchronous_commit') = 'off' THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;

  PERFORM :schema.check_chain_end();
  IF NOT EXISTS (SELECT FROM :schema.audit_seal) THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU003',
      MESSAGE = 'The log is not sealed yet.',
      HINT = 'Begin with "auditrum enable-hash-chain", or select :schema.enable_sealing().';
  ELSIF current_setting('server_encoding') <> 'UTF8' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU003',
      MESSAGE = format('The log cannot be sealed in a database whose encoding is %s.', current_setting('server_encoding')),
      HINT = 'Restore it into one whose encoding is UTF8: hashes are taken over UTF-8.';
  ELSIF :schema.sealed_elsewhere() THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU003',
      MESSAGE = 'The log was sealed in another cluster, whose transaction ids mean nothing here.',
      HINT = 'If it was restored or upgraded on purpose, go on with "auditrum seal --rebase", or select :schema.seal_rebase().';
  ELSIF (SELECT seqcache <> 1 FROM pg_sequence WHERE seqrelid = ':schema.audit_event_id_seq'::regclass) THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU003',
      MESSAGE = 'The sequence of event ids hands them out in advance, so that sealed ids cannot be told from later ones.',
      HINT = 'Change that: ALTER SEQUENCE :schema.audit_event_id_seq CACHE 1.';
  ELSIF (SELECT last_value FROM :schema.audit_event_id_seq) < (SELECT leaf.last_id FROM :schema.audit_leaf AS leaf ORDER BY leaf.block DESC LIMIT 1) THEN
    -- somebody has set it back, or a copy of the log has come without it
    RAISE EXCEPTION USING
      ERRCODE = 'AU003',
      MESSAGE = 'The sequence of event ids is behind events that are sealed already: new ones get ids that were given before.',
      HINT = 'Set it forward: SELECT setval('':schema.audit_event_id_seq'', (SELECT max(id) FROM :schema.audit_event)). Those that were written meanwhile "auditrum verify-chain" names.';
  END IF;

  FOR number IN 1..blocks LOOP
    block := :schema.seal_block(max_events);
    has_begun := has_begun OR (block ->> 'begins')::boolean;
    EXIT WHEN block -> 'block' = 'null';
    sealed := jsonb_build_object(
      'blocks', (sealed ->> 'blocks')::integer + 1,
      'events', (sealed ->> 'events')::integer + (block ->> 'events')::integer,
      'more', block -> 'more'
    );
    -- behind the end of a round that was under way comes one of its own
    EXIT WHEN NOT (block ->> 'more')::boolean AND has_begun;
  END LOOP;
  RETURN sealed;
END
$function$;
`,
  'functions/seal_anew': `-- Begins another chain, over the log as it is now, in the place of one that is
-- broken:
--   select auditrum.seal_anew('audit_seal was lost with disk 3, see incident 17');
-- It says so for good: its first entry has the reason, the role, the time, and what
-- the chain before it was. Digests of that one fit this one never. What is left of
-- it goes: keep a copy of audit_seal and audit_leaf first.
CREATE OR REPLACE FUNCTION :schema.seal_anew(reason text, patience interval DEFAULT '2 seconds')
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  former jsonb;
BEGIN
  IF coalesce(btrim(reason), '') = '' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = 'Another chain is not begun without a reason.',
      HINT = 'Say what happened to the one before it: that stays.';
  ELSIF current_setting('transaction_isolation') NOT LIKE 'read %' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('A chain cannot be begun in a transaction that is %s.', current_setting('transaction_isolation')),
      HINT = 'Do it in one that is READ COMMITTED: it must see what the sealer before it has sealed.';
  END IF;
  LOCK TABLE :schema.audit_seal IN SHARE ROW EXCLUSIVE MODE;
  PERFORM :schema.check_leaving();
  IF NOT EXISTS (SELECT FROM :schema.audit_seal) AND NOT EXISTS (SELECT FROM :schema.audit_leaf) AND NOT :schema.has_salt() THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU003',
      MESSAGE = 'The log is not sealed yet.',
      HINT = 'Begin with "auditrum enable-hash-chain", or select :schema.enable_sealing().';
  ELSIF (:schema.verify_chain() ->> 'ok')::boolean THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = 'The chain is in order, and goes on.',
      HINT = 'Another one takes the place only of one that is broken, as "auditrum verify-chain" says.';
  END IF;

  SELECT jsonb_build_object(
    'log', (SELECT entry ->> 'log' FROM :schema.audit_seal WHERE id = 0),
    'entries', (SELECT count(*) FROM :schema.audit_seal),
    'last', (SELECT encode(:schema.entry_leaf(entry), 'hex') FROM :schema.audit_seal ORDER BY id DESC LIMIT 1)
  ) INTO former;
  DELETE FROM :schema.audit_seal;
  DELETE FROM :schema.audit_leaf;
  -- entries of the chain that went
  UPDATE :schema.audit_erasure SET entries = '{}' WHERE entries <> '{}';
  IF NOT :schema.has_salt() THEN
    PERFORM :schema.give_salt(patience);
  END IF;
  PERFORM :schema.seal_start(jsonb_build_object('reason', btrim(reason), 'former', former));
END
$function$;
`,
  'functions/seal_append': `-- Adds an entry to the chain, which the caller has locked. Returns its id.
--   body: what it says, besides what every entry says
CREATE OR REPLACE FUNCTION :schema.seal_append(kind text, body jsonb)
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  last   :schema.audit_seal;
  new_id bigint;
BEGIN
  IF kind <> 'start' THEN
    PERFORM :schema.check_chain_end();
  END IF;
  SELECT * INTO last FROM :schema.audit_seal ORDER BY id DESC LIMIT 1;
  new_id := coalesce(last.id + 1, 0);
  INSERT INTO :schema.audit_seal (id, entry)
  VALUES (new_id, (
    jsonb_build_object(
      'v', 1,
      'id', new_id,
      'kind', kind,
      'previous', encode(:schema.entry_leaf(last.entry), 'hex'),
      'at', trunc(extract(epoch FROM clock_timestamp()) * 1000000),
      'by', session_user
    ) || body
  )::json);
  RETURN new_id;
END
$function$;
`,
  'functions/seal_block': `-- Seals the next block: at most so many events of transactions that are over now
-- and were not when the last round began. A round of more events than that is
-- several blocks with the same snapshot, in the order of their ids.
-- Returns {block, events, more, begins}: block is null where there was nothing to
-- seal, begins tells whether a round began with it.
--
-- It reads what is new by its ids, and goes back to earlier ones only for
-- transactions that were running then: one that runs for long holds up nothing.
-- Of these a snapshot names only those whose ids are below its end, which is behind
-- the last one that was over; others may have had events by then as well.
CREATE OR REPLACE FUNCTION :schema.seal_block(max_events integer)
RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET jit = off
SET client_encoding = 'UTF8'  -- as leaf_query wants it
SET enable_nestloop = off  -- the newest events are in no statistics: one would be expected of thousands
SET enable_bitmapscan = off  -- the BRIN index tells little of rows that were updated
SET TimeZone = 'UTC'  -- or times that are put into a query may be others there
SET enable_sort = off  -- by ids that are read in order, or each block reads all that is left
AS $function$
DECLARE
  -- where transaction ids do not tell, because they began anew in another cluster
  new_to_chain CONSTANT text := $condition$
    NOT EXISTS (
      SELECT FROM :schema.audit_leaf AS leaf
      WHERE leaf.first_id <= leaf.last_id AND leaf.last_id < 9223372036854775807 AND int8range(leaf.first_id, leaf.last_id, '[]') @> event.id AND event.id = ANY (leaf.ids)
    )
  $condition$;
  until      record;             -- the last round: what is sealed
  last       record;             -- the last block, or where the chain begins here
  goes_on    boolean;            -- the round that the last block belongs to
  restored   boolean;            -- the first one after the log has moved to this cluster
  sequence   bigint;
  snapshot   pg_snapshot;
  own        xid8;
  after      bigint := -1;       -- where the last block of this round ended
  finished   xid8[];             -- what was running then, and is over
  first      xid8;               -- the oldest that may have been running then
  round      record;
  last_reach bigint;
  reach      bigint := 0;        -- behind which their events are
  query      text;
  chosen     record;
  quickly    boolean;
  made       record;
  new_id     bigint;
BEGIN
  SELECT * INTO until FROM :schema.sealed_until();
  SELECT own.id, said INTO last
  FROM :schema.audit_seal AS own CROSS JOIN LATERAL :schema.read_entry(own.id, own.entry) AS said
  WHERE own.entry ->> 'kind' IN ('start', 'block', 'rebase') AND said IS NOT NULL
  ORDER BY own.id DESC
  LIMIT 1;
  goes_on := last.id <> until.entry;
  restored := goes_on AND (last.said ->> 'incarnation')::integer <> until.incarnation;
  IF goes_on THEN
    sequence := last.said ->> 'sequence';
    snapshot := last.said ->> 'snapshot';
    after := coalesce((last.said ->> 'last')::bigint, -1);
  ELSE
    -- in this order, and as two statements: see sealed_until
    sequence := until.sequence;
    IF pg_current_xact_id_if_assigned() IS NULL THEN
      -- it never falls, also where somebody has set it back
      SELECT greatest(CASE WHEN is_called THEN last_value ELSE last_value - 1 END, until.sequence) INTO sequence FROM :schema.audit_event_id_seq;
    END IF;
    snapshot := pg_current_snapshot();
    own := pg_current_xact_id_if_assigned();
    IF pg_visible_in_snapshot(own, snapshot) THEN
      -- to a snapshot its own transaction is over, but there may be more of it
      snapshot := format(
        '%s:%s:%s', least(own, pg_snapshot_xmin(snapshot)), pg_snapshot_xmax(snapshot),
        (SELECT string_agg(running::text, ',' ORDER BY running) FROM (SELECT pg_snapshot_xip(snapshot) UNION ALL SELECT own) AS open (running))
      )::pg_snapshot;
    END IF;
  END IF;

  finished := ARRAY(
    SELECT running FROM pg_snapshot_xip(until.snapshot) AS running WHERE restored OR pg_visible_in_snapshot(running, snapshot)
  );
  first := coalesce((SELECT running FROM unnest(finished) AS running ORDER BY running LIMIT 1), pg_snapshot_xmax(until.snapshot));
  -- the sequence before the last one of the rounds that ended before it: see sealed_until
  FOR round IN
    SELECT (said ->> 'incarnation')::integer AS incarnation, (said ->> 'sequence')::bigint AS sequence,
      pg_snapshot_xmax((said ->> 'snapshot')::pg_snapshot) AS xmax
    FROM :schema.audit_seal AS own CROSS JOIN LATERAL :schema.read_entry(own.id, own.entry) AS said
    WHERE own.id <= until.entry AND own.entry ->> 'kind' IN ('start', 'block', 'rebase') AND said IS NOT NULL
    ORDER BY own.id DESC
  LOOP
    CONTINUE WHEN round.incarnation = until.incarnation AND round.xmax > first OR round.incarnation > until.incarnation;
    last_reach := coalesce(last_reach, round.sequence);
    IF round.sequence < last_reach OR round.incarnation < until.incarnation THEN
      reach := round.sequence;
      EXIT;
    END IF;
  END LOOP;

  -- with the values in it: partitions are left out by them when it is planned
  query := format(
    '(SELECT id, changed_at, context_id, salt FROM :schema.audit_event AS event WHERE id > %L AND %s ORDER BY id LIMIT %s + 1)',
    greatest(until.sequence, after),
    -- behind the sequence is also what was committed between it and the snapshot
    CASE WHEN restored THEN format('(id <= %L OR pg_visible_in_snapshot(txid, %L)) AND %s', sequence, snapshot, new_to_chain)
      -- the last round has sealed what was over by its snapshot, also what had its id behind its sequence
      ELSE format('pg_visible_in_snapshot(txid, %L) AND NOT pg_visible_in_snapshot(txid, %L)', snapshot, until.snapshot) END,
    max_events
  );
  query := query || format(
    ' UNION ALL (SELECT id, changed_at, context_id, salt FROM :schema.audit_event AS event WHERE id > %L AND id <= %L AND (txid = ANY (%L::xid8[])%s) AND %s ORDER BY id LIMIT %s + 1)',
    greatest(reach, after), until.sequence, finished,
    CASE WHEN NOT restored THEN format(' OR txid >= %L AND pg_visible_in_snapshot(txid, %L)', pg_snapshot_xmax(until.snapshot), snapshot) END,
    new_to_chain,
    max_events
  );
  EXECUTE format(
    $query$
    SELECT (array_agg(id ORDER BY id))[:%2$s] AS ids, (array_agg(changed_at ORDER BY id))[:%2$s] AS times,
      min(changed_at) AS since, max(changed_at) AS until, array_agg(DISTINCT context_id) AS contexts,
      coalesce(bool_or(salt IS NULL), false) AS unsalted, count(*) > %2$s AS more
    FROM (SELECT * FROM (%1$s) AS unsealed ORDER BY id LIMIT %2$s + 1) AS next
    $query$,
    query, max_events
  ) INTO chosen;
  IF chosen.ids IS NULL AND NOT goes_on THEN
    RETURN jsonb_build_object('block', NULL, 'events', 0, 'more', false, 'begins', true);
  END IF;

  IF chosen.unsalted THEN
    -- from before the log was sealed
    UPDATE :schema.audit_event AS event
    SET salt = uuid_send(gen_random_uuid())
    FROM unnest(chosen.ids, chosen.times) AS own (id, changed_at)
    WHERE event.id = own.id AND event.changed_at = own.changed_at AND event.salt IS NULL;
  END IF;
  FOREACH quickly IN ARRAY ARRAY[true, false] LOOP
    BEGIN
      EXECUTE format(
        $query$
        -- hashed before they are sorted, or whole rows would be
        WITH hashed AS MATERIALIZED (%s)
        SELECT coalesce((SELECT string_agg(leaf, ''::bytea ORDER BY id, changed_at) FROM hashed), '') AS hashes,
          ARRAY(SELECT DISTINCT table_id FROM hashed) AS tables,
          EXISTS (SELECT FROM hashed WHERE leaf IS NULL) AS is_unfit
        $query$,
        :schema.leaf_query(
          ':schema.audit_event AS event',
          format(
            'event.id = ANY ($1) AND event.id BETWEEN %L AND %L AND event.changed_at BETWEEN %L AND %L',
            chosen.ids[1], chosen.ids[cardinality(chosen.ids)], chosen.since, chosen.until
          ),
          '$2', quickly
        )
      ) INTO made USING chosen.ids, chosen.contexts;
      EXIT WHEN NOT made.is_unfit;
    EXCEPTION WHEN program_limit_exceeded OR internal_error THEN
      IF NOT quickly THEN
        RAISE;
      END IF;
    END;
  END LOOP;

  new_id := :schema.seal_append('block', jsonb_build_object(
    'incarnation', coalesce((last.said ->> 'incarnation')::integer, until.incarnation),
    'snapshot', snapshot,
    'sequence', sequence::text,
    'more', chosen.more,
    'events', coalesce(cardinality(chosen.ids), 0),
    'last', chosen.ids[cardinality(chosen.ids)]::text,
    'root', encode(:schema.merkle_root(made.hashes), 'hex'),
    'tables', (
      SELECT coalesce(jsonb_object_agg(known.id, known.schema_name || '.' || known.table_name), '{}')
      FROM :schema.audit_table AS known
      WHERE known.id = ANY (made.tables)
    )
  ));
  IF chosen.ids IS NOT NULL THEN
    INSERT INTO :schema.audit_leaf (block, first_id, last_id, since, until, ids, hashes)
    VALUES (new_id, chosen.ids[1], chosen.ids[cardinality(chosen.ids)], chosen.since, chosen.until, chosen.ids, made.hashes);
  END IF;
  RETURN jsonb_build_object('block', new_id, 'events', coalesce(cardinality(chosen.ids), 0), 'more', chosen.more, 'begins', NOT goes_on);
END
$function$;
`,
  'functions/seal_rebase': `-- Goes on with the chain in another cluster: of a dump that was restored there, or
-- after pg_upgrade. Transaction ids begin anew in it, so the events that came along
-- unsealed, and those since, are told by their own ids. Says so in the chain.
CREATE OR REPLACE FUNCTION :schema.seal_rebase()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  sequence bigint;
  snapshot pg_snapshot;
  new_incarnation integer;
BEGIN
  LOCK TABLE :schema.audit_seal IN SHARE ROW EXCLUSIVE MODE;
  IF NOT EXISTS (SELECT FROM :schema.audit_seal) THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU003',
      MESSAGE = 'The log is not sealed yet.',
      HINT = 'Begin with "auditrum enable-hash-chain", or select :schema.enable_sealing().';
  END IF;
  PERFORM :schema.check_last_entry();
  IF NOT :schema.sealed_elsewhere() THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = 'This is the cluster in which the log was sealed last.',
      HINT = 'Seal it as always: there is nothing to go on from.';
  END IF;
  IF pg_current_xact_id_if_assigned() IS NOT NULL THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = 'This transaction has written already.',
      HINT = 'Go on with the chain in a transaction of its own.';
  END IF;
  SELECT greatest(CASE WHEN is_called THEN last_value ELSE last_value - 1 END, (:schema.sealed_until()).sequence) INTO sequence FROM :schema.audit_event_id_seq;
  snapshot := pg_current_snapshot();
  SELECT (said ->> 'incarnation')::integer INTO new_incarnation
  FROM :schema.audit_seal AS own CROSS JOIN LATERAL :schema.read_entry(own.id, own.entry) AS said
  WHERE own.entry ->> 'kind' IN ('start', 'block', 'rebase') AND said IS NOT NULL
  ORDER BY own.id DESC
  LIMIT 1;
  UPDATE :schema.audit_setting SET value = to_jsonb(greatest(value::integer, new_incarnation) + 1) WHERE name = 'incarnation' RETURNING value::integer INTO new_incarnation;
  PERFORM :schema.seal_append('rebase', jsonb_build_object(
    'incarnation', new_incarnation,
    'system', :schema.system_identifier(),
    'snapshot', snapshot,
    'sequence', sequence::text,
    'more', true
  ));
END
$function$;
`,
  'functions/seal_start': `-- Writes the first entry of a chain, which the caller has locked: it names the log,
-- and nothing is sealed by it.
--   body: what it says, besides what every first entry says
CREATE OR REPLACE FUNCTION :schema.seal_start(body jsonb)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  PERFORM :schema.seal_append('start', jsonb_build_object(
    'log', gen_random_uuid(),
    'incarnation', (SELECT value FROM :schema.audit_setting WHERE name = 'incarnation'),
    'system', :schema.system_identifier(),
    'snapshot', '1:1:',
    'sequence', '0'
  ) || body);
END
$function$;
`,
  'functions/sealed_before': `-- What was over and sealed before the round of a block began: a block that holds events
-- of such a transaction is forged. Null where the round before was of another cluster,
-- whose transaction ids mean nothing.
CREATE OR REPLACE FUNCTION :schema.sealed_before(block bigint)
RETURNS pg_snapshot
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_sort = off  -- by ids backwards, or it would read all of the chain
AS $function$
  SELECT CASE WHEN earlier.said ->> 'incarnation' = own ->> 'incarnation' THEN (earlier.said ->> 'snapshot')::pg_snapshot END
  FROM :schema.audit_seal AS sealing
  CROSS JOIN LATERAL :schema.read_entry(sealing.id, sealing.entry) AS own
  CROSS JOIN LATERAL (
    SELECT said
    FROM :schema.audit_seal AS seal CROSS JOIN LATERAL :schema.read_entry(seal.id, seal.entry) AS said
    WHERE seal.id < sealing.id AND seal.entry ->> 'kind' IN ('start', 'block', 'rebase')
      AND seal.entry ->> 'more' IS DISTINCT FROM 'true'  -- a round may be many blocks
      AND said IS NOT NULL
    ORDER BY seal.id DESC
    LIMIT 1
  ) AS earlier
  WHERE sealing.id = sealed_before.block
$function$;
`,
  'functions/sealed_elsewhere': `-- Whether the chain goes on from another cluster, whose transaction ids mean nothing
-- here: a dump was restored, or pg_upgrade was run. False where nothing is sealed.
CREATE OR REPLACE FUNCTION :schema.sealed_elsewhere()
RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT coalesce((
    SELECT said ->> 'system' <> :schema.system_identifier()
    FROM :schema.audit_seal AS own CROSS JOIN LATERAL :schema.read_entry(own.id, own.entry) AS said
    WHERE own.entry ->> 'kind' IN ('start', 'rebase') AND said IS NOT NULL
    ORDER BY own.id DESC
    LIMIT 1
  ), false) OR coalesce((
    -- where nobody may know which cluster it is
    SELECT pg_snapshot_xmin((said ->> 'snapshot')::pg_snapshot) > pg_snapshot_xmax(pg_current_snapshot())
    FROM :schema.audit_seal AS own CROSS JOIN LATERAL :schema.read_entry(own.id, own.entry) AS said
    WHERE own.entry ->> 'kind' IN ('start', 'block', 'rebase') AND said IS NOT NULL
    ORDER BY own.id DESC
    LIMIT 1
  ), false)
$function$;
`,
  'functions/sealed_event': `-- An event in the form in which it is sealed, for who may read the log: a proof
-- holds it. A forged second one of the same id comes as well.
CREATE OR REPLACE FUNCTION :schema.sealed_event(event_id bigint)
RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT :schema.canonical_event(event, context)
  FROM :schema.audit_event AS event
  LEFT JOIN :schema.audit_context AS context ON context.id = event.context_id AND context.txid = event.txid
  WHERE event.id = event_id
$function$;
`,
  'functions/sealed_places': `-- Events with an id behind after, up to until, as they are sealed: their block and
-- place there, their leaf, and the entry of the chain that amended them, if one did:
-- with a new leaf where they were redacted (lost: the columns that they must say to have
-- lost; null where the entry means another event), null where they were retired.
DROP FUNCTION IF EXISTS :schema.sealed_places(bigint, bigint);  -- it did not return lost
CREATE OR REPLACE FUNCTION :schema.sealed_places(after bigint, until bigint)
RETURNS TABLE (id bigint, block bigint, place integer, sealed_leaf bytea, entry bigint, new_leaf bytea, lost text[])
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $function$
  WITH list AS MATERIALIZED (
    -- in memory, or each look would fetch them anew; what is no list of ids lists nothing
    SELECT own.block, own.ids || '{}'::bigint[] AS ids, own.hashes || ''::bytea AS hashes
    FROM :schema.audit_leaf AS own
    WHERE own.first_id <= own.last_id AND own.last_id < 9223372036854775807 AND int8range(own.first_id, own.last_id, '[]') && int8range(after, nullif(sealed_places.until, 9223372036854775807), '(]')
      AND own.block IS NOT NULL
  ), leaf AS MATERIALIZED (
    -- cut off before anything is sorted, or each row would carry the whole list
    SELECT event.id, list.block, event.place::integer - 1 AS place, substr(list.hashes, 32 * event.place::integer - 31, 32) AS sealed_leaf
    FROM list CROSS JOIN LATERAL unnest(list.ids) WITH ORDINALITY AS event (id, place)
    WHERE event.id > after AND event.id <= sealed_places.until AND array_ndims(list.ids) = 1 AND array_lower(list.ids, 1) = 1
  )
  SELECT leaf.id, leaf.block, leaf.place, leaf.sealed_leaf, amendment.entry, amendment.leaf,
    CASE WHEN amendment.event = leaf.id THEN amendment.columns END
  FROM leaf
  LEFT JOIN :schema.amendments(ARRAY(SELECT list.block FROM list)) AS amendment USING (block, place)
$function$;
`,
  'functions/sealed_until': `-- How far the log is sealed: the last entry of the chain that ends a round. All
-- transactions that are over in its snapshot are sealed, whatever the ids of their
-- events. What is not, has an id greater than its sequence, unless its transaction was
-- running then: an event takes its id after its transaction took its own, and the
-- sequence was read before the snapshot. Running was what the snapshot lists, and also
-- what is not before its end (xmax), which is behind the last transaction that was
-- over. Of those the events are behind the sequence before: it was read when its sealer
-- had no transaction id yet, and that sealer was over. A round that begins when one is
-- assigned already keeps the sequence of the round before.
--
-- moved: the snapshot is of another cluster than this, and the first round here has
-- not ended. Entries that have not their form say nothing.
DROP FUNCTION IF EXISTS :schema.sealed_until();  -- it did not return whether it moved
CREATE OR REPLACE FUNCTION :schema.sealed_until(
  OUT entry bigint, OUT incarnation integer, OUT snapshot pg_snapshot, OUT sequence bigint, OUT before bigint, OUT moved boolean
)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_sort = off  -- by ids backwards, or it would read all of the chain
AS $function$
  SELECT own.id, (said ->> 'incarnation')::integer, (said ->> 'snapshot')::pg_snapshot, (said ->> 'sequence')::bigint,
    coalesce((
      SELECT (earlier ->> 'sequence')::bigint
      FROM :schema.audit_seal AS seal CROSS JOIN LATERAL :schema.read_entry(seal.id, seal.entry) AS earlier
      WHERE seal.id < own.id AND seal.entry ->> 'kind' IN ('start', 'block', 'rebase')
        AND seal.entry ->> 'sequence' IS DISTINCT FROM said ->> 'sequence'  -- a round may be many blocks
        AND (earlier ->> 'sequence')::bigint < (said ->> 'sequence')::bigint
      ORDER BY seal.id DESC
      LIMIT 1
    ), 0),
    :schema.sealed_elsewhere() OR (
      SELECT later ->> 'incarnation' <> said ->> 'incarnation'
      FROM :schema.audit_seal AS seal CROSS JOIN LATERAL :schema.read_entry(seal.id, seal.entry) AS later
      WHERE seal.id >= own.id AND seal.entry ->> 'kind' IN ('start', 'block', 'rebase') AND later IS NOT NULL
      ORDER BY seal.id DESC
      LIMIT 1
    )
  FROM :schema.audit_seal AS own CROSS JOIN LATERAL :schema.read_entry(own.id, own.entry) AS said
  WHERE own.entry ->> 'kind' IN ('start', 'block', 'rebase') AND own.entry ->> 'more' IS DISTINCT FROM 'true' AND said IS NOT NULL
  ORDER BY own.id DESC
  LIMIT 1
$function$;
`,
  'functions/sealing_status': `-- How sealing is doing: {entries, sealedAt, lagSeconds, moved, salted, cut}; null where it
-- was never enabled. Entries are 0 where the chain is gone though it was.
--   sealedAt    when the last block was made
--   lagSeconds  how old the oldest event is that no block holds; 0 without one, null where moved
--   moved       the chain comes from another cluster, and does not go on here yet
--   salted      new events carry a salt
--   cut         entries at its end are gone: there are hashes of later blocks; or those of its last block are
--
-- What was committed late by a transaction that was running when the last round was
-- sealed is not looked for: it has no index, and new events tell as well that nobody seals.
CREATE OR REPLACE FUNCTION :schema.sealing_status()
RETURNS json
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
AS $function$
DECLARE
  entries bigint;
  salted  boolean := :schema.has_salt();
  cut     boolean := coalesce((SELECT max(block) FROM :schema.audit_leaf), -1) > coalesce((SELECT max(id) FROM :schema.audit_seal), -1)
    OR :schema.lost_leaves() IS NOT NULL;
  moved   boolean;
  until   record;
  block   record;
  -- behind which nothing is sealed, but for what the last round saw
  after   bigint;
  oldest  timestamptz;
BEGIN
  IF NOT salted AND NOT cut AND NOT EXISTS (SELECT FROM :schema.audit_seal) THEN
    RETURN NULL;
  END IF;
  PERFORM :schema.check_last_entry();
  entries := coalesce((SELECT max(id) + 1 FROM :schema.audit_seal), 0);
  moved := :schema.sealed_elsewhere();
  SELECT * INTO until FROM :schema.sealed_until();
  SELECT own.id, to_timestamp((said ->> 'at')::numeric / 1000000) AS sealed_at, (said ->> 'last')::bigint AS last INTO block
  FROM :schema.audit_seal AS own CROSS JOIN LATERAL :schema.read_entry(own.id, own.entry) AS said
  WHERE own.entry ->> 'kind' = 'block' AND said IS NOT NULL
  ORDER BY own.id DESC
  LIMIT 1;
  IF NOT moved THEN
    -- of a round that is under way, what its blocks hold so far
    after := greatest(until.sequence, CASE WHEN block.id > until.entry THEN block.last END);
    SELECT event.changed_at INTO oldest
    FROM :schema.audit_event AS event
    WHERE event.id > after AND :schema.was_running(event.id, event.txid, until.snapshot, until.sequence, until.before, until.moved)
    ORDER BY event.id
    LIMIT 1;
  END IF;
  RETURN json_build_object(
    'entries', entries,
    'sealedAt', block.sealed_at,
    'lagSeconds', CASE WHEN NOT moved THEN round(greatest(extract(epoch FROM clock_timestamp() - oldest), 0)::numeric, 3) END,
    'moved', moved,
    'salted', salted,
    'cut', cut
  );
END
$function$;
`,
  'functions/set_label': `-- Makes label_<id>, the function that labels a table's rows, have a body, or
-- drops it where that is null. It runs with the rights of the log's owner, who
-- declared it, whoever reads; nobody else may call it. Returns whether anything
-- changed.
CREATE OR REPLACE FUNCTION :schema.set_label(tracked_id integer, body text)
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  name    text := format('%I.%I(jsonb)', :'schema', 'label_' || tracked_id);
  present text := (SELECT prosrc FROM pg_proc WHERE oid = to_regprocedure(name));
BEGIN
  IF present IS NOT DISTINCT FROM body THEN
    RETURN false;
  ELSIF body IS NULL THEN
    EXECUTE format('DROP FUNCTION %s', name);
  ELSE
    EXECUTE format(
      'CREATE OR REPLACE FUNCTION %s RETURNS text LANGUAGE sql STABLE SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp SET TimeZone = %L SET DateStyle = %L SET IntervalStyle = %L AS %L',
      name, 'UTC', 'ISO', 'postgres', body);
    PERFORM :schema.make_private('pg_proc'::regclass, to_regprocedure(name));
  END IF;
  RETURN true;
END
$function$;
`,
  'functions/shape_at': `-- Which of a table's shapes, as past_columns counts them, was valid at a moment.
-- One that no sync has seen yet is valid from now on, unless the last image
-- before the moment tells otherwise, as it does of a change that was noted later.
CREATE OR REPLACE FUNCTION :schema.shape_at(tracked_id integer, shapes jsonb, moment jsonb)
RETURNS integer
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET TimeZone = 'UTC'
AS $function$
DECLARE
  at     timestamptz := moment ->> 'at';
  target integer;
  event  record;
BEGIN
  SELECT coalesce(max(position - 1) FILTER (WHERE coalesce((document ->> 'from')::timestamptz, statement_timestamp()) <= at), 0)
  INTO target
  FROM jsonb_array_elements(shapes) WITH ORDINALITY AS known (document, position);
  IF target + 1 < jsonb_array_length(shapes) THEN
    SELECT log.changed_at, coalesce(log.new_data, log.old_data) AS image
    INTO event
    FROM :schema.auditlog AS log
    WHERE log.table_id = tracked_id AND log.image = 'full' AND log.operation <> 'truncate'
      AND log.changed_at BETWEEN (shapes -> target ->> 'from')::timestamptz AND at
      AND NOT :schema.is_after(moment, log.id, log.changed_at, log.txid)
    ORDER BY log.id DESC
    LIMIT 1;
    IF FOUND THEN
      target := target + (
        SELECT told.shape
        FROM :schema.past_image(
          jsonb_build_object('shapes', (
            SELECT jsonb_agg(jsonb_build_object('map', names.map) ORDER BY position)
            FROM jsonb_array_elements(shapes) WITH ORDINALITY AS known (document, position)
            CROSS JOIN LATERAL (
              SELECT jsonb_object_agg(part ->> 'name', '') AS map FROM jsonb_array_elements(document -> 'columns') AS part
            ) AS names
            WHERE position - 1 IN (target, target + 1)
          )),
          event.image, true, event.changed_at
        ) AS told
      );
    END IF;
  END IF;
  RETURN target;
END
$function$;
`,
  'functions/sign_contexts': `-- From now on a context counts only if it is signed with this key, or another
-- one that was given under another name: so that keys can be changed while both
-- are in use. Without a key that name's is forgotten; with the last one contexts
-- need no signature again. Keys are kept as the pads of HMAC (RFC 2104), where
-- only the owner of the log and its functions can read them.
CREATE OR REPLACE FUNCTION :schema.sign_contexts(key text, name text DEFAULT 'default')
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
#variable_conflict use_variable
DECLARE
  secret    bytea := convert_to(key, 'UTF8');
  inner_pad bytea;
  outer_pad bytea;
BEGIN
  IF octet_length(secret) < 32 THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('The key has %s bytes, and one of fewer than 32 can be guessed.', octet_length(secret)),
      HINT = 'Make one with: openssl rand -hex 32';
  END IF;
  IF to_regclass(':schema.audit_key') IS NULL THEN
    IF key IS NULL THEN
      RETURN;
    END IF;
    CREATE TABLE :schema.audit_key (
      name      text  PRIMARY KEY,
      inner_pad bytea NOT NULL,
      outer_pad bytea NOT NULL
    );
    PERFORM :schema.make_private('pg_class'::regclass, ':schema.audit_key'::regclass);
  END IF;
  DELETE FROM :schema.audit_key AS known WHERE known.name = sign_contexts.name;
  IF key IS NOT NULL THEN
    IF octet_length(secret) > 64 THEN
      secret := sha256(secret);
    END IF;
    secret := secret || decode(repeat('00', 64 - octet_length(secret)), 'hex');
    inner_pad := secret;
    outer_pad := secret;
    FOR place IN 0 .. 63 LOOP
      inner_pad := set_byte(inner_pad, place, get_byte(secret, place) # 54);  -- 0x36
      outer_pad := set_byte(outer_pad, place, get_byte(secret, place) # 92);  -- 0x5c
    END LOOP;
    INSERT INTO :schema.audit_key (name, inner_pad, outer_pad) VALUES (name, inner_pad, outer_pad);
  ELSIF NOT EXISTS (SELECT FROM :schema.audit_key) THEN
    DROP TABLE :schema.audit_key;
  END IF;
END
$function$;
`,
  'functions/signed_context': `-- The JSON of a context. Where contexts must be signed (sign_contexts), one that
-- is not, or not rightly, or too late, is an error:
--   s1 <expires: seconds since 1970> <HMAC-SHA256 in hex> <JSON>
-- The HMAC (RFC 2104) is over everything else: '<expires> <JSON>'.
CREATE OR REPLACE FUNCTION :schema.signed_context(payload text)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  -- split_part, because a regular expression over the whole takes ten times as long as all the rest
  expires   text := split_part(payload, ' ', 2);
  signature text := split_part(payload, ' ', 3);
  is_signed boolean := starts_with(payload, 's1 ') AND expires ~ '^\\d{1,12}$' AND length(signature) = 64;
  document  text := CASE WHEN is_signed THEN substr(payload, 3 + length(expires) + 1 + 64 + 2) ELSE payload END;
BEGIN
  IF to_regclass(':schema.audit_key') IS NULL THEN
    RETURN document;
  ELSIF NOT is_signed THEN
    RAISE EXCEPTION 'the context is not signed';
  ELSIF expires::bigint < extract(epoch FROM clock_timestamp()) THEN
    RAISE EXCEPTION 'the signature of the context has expired';
  ELSIF NOT EXISTS (
    SELECT FROM :schema.audit_key AS key
    WHERE encode(sha256(key.outer_pad || sha256(key.inner_pad || convert_to(expires || ' ' || document, 'UTF8'))), 'hex') = signature
  ) THEN
    RAISE EXCEPTION 'the signature of the context is wrong';
  END IF;
  RETURN document;
END
$function$;
`,
  'functions/system_identifier': `-- Names the cluster: transaction ids mean something within it alone. Null where
-- this role may not know.
CREATE OR REPLACE FUNCTION :schema.system_identifier()
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  RETURN CASE WHEN has_function_privilege('pg_control_system()', 'EXECUTE') THEN (SELECT system_identifier::text FROM pg_control_system()) END;
END
$function$;
`,
  'functions/table_columns': `-- The present columns of a table, as audit_shape keeps them, recorded as declared.
CREATE OR REPLACE FUNCTION :schema.table_columns(relation oid, declaration jsonb)
RETURNS TABLE (
  attnum       smallint,
  column_name  text,
  data_type    text,
  base_type    text,
  key_position smallint,
  identity     "char",
  generated    "char",
  recorded     "char"
)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $function$
#variable_conflict use_column
DECLARE
  key text[] := :schema.key_columns(relation);
BEGIN
  RETURN QUERY
    WITH RECURSIVE present AS (
      SELECT attribute.*
      FROM pg_attribute AS attribute
      WHERE attribute.attrelid = relation AND attribute.attnum > 0 AND NOT attribute.attisdropped
    ), below (attnum, type_id, depth) AS (
      SELECT present.attnum, present.atttypid, 0 FROM present
      UNION ALL
      SELECT below.attnum, type.typbasetype, below.depth + 1
      FROM below JOIN pg_type AS type ON type.oid = below.type_id
      WHERE type.typtype = 'd'
    )
    SELECT
      present.attnum,
      present.attname::text,
      format_type(present.atttypid, present.atttypmod),
      (SELECT format_type(below.type_id, NULL) FROM below WHERE below.attnum = present.attnum ORDER BY below.depth DESC LIMIT 1),
      array_position(key, present.attname::text)::smallint,
      present.attidentity,
      present.attgenerated,
      CASE
        -- a trigger does not see virtual columns
        WHEN present.attgenerated = 'v' OR declaration -> 'exclude' ? present.attname::text OR declaration -> 'mask' ? present.attname::text
          OR declaration ? 'only' AND NOT declaration -> 'only' ? present.attname::text AND NOT present.attname::text = ANY (key)
        THEN 'n'
        WHEN declaration -> 'ignore' ? present.attname::text THEN 'i'
        ELSE 'y'
      END::"char"
    FROM present;
END
$function$;
`,
  'functions/table_id': `-- Finds a table as people name it: one that is tracked now, else the one that
-- was last known by that name. For the reading functions, which pass what the
-- caller's own search_path makes of a name without a schema. A name that the
-- log does not know is an error: an empty history would be a wrong answer.
CREATE OR REPLACE FUNCTION :schema.table_id(relation oid, name_parts text[])
RETURNS integer
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  wanted_name   text := name_parts[cardinality(name_parts)];
  wanted_schema text := name_parts[cardinality(name_parts) - 1];
  known_id         integer;
  places        text[];
BEGIN
  -- looked up here, because the caller may have no right on the application's schema
  relation := coalesce(relation, (
    SELECT class.oid
    FROM pg_class AS class JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
    WHERE class.relname = wanted_name AND namespace.nspname = wanted_schema
  ));
  known_id := :schema.tracked_id(relation);
  IF known_id IS NOT NULL THEN
    RETURN known_id;
  END IF;
  IF relation IS NOT NULL THEN
    -- the caller sees this table: one of the same name elsewhere is not meant
    wanted_schema := (
      SELECT namespace.nspname
      FROM pg_class AS class JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
      WHERE class.oid = relation
    );
  END IF;
  SELECT max(id), array_agg(DISTINCT format('%I.%I', schema_name, table_name))
  INTO known_id, places
  FROM :schema.audit_table
  WHERE table_name = wanted_name AND (wanted_schema IS NULL OR schema_name = wanted_schema);
  IF cardinality(places) > 1 THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('The log knows several tables "%s": %s.', wanted_name, array_to_string(places, ', ')),
      HINT = 'Name the schema, too.';
  ELSIF known_id IS NULL THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('The log knows no table "%s".', array_to_string(name_parts, '.')),
      HINT = coalesce(
        'Did you mean "' || :schema.nearest_name(wanted_name, ARRAY(SELECT table_name FROM :schema.audit_table)) || '"?',
        'Track it, then its history begins.'
      );
  END IF;
  RETURN known_id;
END
$function$;
`,
  'functions/table_past': `-- What is known of a table's past, as one document: its declaration, since when
-- every change was recorded (null: not to this day), and its columns over time,
-- oldest first, the present ones last.
CREATE OR REPLACE FUNCTION :schema.table_past(tracked_id integer, relation oid)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET TimeZone = 'UTC'
AS $function$
BEGIN
  RETURN (
    WITH shape (valid_from, relation, columns) AS (
      SELECT recorded.valid_from, max(recorded.relation), jsonb_agg(
        jsonb_build_object(
          'number', recorded.attnum, 'name', recorded.column_name, 'type', recorded.data_type, 'base', recorded.base_type,
          'key', recorded.key_position, 'generated', recorded.generated, 'recorded', recorded.recorded
        )
        ORDER BY recorded.attnum
      )
      FROM :schema.audit_shape AS recorded
      WHERE recorded.table_id = $1
      GROUP BY recorded.valid_from
      UNION ALL
      SELECT NULL, $2, jsonb_agg(
        jsonb_build_object(
          'number', present.attnum, 'name', present.column_name, 'type', present.data_type, 'base', present.base_type,
          'key', present.key_position, 'generated', present.generated, 'recorded', present.recorded
        )
        ORDER BY present.attnum
      )
      FROM :schema.audit_table AS declared
      CROSS JOIN LATERAL :schema.table_columns($2, declared.declaration) AS present
      WHERE declared.id = $1
      HAVING count(*) > 0
    )
    SELECT jsonb_build_object(
      'name', format('%I.%I', known.schema_name, known.table_name),
      'declaration', known.declaration,
      'erased_at', known.erased_at,
      'keys_erased', known.keys_erased,
      'since', (
        SELECT greatest(lower(period.range), :schema.known_since(known.id))
        FROM unnest(known.tracked) AS period (range)
        WHERE upper_inf(period.range)
      ),
      -- {from: until}
      'doubtful', (
        SELECT jsonb_object_agg(lower(period.range), upper(period.range)) FROM unnest(known.doubtful) AS period (range)
      ),
      'shapes', (
        SELECT jsonb_agg(
          jsonb_build_object('from', shape.valid_from, 'relation', shape.relation, 'columns', shape.columns)
          ORDER BY shape.valid_from NULLS LAST
        )
        FROM shape
      )
    )
    FROM :schema.audit_table AS known
    WHERE known.id = $1
  );
END
$function$;
`,
  'functions/this_context': `-- The id of the context row of this transaction and context, written if need be,
-- for what the log itself does on request.
CREATE OR REPLACE FUNCTION :schema.this_context()
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  payload    text := coalesce(current_setting('auditrum.context', true), '');
  remembered text := current_setting(:'remembered', true);
  known      text := split_part(remembered, ' ', 3);
  context_id bigint;
BEGIN
  IF starts_with(remembered, pg_current_xact_id()::text || ' ' || hashtextextended(payload, 0) || ' ') AND known ~ '^([0-9]{1,18}|[1-8][0-9]{18})$' THEN
    -- it may have been set by hand
    SELECT context.id INTO context_id FROM :schema.audit_context AS context WHERE context.id = known::bigint AND context.txid = pg_current_xact_id();
    IF FOUND THEN
      RETURN context_id;
    END IF;
  END IF;
  RETURN :schema.write_context(payload);
END
$function$;
`,
  'functions/track': `-- Tracks a table: writes its capture function and triggers, and what is known
-- of it. Running it again with the same declaration changes nothing and takes
-- no lock on the table. Returns installed, updated or unchanged.
--
-- declaration, all optional: {"only": [...], "exclude": [...], "ignore": [...],
-- "mask": [...], "meta": [...], "when": "..." or {"insert": "...", "update": "...",
-- "delete": "..."}, "image": "full" or "changed", "requireContext": true, "actor"
-- or "reason", "label": "...", "retention": "2 years" or "forever"}. What it may hold is checked here, whoever calls.
CREATE OR REPLACE FUNCTION :schema.track(relation regclass, declaration jsonb DEFAULT '{}', app text DEFAULT 'default')
RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  this_schema  text;
  this_name    text;
  this_id      integer;
  present      :schema.audit_table;
  wanted       record;
  capture      text;
  source       text;
  label        text;  -- the body of label_<id>; null: none
  settings     text;
  pinned       text[];
  stamp        jsonb;
  is_new       boolean := false;
  was_complete boolean := true;
  changed      boolean := false;
  had_gaps     boolean;
  is_empty     boolean;
  began_at     timestamptz;
  key_names    text[] := :schema.key_columns(relation);
BEGIN
  LOCK TABLE :schema.audit_setting IN SHARE ROW EXCLUSIVE MODE;  -- one at a time; an advisory lock could be held by anybody
  PERFORM :schema.check_declaration(relation, declaration);
  IF app IS NULL THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU002',
      MESSAGE = format('The app that declares %s is null.', relation),
      HINT = 'Name it, or leave the argument out.';
  END IF;
  -- what is not required is not said, so that equal declarations are equal
  IF declaration -> 'requireContext' IN ('false', 'null') THEN
    declaration := declaration - 'requireContext';
  END IF;

  SELECT namespace.nspname, class.relname
  INTO this_schema, this_name
  FROM pg_class AS class JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
  WHERE class.oid = relation;

  this_id := :schema.tracked_id(relation);
  IF this_id IS NULL THEN
    -- dropped and created again, or its triggers were: the history goes on under the name
    SELECT max(id) INTO this_id
    FROM :schema.audit_table AS known
    WHERE known.schema_name = this_schema AND known.table_name = this_name
      AND NOT EXISTS (
        SELECT FROM pg_trigger AS trigger
        WHERE trigger.tgfoid = to_regprocedure(format('%I.%I()', :'schema', 'capture_' || known.id))
          AND trigger.tgname = :'trigger'
      );
  END IF;

  SELECT * INTO present FROM :schema.audit_table WHERE id = this_id;
  IF NOT FOUND THEN
    is_new := true;
    INSERT INTO :schema.audit_table (id, schema_name, table_name, app, declaration, key_columns, tracked, confirmed_at)
    OVERRIDING SYSTEM VALUE
    VALUES (
      coalesce(this_id, nextval(pg_get_serial_sequence(':schema.audit_table', 'id'))),
      this_schema, this_name, app, declaration, key_names, '{}', clock_timestamp()
    )
    RETURNING * INTO present;
    this_id := present.id;
  ELSIF present.app <> app AND upper_inf(present.tracked) THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU002',
      MESSAGE = format('Table %s is already tracked by the app %L, so %L cannot declare it.', relation, present.app, app),
      HINT = 'Declare a table in one app only, or untrack it there first.';
  END IF;

  capture := format('%I.%I', :'schema', 'capture_' || this_id);
  source := :schema.capture_source(this_id, relation, declaration);
  IF declaration ? 'label' THEN
    label := (:schema.label_source(relation, declaration)).source;
  END IF;
  pinned := :schema.capture_settings(relation);
  IF declaration ? 'when' THEN
    -- a session must not decide what the condition means
    pinned := ARRAY(
      SELECT DISTINCT unnest(pinned || ARRAY[
        'TimeZone=UTC', 'DateStyle=ISO', 'IntervalStyle=postgres', 'extra_float_digits=1', 'bytea_output=hex', 'transform_null_equals=off'
      ]) COLLATE "C"
      ORDER BY 1
    );
  END IF;
  SELECT string_agg(
    CASE
      WHEN setting LIKE 'search_path=%' THEN 'SET ' || replace(setting, '=', ' = ')
      ELSE format('SET %I = %L', split_part(setting, '=', 1), split_part(setting, '=', 2))
    END,
    ' '
  )
  INTO settings
  FROM unnest(pinned) AS setting;

  -- what sync compares with, readable by every role: it needs only the catalogue
  stamp := jsonb_build_object(
    'app', app,
    'declaration', declaration,
    'key', to_jsonb(key_names),
    'columns', :schema.column_list(relation),
    'source', md5(source),
    'label', md5(label),
    'settings', to_jsonb(pinned),
    'template', (
      SELECT md5(string_agg(prosrc, '' ORDER BY proname))
      FROM pg_proc
      WHERE pronamespace = ':schema'::regnamespace AND proname IN (
        'capture_settings', 'capture_source', 'image_expression', 'label_expression', 'label_record', 'label_source'
      )
    ),
    'table', jsonb_build_object('schema', this_schema, 'table', this_name),  -- so that a later name is known as one
    'writtenAt', substring(obj_description(to_regprocedure(capture || '()'), 'pg_proc') FROM '"writtenAt": "([^"]+)"')
  );

  IF NOT EXISTS (
    SELECT FROM pg_proc AS function
    WHERE function.oid = to_regprocedure(capture || '()')
      AND function.prosrc = source
      AND function.prosecdef
      AND function.proconfig = pinned
      AND obj_description(function.oid, 'pg_proc') = stamp::text
  ) THEN
    is_new := is_new OR to_regprocedure(capture || '()') IS NULL;
    EXECUTE format('CREATE OR REPLACE FUNCTION %s() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER %s AS %L', capture, settings, source);
    PERFORM :schema.make_private('pg_proc'::regclass, to_regprocedure(capture || '()'));
    -- whoever creates or attaches a partition must be allowed what its cloned trigger calls
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s() TO %s', capture, (
      SELECT relowner::regrole FROM pg_class WHERE oid = relation
    ));
    stamp := stamp || jsonb_build_object('writtenAt', clock_timestamp());
    EXECUTE format('COMMENT ON FUNCTION %s() IS %L', capture, stamp);
    changed := true;
  END IF;

  changed := :schema.set_label(this_id, label) OR changed;

  -- PostgreSQL clones row triggers of a partitioned table to its partitions;
  -- those of an inheritance parent, and truncate triggers, it does not
  FOR wanted IN
    WITH RECURSIVE tree (oid, depth, is_partition) AS (
      SELECT relation::oid, 0, false
      UNION
      SELECT inherits.inhrelid, tree.depth + 1, class.relispartition
      FROM tree JOIN pg_inherits AS inherits ON inherits.inhparent = tree.oid
      JOIN pg_class AS class ON class.oid = inherits.inhrelid
      WHERE class.relkind IN ('r', 'p')
        -- a child that is tracked itself, or with another parent, is not recorded with this one
        AND :schema.tracked_id(inherits.inhrelid) IS NULL
        AND NOT EXISTS (
          SELECT FROM pg_inherits AS other
          JOIN pg_trigger AS its ON its.tgrelid = inherits.inhrelid AND its.tgname = :'trigger'
          WHERE other.inhrelid = inherits.inhrelid AND other.inhparent <> inherits.inhparent
            AND to_regprocedure(format('%I.%I()', :'schema', 'capture_' || :schema.tracked_id(other.inhparent))) = its.tgfoid
        )
    )
    SELECT tree.oid::regclass AS table_name, tree.depth, kind.*, tree.is_partition AND kind.level = 'ROW' AS is_clone
    FROM tree
    CROSS JOIN (VALUES
      (:'trigger', 'AFTER INSERT OR UPDATE OR DELETE', 'ROW', 29),
      (:'trigger' || '_truncate', 'AFTER TRUNCATE', 'STATEMENT', 32)
    ) AS kind (trigger_name, events, level, type)
    WHERE NOT EXISTS (
      SELECT FROM pg_trigger AS trigger
      WHERE trigger.tgrelid = tree.oid
        AND trigger.tgname = kind.trigger_name
        AND trigger.tgfoid = to_regprocedure(capture || '()')
        AND trigger.tgtype = kind.type
        AND trigger.tgenabled IN ('O', 'A')
        AND trigger.tgqual IS NULL
    )
    ORDER BY tree.depth
  LOOP
    IF wanted.is_clone THEN
      -- it came with its parent's, just now: to enable it takes to own the partition
      CONTINUE WHEN EXISTS (
        SELECT FROM pg_trigger
        WHERE tgrelid = wanted.table_name AND tgname = wanted.trigger_name AND tgenabled IN ('O', 'A')
      );
      EXECUTE format('ALTER TABLE %s ENABLE TRIGGER %I', wanted.table_name, wanted.trigger_name);
    ELSE
      EXECUTE format(
        'CREATE OR REPLACE TRIGGER %I %s ON %s FOR EACH %s EXECUTE FUNCTION %s()',
        wanted.trigger_name, wanted.events, wanted.table_name, wanted.level, capture);
    END IF;
    changed := true;
    -- a new partition without its truncate trigger is no gap in the trail of rows
    was_complete := was_complete AND wanted.depth > 0 AND wanted.level = 'STATEMENT';
  END LOOP;

  -- a partition that was detached, or a child that left, keeps the trigger, and would go on
  -- recording its rows as those of this table
  FOR wanted IN
    WITH RECURSIVE tree (oid) AS (
      SELECT relation::oid
      UNION
      SELECT inherits.inhrelid FROM tree JOIN pg_inherits AS inherits ON inherits.inhparent = tree.oid
    )
    SELECT trigger.tgname AS trigger_name, trigger.tgrelid::regclass AS table_name
    FROM pg_trigger AS trigger
    WHERE trigger.tgfoid = to_regprocedure(capture || '()') AND trigger.tgparentid = 0
      AND trigger.tgrelid NOT IN (SELECT oid FROM tree)
  LOOP
    EXECUTE format('DROP TRIGGER %I ON %s', wanted.trigger_name, wanted.table_name);
    changed := true;
  END LOOP;

  -- what a condition has left out is a gap
  had_gaps := coalesce(present.declaration ? 'when' AND present.declaration -> 'when' IS DISTINCT FROM declaration -> 'when', false);

  IF changed OR is_new OR (present.schema_name, present.table_name) <> (this_schema, this_name) THEN
    -- new triggers hold a lock that keeps others from writing; an older snapshot, or a policy, would not show all
    IF NOT was_complete AND has_table_privilege(relation, 'SELECT') AND NOT row_security_active(relation)
      AND current_setting('transaction_isolation') = 'read committed'
    THEN
      EXECUTE format('SELECT NOT EXISTS (SELECT FROM %s)', relation) INTO is_empty;
    END IF;
    began_at := clock_timestamp();
    UPDATE :schema.audit_table AS known
    SET schema_name = this_schema,
        table_name = this_name,
        app = track.app,
        declaration = track.declaration,
        key_columns = key_names,
        tracked = CASE
          WHEN had_gaps THEN (
            SELECT coalesce(range_agg(period.range) FILTER (WHERE NOT upper_inf(period.range)), '{}')
            FROM unnest(known.tracked) AS period (range)
          ) + tstzmultirange(tstzrange(began_at, NULL))
          WHEN was_complete THEN known.tracked
          ELSE known.tracked * tstzmultirange(tstzrange(NULL, known.confirmed_at, '[]')) + tstzmultirange(tstzrange(began_at, NULL))
        END,
        rows_known_since = CASE WHEN is_empty THEN began_at WHEN was_complete THEN known.rows_known_since END,
        confirmed_at = began_at
    WHERE known.id = this_id;
  END IF;
  changed := :schema.record_shape(this_id, relation) OR changed;

  RETURN CASE WHEN is_new THEN 'installed' WHEN changed THEN 'updated' ELSE 'unchanged' END;
END
$function$;
`,
  'functions/tracked_id': `-- The id of a table that is tracked now, from the trigger that it carries;
-- null when it has none of its own. A child calls its parent's function, and
-- still does when it has left the parent (NO INHERIT): of several tables
-- without a parent that does, the function is that of the oldest trigger.
CREATE OR REPLACE FUNCTION :schema.tracked_id(relation oid)
RETURNS integer
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $function$
BEGIN
  RETURN (
    SELECT substr(function.proname, length('capture_') + 1)::integer
    FROM pg_trigger AS trigger
    JOIN pg_proc AS function ON function.oid = trigger.tgfoid
    JOIN pg_namespace AS namespace ON namespace.oid = function.pronamespace
    WHERE trigger.tgrelid = relation
      AND trigger.tgname = :'trigger'
      AND namespace.nspname = :'schema'
      AND function.proname ~ '^capture_[0-9]+$'
      AND NOT EXISTS (
        SELECT
        FROM pg_trigger AS older
        WHERE older.tgfoid = trigger.tgfoid AND older.tgname = trigger.tgname AND older.tgparentid = 0
          AND older.oid < trigger.oid
          AND NOT EXISTS (
            SELECT FROM pg_inherits
            JOIN pg_trigger AS above ON above.tgrelid = inhparent AND above.tgfoid = older.tgfoid
            WHERE inhrelid = older.tgrelid
          )
      )
      AND NOT EXISTS (
        SELECT FROM pg_inherits
        JOIN pg_trigger AS above ON above.tgrelid = inhparent AND above.tgfoid = trigger.tgfoid
        WHERE inhrelid = relation
      )
    LIMIT 1
  );
END
$function$;
`,
  'functions/tracked_tables': `-- The tables that are recorded, or were until their triggers went away unnoticed,
-- and are there.
CREATE OR REPLACE FUNCTION :schema.tracked_tables()
RETURNS TABLE (tracked_id integer, name text)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT known.id, format('%I.%I', namespace.nspname, class.relname)
  FROM :schema.audit_table AS known
  CROSS JOIN LATERAL (SELECT :schema.live_table(known.id) AS relation) AS live
  JOIN pg_class AS class ON class.oid = live.relation
  JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
  WHERE upper_inf(known.tracked)
  ORDER BY namespace.nspname, class.relname
$function$;
`,
  'functions/truncations_after': `-- The truncations of a table after a moment, those of partitions as well: how
-- many, the last one's time, and the first one of the whole table.
CREATE OR REPLACE FUNCTION :schema.truncations_after(
  tracked_id integer, moment jsonb, OUT number bigint, OUT last timestamptz, OUT first_whole bigint
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET jit = off
AS $function$
DECLARE
  m record := :schema.moment_parts(moment);
BEGIN
  SELECT count(*), max(log.changed_at), min(log.id) FILTER (WHERE log.meta IS NULL)
  INTO number, last, first_whole
  FROM :schema.audit_event AS log
  WHERE log.table_id = tracked_id AND log.object_id IS NULL AND log.operation = 'T'
    AND log.changed_at >= m.earliest
    AND :schema.is_later(m.at, m.event, m.open, m.open_since, m.snapshot, m.unseen_since, log.id, log.changed_at, log.txid);
END
$function$;
`,
  'functions/undo': `-- Undoes an event, a transaction, a root or a request, in the transaction of the
-- caller and by the caller's rights, or shows how: lines as undo_report has
-- them, then
--   sql      a piece of the script, in JSON; all of them make one for psql
--   refused  nothing was written, because on_conflict is fail and not all could be
-- It has the caller's search_path and settings, because the triggers of the
-- application fire in here; but intervals, money, arrays and XML are read as the
-- log has them.
CREATE OR REPLACE FUNCTION :schema.undo(
  event bigint, transaction bigint, root uuid, request text, dry_run boolean, on_conflict text
)
RETURNS TABLE (part text, document jsonb)
LANGUAGE plpgsql
SET IntervalStyle = 'postgres'
SET lc_monetary = 'C'
SET array_nulls = on
SET xmloption = content
AS $function$
#variable_conflict use_column
DECLARE
  reason     text := pg_catalog.concat('revert of ', 'event ' || undo.event::text, 'transaction ' || undo.transaction::text, 'root ' || undo.root::text, 'request ' || undo.request);
  context    text := coalesce(pg_catalog.current_setting('auditrum.context', true), '');
  rows       jsonb[] := ARRAY(SELECT one FROM :schema.undo_rows(undo.event, undo.transaction, undo.root, undo.request) AS one);
  tables     jsonb := (SELECT pg_catalog.jsonb_object_agg(own.id, :schema.undo_table(own.id::integer)) FROM (SELECT DISTINCT one ->> 'table'::text FROM pg_catalog.unnest(rows) AS one) AS own (id));
  statements jsonb[];
  statement  text;
  metadata   jsonb;
  refused    boolean;
  astray     text;
BEGIN
  IF on_conflict IS NULL OR on_conflict NOT IN ('fail', 'skip', 'force') THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = pg_catalog.format('on_conflict is %L.', on_conflict),
      HINT = 'It is fail, skip or force.';
  END IF;
  rows := :schema.undo_with(rows, ARRAY(SELECT one FROM :schema.undo_live(rows, tables) AS one));
  rows := ARRAY(SELECT one FROM :schema.undo_verdicts(rows, tables, on_conflict) AS one);
  IF on_conflict <> 'force' THEN
    rows := :schema.undo_with(rows, ARRAY(
      SELECT one || '{"outcome": "skipped", "refused": "the key that it is to refer to again is that of a row that goes or moves, with which it would go, too"}'::pg_catalog.jsonb
      FROM :schema.undo_links(ARRAY(SELECT one FROM :schema.undo_pending(rows) AS one), tables) AS one
      WHERE one ? 'tangled'::text
    ));
    LOOP
      statements := ARRAY(
        SELECT pg_catalog.to_jsonb(found)
        FROM :schema.undo_references(ARRAY(SELECT one FROM :schema.undo_pending(rows) AS one), tables) AS found
      );
      EXIT WHEN pg_catalog.cardinality(statements) = 0;
      -- who refers to what stays now, stays, too
      rows := :schema.undo_with(rows, ARRAY(SELECT one FROM :schema.undo_referenced(rows, statements) AS one));
    END LOOP;
  END IF;
  refused := on_conflict = 'fail' AND EXISTS (
    SELECT FROM pg_catalog.unnest(rows) AS one
    WHERE one -> 'conflicts'::text <> '[]'::pg_catalog.jsonb OR one ->> 'refused'::text IS NOT NULL OR one ->> 'doubt'::text IS NOT NULL
  );
  statements := ARRAY(
    SELECT pg_catalog.to_jsonb(made)
    FROM :schema.undo_statements(
      ARRAY(SELECT one FROM :schema.undo_links(ARRAY(SELECT one FROM :schema.undo_pending(rows) AS one), tables) AS one), tables
    ) AS made
  );

  metadata := :schema.undo_context(reason);
  IF NOT (dry_run OR refused) THEN
    FOR statement IN SELECT one ->> 'sql'::text FROM pg_catalog.unnest(statements) AS one WHERE (one -> 'is_run'::text)::boolean ORDER BY (one ->> 'statement'::text)::bigint, (one ->> 'n'::text)::bigint DESC LOOP
      EXECUTE statement;
    END LOOP;
  END IF;
  PERFORM pg_catalog.set_config('auditrum.context', context, true);
  IF NOT (dry_run OR refused) AND pg_catalog.cardinality(statements) > 0 THEN
    rows := :schema.undo_with(rows, ARRAY(
      SELECT one FROM :schema.undo_effects(
        ARRAY(SELECT one FROM :schema.undo_pending(rows) AS one),
        ARRAY(SELECT one FROM :schema.undo_live(ARRAY(SELECT :schema.undo_moved(one, tables) FROM :schema.undo_pending(rows) AS one), tables) AS one)
      ) AS one
    ));
    astray := CASE WHEN on_conflict <> 'force' THEN :schema.undo_astray(rows, tables) END;
    IF astray IS NOT NULL THEN
      RAISE EXCEPTION USING
        ERRCODE = 'AU004',
        MESSAGE = pg_catalog.format('Nothing was undone: %s, by an action of a foreign key.', astray),
        HINT = 'Undo single events of it, newest first, or let on_conflict be force and mend the row.';
    END IF;
  END IF;
  RETURN QUERY SELECT * FROM :schema.undo_report(rows, tables, statements);
  RETURN QUERY SELECT 'sql'::text, made FROM :schema.undo_script(metadata, statements) AS made;
  IF refused THEN
    RETURN QUERY SELECT 'refused'::text, 'true'::jsonb;
  END IF;
END
$function$;
`,
  'functions/undo_astray': `-- What became of a row that was written, as a clause, where neither it nor what
-- was written elsewhere explains it by a trigger, a rule or a policy: then a
-- foreign key's action has reached it. Null where there is none.
CREATE OR REPLACE FUNCTION :schema.undo_astray(rows jsonb[], tables jsonb)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT format('%I.%I %s ', own.facts ->> 'schema', own.facts ->> 'table', own.document ->> 'key') || CASE
      WHEN own.lack ->> 'why' = 'trigger' THEN
        'would not get back its ' || (SELECT string_agg(name, ', ') FROM jsonb_array_elements_text(own.lack -> 'columns') AS name)
      WHEN own.document ->> 'op' = 'delete' THEN 'would not go'
      ELSE 'would be deleted'
    END
  FROM (
    SELECT row.document, lack.part AS lack, tables -> (row.document ->> 'table') AS facts
    FROM unnest(rows) AS row (document)
    CROSS JOIN LATERAL jsonb_array_elements(row.document -> 'lacks') AS lack (part)
    WHERE lack.part ->> 'why' IN ('kept', 'trigger')
  ) AS own
  WHERE CASE
    WHEN own.lack ->> 'why' = 'trigger' THEN
      own.lack -> 'columns' ?| ARRAY(SELECT jsonb_array_elements_text(own.facts -> 'acted'))
      OR NOT jsonb_path_exists(tables, '$.* ? (@.meddled == true)')
    -- a row that was there, whose key was not to be changed, is gone
    WHEN own.document ->> 'op' = 'update' AND NOT own.document -> 'columns' ?| ARRAY(SELECT jsonb_array_elements_text(own.facts -> 'key')) THEN true
    ELSE NOT (own.facts -> 'meddled')::boolean
  END
  ORDER BY (own.document ->> 'n')::bigint DESC
  LIMIT 1
$function$;
`,
  'functions/undo_changes': `-- The changes that are to be undone, oldest first, one for each row that an
-- event is about: of a truncation one for each row that it deleted. Images have
-- the present column names.
--
--   kind     I, U, D; or T: a truncation itself
--   lacks    [{columns, why}]: what the log does not hold, or the table not any more
--   refused  why it cannot be undone, as a clause
--   doubt    why it may not be all there is to undo
CREATE OR REPLACE FUNCTION :schema.undo_changes(event bigint, transaction bigint, root uuid, request text)
RETURNS TABLE (
  n bigint, id bigint, table_id integer, kind "char", key_in text, key_out text,
  old jsonb, new jsonb, lacks jsonb, refused text, doubt text
)
LANGUAGE sql STABLE
ROWS 100000  -- so that joins are planned for many
SET search_path = pg_catalog, pg_temp
AS $function$
  WITH logged AS MATERIALIZED (
    SELECT * FROM :schema.undo_events($1, $2, $3, $4) AS log
  ), subject AS MATERIALIZED (
    SELECT own.table_id, own.facts ->> 'refused' AS refused, (own.facts ->> 'relation')::oid AS relation, own.facts -> 'key' AS key, past.past,
      -- from when on images have the present names
      coalesce((past.past -> 'shapes' -> -2 ->> 'until')::timestamptz, '-infinity') AS named_since
    FROM (
      SELECT log.table_id, min(log.id) AS first_id, min(log.changed_at) AS first_at, :schema.undo_table(log.table_id) AS facts
      FROM logged AS log
      GROUP BY log.table_id
    ) AS own
    CROSS JOIN LATERAL (
      SELECT CASE WHEN own.facts ->> 'refused' IS NULL THEN :schema.past_columns(
        own.table_id, (own.facts ->> 'relation')::oid, jsonb_build_object('at', own.first_at, 'event', own.first_id - 1), true
      ) END AS past
    ) AS past
  ), change AS (
    SELECT
      log.id, 0::bigint AS number, log.table_id, log.operation AS kind,
      CASE WHEN log.operation <> 'I' THEN coalesce(log.old_object_id, log.object_id) END AS key_in,
      CASE WHEN log.operation <> 'D' THEN log.object_id END AS key_out,
      CASE WHEN named.now THEN log.old ELSE before.image END AS old,
      CASE WHEN named.now THEN log.new ELSE after.image END AS new,
      CASE WHEN log.masked IS NOT NULL OR log.redacted <> '{}' OR log.lossy OR log.image = 'k' OR before.dropped IS NOT NULL THEN
        jsonb_path_query_array(jsonb_build_array(
          CASE WHEN log.image = 'k' THEN jsonb_build_object('columns', coalesce(log.masked, '{}'), 'why', 'drift')
            WHEN NOT log.masked <@ coalesce(log.redacted, '{}')
            THEN jsonb_build_object('columns', ARRAY(SELECT unnest(log.masked) EXCEPT SELECT unnest(log.redacted) ORDER BY 1), 'why', 'masked') END,
          CASE WHEN log.redacted <> '{}' THEN jsonb_build_object('columns', log.redacted, 'why', 'redacted') END,
          CASE WHEN log.lossy THEN jsonb_build_object('columns', '{}'::text[], 'why', 'lossy') END,
          CASE WHEN before.dropped IS NOT NULL THEN jsonb_build_object('columns', before.dropped, 'why', 'dropped') END
        ), '$[*] ? (@ != null)')
      END AS lacks,
      CASE
        WHEN subject.refused IS NOT NULL THEN subject.refused
        WHEN log.operation = 'T' AND log.meta IS NOT NULL
        THEN format('it is not known which rows were in %s when that was truncated', log.meta ->> 'relation')
        WHEN log.operation = 'D' AND log.image = 'k' THEN 'the event holds nothing but the key, because a declared column had been renamed'
        WHEN log.operation <> 'T' AND log.object_id IS NULL THEN 'the table had no primary key, so it is not known which row this was'
      END AS refused,
      CASE WHEN log.operation = 'T' AND log.meta IS NULL AND subject.refused IS NULL
        AND NOT :schema.rows_known(log.table_id, log.id, log.changed_at)
      THEN 'the table may have had rows of which no event tells' END AS doubt
    FROM logged AS log
    JOIN subject USING (table_id)
    CROSS JOIN LATERAL (SELECT log.changed_at > subject.named_since OR subject.past IS NULL AS now) AS named
    LEFT JOIN LATERAL (
      SELECT told.* FROM :schema.undo_image(subject.past, log.operation = 'D' AND log.image = 'f', log.changed_at, log.old) AS told WHERE NOT named.now
    ) AS before ON true
    LEFT JOIN LATERAL (
      SELECT told.* FROM :schema.undo_image(subject.past, log.image = 'f', log.changed_at, log.new) AS told WHERE NOT named.now
    ) AS after ON true
  )
  SELECT row_number() OVER (ORDER BY each.id, each.number), each.id, each.table_id, each.kind, each.key_in, each.key_out,
    each.old, each.new, each.lacks, each.refused, each.doubt
  FROM (
    SELECT * FROM change
    UNION ALL
    SELECT change.id, row_number() OVER (PARTITION BY change.id), change.table_id, 'D', gone.object_id, NULL, gone.image, NULL, NULL,
      'the log does not hold what it had in ' || nullif(array_to_string(gone.missing, ', '), ''), change.doubt
    FROM change
    JOIN subject USING (table_id)
    JOIN logged AS log ON log.id = change.id
    CROSS JOIN LATERAL :schema.undo_truncated(change.table_id, subject.relation, change.id, log.changed_at) AS gone
    WHERE change.kind = 'T' AND change.refused IS NULL
  ) AS each
$function$;
`,
  'functions/undo_context': `-- Gives the audit context of this transaction the reason of an undo, inside the
-- one that it has, and tells its metadata. Who carries contexts from the
-- application has done so already; a signed context is of whoever signed it.
CREATE OR REPLACE FUNCTION :schema.undo_context(reason text)
RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  payload    text := coalesce(nullif(current_setting('auditrum.context', true), ''), '{}');
  document   jsonb;
  is_wrapped boolean;
  metadata   jsonb;
BEGIN
  IF starts_with(payload, 's1 ') OR to_regclass(':schema.audit_key') IS NOT NULL THEN
    RETURN jsonb_build_object('change_reason', reason);
  END IF;
  BEGIN
    document := payload::jsonb;
  EXCEPTION WHEN OTHERS THEN
    RETURN jsonb_build_object('change_reason', reason);  -- the error is said in context_error
  END;
  is_wrapped := document ? 'v' AND jsonb_typeof(document -> 'metadata') = 'object';
  metadata := CASE WHEN is_wrapped THEN document -> 'metadata' ELSE document END;
  IF jsonb_typeof(metadata) <> 'object' THEN
    RETURN jsonb_build_object('change_reason', reason);
  ELSIF right(metadata ->> 'change_reason', length(reason)) = reason THEN
    RETURN metadata;
  END IF;
  metadata := metadata || jsonb_build_object('change_reason', concat_ws(' -> ', nullif(metadata ->> 'change_reason', ''), reason));
  PERFORM set_config('auditrum.context', CASE
    -- another context, inside the same root
    WHEN is_wrapped THEN document || jsonb_build_object(
      'id', gen_random_uuid(), 'root', coalesce(document ->> 'root', document ->> 'id'), 'metadata', metadata
    )
    ELSE metadata
  END::text, true);
  RETURN metadata;
END
$function$;
`,
  'functions/undo_effects': `-- What has become of the rows that were written: triggers of the table may have
-- changed what was written, or kept it from being written.
CREATE OR REPLACE FUNCTION :schema.undo_effects(rows jsonb[], present jsonb[])
RETURNS SETOF jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT own.document || jsonb_build_object(
    'outcome', CASE WHEN is_kept THEN 'skipped' WHEN own.document ->> 'outcome' = 'planned' THEN 'done' ELSE own.document ->> 'outcome' END,
    'lacks', own.document -> 'lacks' || CASE
      WHEN is_kept THEN jsonb_build_array(jsonb_build_object('columns', '{}'::text[], 'why', 'kept'))
      WHEN other.names IS NOT NULL THEN jsonb_build_array(jsonb_build_object('columns', other.names, 'why', 'trigger'))
      ELSE '[]'
    END
  )
  FROM unnest(rows) AS own (document)
  LEFT JOIN unnest(present) AS now (document) ON now.document -> 'n' = own.document -> 'n'
  -- another row has got the key
  LEFT JOIN (
    SELECT DISTINCT row.document -> 'table' AS tracked, row.document -> 'at' AS at FROM unnest(present) AS row (document) WHERE row.document ->> 'op' <> 'delete'
  ) AS taken ON own.document ->> 'op' = 'delete' AND taken.tracked = own.document -> 'table' AND taken.at = own.document -> 'at'
  CROSS JOIN LATERAL (SELECT own.document ->> 'op' = 'delete' AS is_delete) AS kind
  CROSS JOIN LATERAL (SELECT kind.is_delete = (now.document IS NOT NULL AND taken.at IS NULL) AS is_kept) AS fate
  CROSS JOIN LATERAL (
    SELECT CASE WHEN NOT kind.is_delete THEN (
      SELECT jsonb_agg(name)
      FROM jsonb_array_elements_text(own.document -> 'columns') AS name
      WHERE (now.document -> 'live' -> name)::text IS DISTINCT FROM (coalesce(now.document -> 'target', now.document -> 'wanted') -> name)::text
    ) END AS names
  ) AS other
$function$;
`,
  'functions/undo_events': `-- The events that an undo is asked to undo: one, or all of a transaction, of a
-- root context, or of a request. What names none, or more than one, is an error.
-- It reads what no reader may, and tells what readers see in auditlog.
CREATE OR REPLACE FUNCTION :schema.undo_events(event bigint, transaction bigint, root uuid, request text)
RETURNS TABLE (
  id bigint, changed_at timestamptz, table_id integer, operation "char", image "char", lossy boolean,
  object_id text, old_object_id text, old jsonb, new jsonb, meta jsonb, masked text[], redacted text[]
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
#variable_conflict use_column
DECLARE
  roots  uuid[];
  is_cut boolean;
BEGIN
  IF num_nonnulls(event, transaction, root, request) <> 1 THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('What is to be undone is named by %s things.', num_nonnulls(event, transaction, root, request)),
      HINT = 'Give one of an event, a transaction, a root and a request, and let it not be null.';
  ELSIF event IS NOT NULL THEN
    RETURN QUERY
      SELECT log.id, log.changed_at, log.table_id, log.operation, log.image, log.lossy,
        log.object_id, log.old_object_id, log.old, log.new, log.meta, log.masked, log.redacted
      FROM :schema.audit_event AS log
      WHERE log.id = event AND log.operation <> 'S';
  ELSE
    IF request IS NOT NULL THEN
      roots := ARRAY(
        SELECT DISTINCT context.root_uuid FROM :schema.audit_context AS context WHERE context.metadata ->> 'request_id' = request ORDER BY 1 LIMIT 11
      );
      IF cardinality(roots) > 1 THEN
        RAISE EXCEPTION USING
          ERRCODE = 'AU004',
          MESSAGE = format(
            'The request %s names %s: %s.', to_json(request),
            CASE WHEN cardinality(roots) > 10 THEN 'more than ten roots' ELSE cardinality(roots) || ' roots' END,
            array_to_string(roots[:10], ', ')
          ),
          DETAIL = to_json(roots[:10]),
          HINT = 'The id of a request is chosen by clients, who can choose one twice: give the root that is meant.';
      END IF;
      root := roots[1];
    END IF;
    SELECT bool_or(context.started_at < :schema.log_start() OR EXISTS (
      -- of one table: whether the transaction had changed it, too, is not known any more
      SELECT FROM :schema.audit_table AS known
      WHERE known.purged_until > context.started_at AND known.tracked && tstzrange(context.started_at, known.purged_until)
    )) INTO is_cut
    FROM :schema.audit_context AS context
    WHERE context.id = transaction OR context.root_uuid = root;
    IF is_cut THEN
      RAISE EXCEPTION USING
        ERRCODE = 'AU004',
        MESSAGE = 'Some of what is to be undone may be older than what the log still has.',
        HINT = 'Undo single events, which are known whole.';
    END IF;
    RETURN QUERY
      SELECT log.id, log.changed_at, log.table_id, log.operation, log.image, log.lossy,
        log.object_id, log.old_object_id, log.old, log.new, log.meta, log.masked, log.redacted
      FROM (
        SELECT context.id, context.txid FROM :schema.audit_context AS context WHERE context.id = transaction
        UNION ALL
        SELECT context.id, context.txid FROM :schema.audit_context AS context
        WHERE context.transaction_id = transaction AND context.transaction_id <> context.id
        UNION ALL
        SELECT context.id, context.txid FROM :schema.audit_context AS context WHERE context.root_uuid = root
      ) AS own
      JOIN :schema.audit_event AS log ON log.context_id = own.id AND log.txid = own.txid
      -- a row that was there already, and noted
      WHERE log.operation <> 'S';
  END IF;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = CASE
        WHEN event IS NOT NULL THEN format('The log has no event %s that changed anything.', event)
        WHEN transaction IS NOT NULL THEN format('The log has no transaction %s that changed anything.', transaction)
        WHEN request IS NOT NULL THEN format('The log has no request %s that changed anything.', to_json(request))
        ELSE format('The log has no root %s that changed anything.', root)
      END,
      HINT = 'Give an id as events carry it; what is older than the retention is gone.';
  END IF;
END
$function$;
`,
  'functions/undo_foreign_keys': `-- The foreign keys that refer to tables of which rows are to be deleted or
-- changed, as SQL for undo_references.
--   loosens  columns with whose change who refers to them loses the reference
--   hides    what is done (delete, update) to rows that row security may hide
CREATE OR REPLACE FUNCTION :schema.undo_foreign_keys(rows jsonb[], tables jsonb)
RETURNS TABLE (parent_id text, child_id text, child text, shown text, columns text[], definition text, condition text, place text, loosens text[], hides text[])
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT
    parent.key, child.key, CASE class.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END || reference.conrelid::regclass::text,
    format('%s (%s)', reference.conrelid::regclass, string_agg(near.attname, ', ' ORDER BY side.position)),
    array_agg(near.attname::text ORDER BY side.position),
    string_agg(format('%I %s', far.attname, format_type(far.atttypid, far.atttypmod)), ', ' ORDER BY side.position),
    string_agg(format('named.%I OPERATOR(%I.%s) live.%I', far.attname, namespace.nspname, operator.oprname, near.attname), ' AND ' ORDER BY side.position),
    key.place,
    CASE WHEN reference.confupdtype IN ('n', 'd') THEN array_agg(far.attname::text) ELSE '{}' END,
    CASE WHEN row_security_active(reference.conrelid) THEN array_remove(ARRAY[
      CASE WHEN reference.confdeltype IN ('c', 'n', 'd') THEN 'delete' END,
      CASE WHEN reference.confupdtype IN ('n', 'd') THEN 'update' END
    ], NULL) ELSE '{}' END
  FROM jsonb_each(tables) AS parent
  JOIN pg_constraint AS reference ON reference.confrelid = (parent.value ->> 'relation')::oid AND reference.contype = 'f' AND reference.conparentid = 0
  JOIN pg_class AS class ON class.oid = reference.conrelid
  LEFT JOIN jsonb_each(tables) AS child ON (child.value ->> 'relation')::oid = reference.conrelid
  LEFT JOIN LATERAL :schema.key_join(reference.conrelid) AS key ON true
  CROSS JOIN LATERAL unnest(reference.conkey, reference.confkey, reference.conpfeqop) WITH ORDINALITY AS side (near, far, operator, position)
  JOIN pg_attribute AS near ON near.attrelid = reference.conrelid AND near.attnum = side.near
  JOIN pg_attribute AS far ON far.attrelid = reference.confrelid AND far.attnum = side.far
  JOIN pg_operator AS operator ON operator.oid = side.operator
  JOIN pg_namespace AS namespace ON namespace.oid = operator.oprnamespace
  WHERE EXISTS (
    SELECT FROM unnest(rows) AS own (document)
    WHERE own.document ->> 'table' = parent.key
      AND (own.document ->> 'op' = 'delete' OR own.document ->> 'op' = 'update' AND reference.confupdtype IN ('n', 'd'))
  )
  GROUP BY parent.key, child.key, reference.oid, reference.conrelid, reference.confupdtype, reference.confdeltype, class.relkind, key.place
$function$;
`,
  'functions/undo_image': `-- An event's image under the present names of the columns, and the names of
-- those that are not there any more.
CREATE OR REPLACE FUNCTION :schema.undo_image(
  past jsonb, whole boolean, changed_at timestamptz, INOUT image jsonb, OUT dropped text[]
)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  told record;
BEGIN
  IF image IS NOT NULL AND past IS NOT NULL THEN
    told := :schema.past_image(past, image, whole, changed_at);
    dropped := nullif(ARRAY(
      SELECT name FROM jsonb_object_keys(image) AS name
      WHERE past -> 'shapes' -> told.shape -> 'map' ->> name IS NULL AND jsonb_array_length(past -> 'shapes') > 1
    ), '{}');
    image := told.exact || told.loose;
  END IF;
END
$function$;
`,
  'functions/undo_keys': `-- The foreign keys of the database, those of partitions aside.
--   acts, cascades  whether something is done to who refers to a row whose key changes; whether it changes, too
--   sweeps          whether something is done to who refers to a row that goes
CREATE OR REPLACE FUNCTION :schema.undo_keys()
RETURNS TABLE (id oid, child oid, parent oid, acts boolean, cascades boolean, sweeps boolean, near text[], far text[])
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT reference.oid, reference.conrelid, reference.confrelid, reference.confupdtype IN ('c', 'n', 'd'), reference.confupdtype = 'c',
    reference.confdeltype IN ('c', 'n', 'd'),
    ARRAY(
      SELECT attribute.attname::text
      FROM unnest(reference.conkey) WITH ORDINALITY AS side (number, position)
      JOIN pg_attribute AS attribute ON attribute.attrelid = reference.conrelid AND attribute.attnum = side.number
      ORDER BY side.position
    ),
    ARRAY(
      SELECT attribute.attname::text
      FROM unnest(reference.confkey) WITH ORDINALITY AS side (number, position)
      JOIN pg_attribute AS attribute ON attribute.attrelid = reference.confrelid AND attribute.attnum = side.number
      ORDER BY side.position
    )
  FROM pg_constraint AS reference
  WHERE reference.contype = 'f' AND reference.conparentid = 0
    -- NOT ENFORCED exists since PostgreSQL 18
    AND to_jsonb(reference) ->> 'conenforced' IS DISTINCT FROM 'false'
$function$;
`,
  'functions/undo_lines': `-- The lines of an undo as people read them in psql.
CREATE OR REPLACE FUNCTION :schema.undo_lines(lines jsonb[])
RETURNS TABLE (part text, event_id bigint, table_name text, object_id text, operation text, outcome text, columns text, detail text)
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT
    line ->> 'part',
    (document ->> 'eventId')::bigint,
    format('%I.%I', document ->> 'schema', document ->> 'table'),
    document ->> 'objectId',
    document ->> 'operation',
    document ->> 'outcome',
    CASE jsonb_typeof(document -> 'columns')
      WHEN 'array' THEN (SELECT string_agg(name, ', ') FROM jsonb_array_elements_text(document -> 'columns') AS name)
      ELSE document ->> 'column'
    END,
    CASE line ->> 'part'
      WHEN 'step' THEN document ->> 'sql'
      WHEN 'conflict' THEN concat('expected ', coalesce(document ->> 'expected', 'null'), ', is ', coalesce(document ->> 'present', 'null'), ', wanted ', coalesce(document ->> 'wanted', 'null'), ', referred to by ' || (document ->> 'referrer'))
      ELSE document ->> 'message'
    END
  FROM unnest(lines) WITH ORDINALITY AS given (line, position)
  CROSS JOIN LATERAL (SELECT line -> 'document' AS document) AS own
  WHERE line ->> 'part' IN ('step', 'conflict', 'omitted')
  ORDER BY position
$function$;
`,
  'functions/undo_links': `-- The rows that are to be written, as they are to be written among rows that
-- refer to each other:
--
--   columns  without those that ON UPDATE CASCADE brings back, because the row
--            that they refer to gets its key back. Were they written first, the
--            cascade would take the row for one that refers to whoever had that
--            key in between. They have a document of their own, which has its
--            place in the order but is not run: it leaves "followed"
--   leaves   the foreign keys by which it refers to a row that goes (or, without
--            an action, moves): it must be written before that is, and otherwise
--            behind it, or ON DELETE would reach it. "key": a cascade will change
--            the key by which it is found
--   tangled  true where it would have to be written both before a row that it
--            would be taken with goes, and behind it
CREATE OR REPLACE FUNCTION :schema.undo_links(rows jsonb[], tables jsonb)
RETURNS SETOF jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off  -- the planner does not know how many rows there are
SET enable_mergejoin = off
AS $function$
  WITH own AS MATERIALIZED (
    SELECT row.document, row.document ->> 'table' AS tracked, row.document ->> 'op' AS op, row.document -> 'n' AS n,
      coalesce(row.document -> 'live', row.document -> 'left') AS present
    FROM unnest(rows) AS row (document)
  ), reference AS MATERIALIZED (
    SELECT known.id, known.acts, known.cascades, known.sweeps, child.key AS child, parent.key AS parent, known.near, known.far
    FROM :schema.undo_keys() AS known
    JOIN jsonb_each(tables) AS child ON (child.value ->> 'relation')::oid = known.child
    JOIN jsonb_each(tables) AS parent ON (parent.value ->> 'relation')::oid = known.parent
  ), parent AS MATERIALIZED (
    -- the places that rows that others may refer to leave, and take
    SELECT DISTINCT reference.id, own.op,
      ARRAY(SELECT own.present -> name FROM unnest(reference.far) AS name) AS left_place,
      CASE own.op WHEN 'update' THEN ARRAY(SELECT coalesce(own.document -> 'wanted' -> name, own.present -> name) FROM unnest(reference.far) AS name) END AS place
    FROM reference
    JOIN own ON own.tracked = reference.parent
    WHERE own.op = 'delete' OR own.op = 'update' AND own.document -> 'columns' ?| reference.far
  ), child AS MATERIALIZED (
    SELECT reference.id, reference.acts, reference.cascades, reference.sweeps, reference.near, own.n, key.moves,
      ARRAY(SELECT own.present -> name FROM unnest(reference.near) AS name) AS left_place,
      ARRAY(SELECT coalesce(own.document -> 'wanted' -> name, own.present -> name) FROM unnest(reference.near) AS name) AS place
    FROM reference
    JOIN own ON own.tracked = reference.child
    CROSS JOIN LATERAL (SELECT reference.cascades AND tables -> own.tracked -> 'key' ?| reference.near AS moves) AS key
    WHERE own.op = 'update' AND (own.document -> 'columns' ?| reference.near OR key.moves)
      -- else it refers to nothing
      AND own.present ?& reference.near AND NOT EXISTS (SELECT FROM unnest(reference.near) AS name WHERE own.present -> name = 'null')
  ), followed AS MATERIALIZED (
    SELECT child.n, jsonb_agg(DISTINCT name.name) AS names
    FROM child
    JOIN parent ON parent.id = child.id AND parent.op = 'update' AND parent.left_place = child.left_place AND parent.place = child.place
    CROSS JOIN unnest(child.near) AS name (name)
    WHERE child.cascades
    GROUP BY child.n
  ), leaving AS MATERIALIZED (
    SELECT child.n, jsonb_agg(DISTINCT CASE WHEN parent.op = 'update' AND child.moves THEN 'key' ELSE child.id::text END) AS ids
    FROM child
    JOIN parent ON parent.id = child.id AND parent.left_place = child.left_place AND (parent.op = 'delete' OR NOT child.acts OR child.moves)
    GROUP BY child.n
  ), taken AS MATERIALIZED (
    -- the place that it is to have is one that a row leaves, which takes along who is there
    SELECT child.n, jsonb_object_agg(child.id, child.near) AS by
    FROM child
    JOIN parent ON parent.id = child.id AND parent.left_place = child.place AND CASE parent.op WHEN 'delete' THEN child.sweeps ELSE child.cascades END
    GROUP BY child.n
  ), crowded AS MATERIALIZED (
    -- rows of one table that may exchange unique values are written in one go
    SELECT own.tracked, coalesce(jsonb_agg(DISTINCT id.id) FILTER (WHERE id.id IS NOT NULL), '[]') AS ids
    FROM own
    LEFT JOIN leaving USING (n)
    LEFT JOIN LATERAL jsonb_array_elements(leaving.ids) AS id (id) ON true
    WHERE own.op = 'update'
    GROUP BY own.tracked
    HAVING bool_or(own.document -> 'columns' ?| ARRAY(
      SELECT jsonb_array_elements_text(tables -> own.tracked -> 'distinct')
    )) OR (tables -> own.tracked -> 'computed')::boolean
  )
  SELECT own.document || jsonb_build_object('columns', written.columns, 'leaves', place.leaves) || CASE WHEN EXISTS (
      SELECT FROM jsonb_each(taken.by) AS by (id, near)
      WHERE place.leaves ? by.id AND written.columns ?| ARRAY(SELECT jsonb_array_elements_text(by.near))
    ) THEN '{"tangled": true}' ELSE '{}'::jsonb END
  FROM own
  LEFT JOIN followed USING (n)
  LEFT JOIN leaving USING (n)
  LEFT JOIN taken USING (n)
  LEFT JOIN crowded ON crowded.tracked = own.tracked AND own.op = 'update'
  CROSS JOIN LATERAL (
    SELECT (own.document -> 'columns') - ARRAY(SELECT jsonb_array_elements_text(followed.names)) AS columns
  ) AS written
  CROSS JOIN LATERAL (SELECT coalesce(crowded.ids, leaving.ids, '[]') AS leaves) AS place
  WHERE own.op <> 'update' OR written.columns <> '[]'
  UNION ALL
  SELECT own.document || jsonb_build_object('columns', followed.names, 'leaves', '["followed"]'::jsonb)
  FROM own
  JOIN followed USING (n)
$function$;
`,
  'functions/undo_live': `-- Locks the rows that an undo is about, then reads them, so that nobody's
-- change comes between: the documents of those that are there, with live, and
-- where values may not be written as they were, with wanted and expected as the
-- table's types write them now (target, former).
-- It reads by the rights, the policies and the search_path of the caller, but
-- writes values as the log does.
CREATE OR REPLACE FUNCTION :schema.undo_live(rows jsonb[], tables jsonb)
RETURNS SETOF jsonb
LANGUAGE plpgsql
SET TimeZone = 'UTC'
SET DateStyle = 'ISO'
SET IntervalStyle = 'postgres'
SET extra_float_digits = '1'
SET bytea_output = 'hex'
SET lc_monetary = 'C'
AS $function$
DECLARE
  tracked text;
  key     record;
BEGIN
  FOR tracked IN
    SELECT own.key FROM pg_catalog.jsonb_each(tables) AS own WHERE own.value ->> 'refused'::text IS NULL ORDER BY own.key::integer
  LOOP
    key := :schema.key_join((tables -> tracked ->> 'relation'::text)::oid);
    RETURN QUERY EXECUTE pg_catalog.format(
      $query$
      SELECT %6$s
      FROM (
        SELECT own.document || pg_catalog.jsonb_build_object(
          'live'::text, pg_catalog.to_jsonb(live.*)%5$s
        ) AS document
        FROM pg_catalog.unnest($1) AS own (document)
        CROSS JOIN LATERAL pg_catalog.jsonb_to_record(own.document -> 'at'::text) AS named (%1$s)
        JOIN %2$s AS live ON %3$s
        WHERE own.document ->> 'table'::text = $2 AND own.document ->> 'op'::text = ANY ('{insert,update,delete}') AND own.document ->> 'refused'::text IS NULL
        ORDER BY %4$s
        FOR UPDATE OF live
      ) AS found
      %7$s
      $query$,
      key.definition, tables -> tracked ->> 'name'::text, key.condition,
      (SELECT pg_catalog.string_agg(pg_catalog.format('live.%I', part.name), ', ' ORDER BY part.number) FROM :schema.key_parts((tables -> tracked ->> 'relation'::text)::oid) AS part),
      CASE WHEN tables -> tracked -> 'checked'::text <> '[]'::pg_catalog.jsonb THEN
        $columns$,
          'former'::text, pg_catalog.to_jsonb(pg_catalog.jsonb_populate_record(live.*, own.document -> 'expected'::text)),
          'target'::text, pg_catalog.to_jsonb(pg_catalog.jsonb_populate_record(live.*, own.document -> 'wanted'::text))$columns$
      END,
      CASE WHEN (tables -> tracked -> 'inherited'::text)::boolean THEN
        $merged$
          (pg_catalog.array_agg(found.document))[1] || CASE WHEN pg_catalog.count(*) > 1 THEN pg_catalog.jsonb_build_object(
            'refused'::text, 'several rows have this key, because other tables inherit from this one'::text
          ) ELSE '{}' END
        $merged$
        ELSE 'found.document'
      END,
      CASE WHEN (tables -> tracked -> 'inherited'::text)::boolean THEN 'GROUP BY found.document -> ''n''::text' END
    )
    USING rows, tracked;
  END LOOP;
END
$function$;
`,
  'functions/undo_moved': `-- A row's document with the key that it has when it was written.
CREATE OR REPLACE FUNCTION :schema.undo_moved(document jsonb, tables jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT CASE WHEN document ->> 'op' = 'update' AND document -> 'columns' ?| key.names
    THEN document || jsonb_build_object('at', (
      SELECT jsonb_object_agg(name, coalesce(document -> 'wanted' -> name, document -> 'at' -> name)) FROM unnest(key.names) AS name
    ))
    ELSE document
  END
  FROM (SELECT ARRAY(SELECT jsonb_array_elements_text(tables -> (document ->> 'table') -> 'key')) AS names) AS key
$function$;
`,
  'functions/undo_order': `-- In which order an undo writes: deletes, updates and inserts of several
-- tables, so that each finds the rows that it refers to, and the place in each
-- unique index that it needs. Where there is no such order, as among tables
-- that refer to each other in a circle, they share a rank: then they must be
-- one statement, at whose end PostgreSQL checks foreign keys. So must be the rows
-- of one table that refers to itself: it is a circle of its own.
--
--   works  [{table, op, leaves: as undo_links has them, columns: those that any of its rows writes, n: of its newest row}]
CREATE OR REPLACE FUNCTION :schema.undo_order(works jsonb, tables jsonb)
RETURNS TABLE (tracked text, op text, leaves jsonb, rank bigint, is_circle boolean)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  WITH RECURSIVE work AS MATERIALIZED (
    SELECT own.position AS id, own.part ->> 'table' AS tracked, own.part ->> 'op' AS op, own.part -> 'leaves' AS leaves, (own.part ->> 'n')::bigint AS n,
      (tables -> (own.part ->> 'table') ->> 'relation')::oid AS relation,
      ARRAY(
        SELECT attribute.attnum FROM pg_attribute AS attribute
        WHERE attribute.attrelid = (tables -> (own.part ->> 'table') ->> 'relation')::oid AND own.part -> 'columns' ? attribute.attname::text
      ) AS columns
    FROM jsonb_array_elements(works) WITH ORDINALITY AS own (part, position)
  ), reference AS MATERIALIZED (
    SELECT known.child, known.parent, known.acts, known.cascades, own.conkey AS near, own.confkey AS far, to_jsonb(known.id) AS id
    FROM :schema.undo_keys() AS known
    JOIN pg_constraint AS own ON own.oid = known.id
  ), distinct_index AS MATERIALIZED (
    SELECT indrelid AS relation, indisprimary AS is_key, indkey::smallint[] AS columns, 0 = ANY (indkey::smallint[]) AS is_computed
    FROM pg_index WHERE indisunique OR indisexclusion
  ), edge (before, after) AS (
    SELECT first.id, next.id
    FROM work AS first
    CROSS JOIN work AS next
    JOIN reference ON true
    WHERE
      reference.parent = first.relation AND reference.child = next.relation AND (
        first.op = 'insert' AND (next.op = 'insert' OR next.op = 'update' AND next.columns && reference.near)
        OR first.op = 'update' AND first.columns && reference.far AND (next.op = 'insert' OR next.op = 'update' AND next.columns && reference.near)
        OR first.op = 'delete' AND next.op = 'update' AND next.columns && reference.near AND NOT next.leaves @> reference.id
      )
      OR reference.child = first.relation AND reference.parent = next.relation AND (
        next.op = 'delete' AND (first.op = 'delete' OR first.op = 'update' AND first.columns && reference.near AND first.leaves @> reference.id)
        OR next.op = 'update' AND next.columns && reference.far AND (
          first.op = 'delete'
          OR first.op = 'update' AND first.columns && reference.near AND first.leaves @> reference.id AND NOT reference.acts
        )
      )
      OR first.leaves @> '"key"' AND reference.cascades AND reference.parent = next.relation AND next.op = 'update' AND next.columns && reference.far
    UNION
    SELECT first.id, next.id
    FROM work AS first
    JOIN work AS next ON next.relation = first.relation
    JOIN distinct_index AS own ON own.relation = first.relation
    WHERE first.op = 'delete' AND next.op = 'insert' AND NOT own.is_key
      OR first.op = 'delete' AND next.op = 'update' AND (next.columns && own.columns OR own.is_computed)
      OR first.op = 'update' AND next.op = 'insert' AND (first.columns && own.columns OR own.is_computed)
  ), path (before, after) AS (
    SELECT before, after FROM edge
    UNION
    SELECT path.before, edge.after FROM path JOIN edge ON edge.before = path.after
  ), placed AS (
    SELECT work.*,
      -- of a circle all have the same place; whoever is behind it a greater one
      (
        SELECT count(*) FROM path
        WHERE path.after = work.id AND path.before <> work.id
          AND NOT EXISTS (SELECT FROM path AS back WHERE back.before = work.id AND back.after = path.before)
      ) AS place,
      (
        SELECT min(path.before) FROM path JOIN path AS back ON back.before = path.after AND back.after = path.before
        WHERE path.after = work.id
      ) AS circle
    FROM work
  )
  SELECT tracked, op, leaves, dense_rank() OVER (ORDER BY place, max_n DESC, coalesce(circle, id)), circle IS NOT NULL
  FROM (SELECT *, max(n) OVER (PARTITION BY place, coalesce(circle, id)) AS max_n FROM placed) AS ordered
$function$;
`,
  'functions/undo_pending': `-- The rows that are to be written.
CREATE OR REPLACE FUNCTION :schema.undo_pending(rows jsonb[])
RETURNS SETOF jsonb
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT document FROM unnest(rows) AS own (document) WHERE document ->> 'outcome' IN ('planned', 'forced')
$function$;
`,
  'functions/undo_referenced': `-- The rows that cannot go because others refer to them, as undo_references has found them.
CREATE OR REPLACE FUNCTION :schema.undo_referenced(rows jsonb[], found jsonb[])
RETURNS SETOF jsonb
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT own.document || jsonb_build_object(
    'outcome', 'skipped',
    'refused', 'rows that row security hides may refer to it, by '
      || string_agg(met.document ->> 'referrer', ', ') FILTER (WHERE (met.document -> 'hides')::boolean) || ', which would delete or change them',
    'conflicts', own.document -> 'conflicts' || coalesce(jsonb_agg(jsonb_build_object(
      'column', NULL, 'expected', NULL, 'present', own.document -> 'live', 'wanted', NULL, 'referrer', met.document -> 'referrer'
    )) FILTER (WHERE NOT (met.document -> 'hides')::boolean), '[]')
  )
  FROM unnest(rows) AS own (document)
  JOIN unnest(found) AS met (document) ON met.document -> 'n' = own.document -> 'n'
  GROUP BY own.document
$function$;
`,
  'functions/undo_references': `-- Of the rows that are to be deleted, or to get a key with which ON UPDATE SET
-- NULL takes references away, those that others refer to which are to stay as
-- they are: the row's n, and who refers to it; or, where that cannot be seen,
-- who may (hides). The rows are locked, so that nobody new can. Reads by the
-- rights of the caller.
CREATE OR REPLACE FUNCTION :schema.undo_references(rows jsonb[], tables jsonb)
RETURNS TABLE (n jsonb, referrer text, hides boolean)
LANGUAGE plpgsql
SET TimeZone = 'UTC'
SET DateStyle = 'ISO'
SET IntervalStyle = 'postgres'
SET extra_float_digits = '1'
SET bytea_output = 'hex'
SET lc_monetary = 'C'
AS $function$
DECLARE
  reference record;
BEGIN
  FOR reference IN SELECT * FROM :schema.undo_foreign_keys(rows, tables) LOOP
    RETURN QUERY
      SELECT own.document -> 'n'::text, reference.shown, true
      FROM pg_catalog.unnest(rows) AS own (document)
      WHERE own.document ->> 'table'::text = reference.parent_id AND own.document ->> 'op'::text = ANY (reference.hides)
        AND (own.document ->> 'op'::text = 'delete' OR own.document -> 'columns'::text ?| reference.loosens);
    RETURN QUERY EXECUTE pg_catalog.format(
      $query$
      SELECT DISTINCT ON (own.document -> 'n'::text) own.document -> 'n'::text, %1$L::text, false
      FROM pg_catalog.unnest($1) AS own (document)
      CROSS JOIN LATERAL pg_catalog.jsonb_to_record(coalesce(own.document -> 'live'::text, own.document -> 'left'::text)) AS named (%2$s)
      JOIN %3$s AS live ON %4$s
      WHERE own.document ->> 'table'::text = $2 AND (own.document ->> 'op'::text = 'delete' OR own.document ->> 'op'::text = 'update' AND own.document -> 'columns'::text ?| $5)
        AND NOT EXISTS (
          SELECT FROM pg_catalog.unnest($1) AS other (document)
          WHERE other.document ->> 'table'::text = $3 AND other.document -> 'at'::text = %5$s
            AND (other.document ->> 'op'::text = 'delete' OR other.document -> 'columns'::text ?| $4)
        )
      $query$,
      reference.shown, reference.definition, reference.child, reference.condition, coalesce(reference.place, 'NULL::pg_catalog.jsonb')
    )
    USING rows, reference.parent_id, reference.child_id, reference.columns, reference.loosens;
  END LOOP;
END
$function$;
`,
  'functions/undo_refusal': `-- Why an undo was refused, from its lines; null where it was not.
CREATE OR REPLACE FUNCTION :schema.undo_refusal(lines jsonb[])
RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT string_agg(problem.text, '; ' ORDER BY problem.number) FILTER (WHERE problem.number <= 3)
    || CASE WHEN count(*) > 3 THEN format('; and %s more', count(*) - 3) ELSE '' END
  FROM (
    SELECT own.position AS number, format('%I.%I', line -> 'document' ->> 'schema', line -> 'document' ->> 'table') || coalesce(' ' || (line -> 'document' ->> 'objectId'), '')
      || CASE
        WHEN line ->> 'part' = 'omitted' THEN ': ' || (line -> 'document' ->> 'message')
        WHEN line -> 'document' ->> 'referrer' IS NOT NULL THEN ' is referred to by ' || (line -> 'document' ->> 'referrer')
        WHEN line -> 'document' ->> 'present' IS NULL AND line -> 'document' ->> 'column' IS NULL THEN ' is not there any more'
        WHEN line -> 'document' ->> 'column' IS NULL THEN ' is there again'
        ELSE format(': %I is %s, not %s', line -> 'document' ->> 'column',
          left(coalesce(line -> 'document' ->> 'present', 'null'), 60), left(coalesce(line -> 'document' ->> 'expected', 'null'), 60))
      END
      || coalesce(', changed by event ' || (line -> 'document' -> 'changedBy' ->> 'eventId'), '') AS text
    FROM (
      SELECT line, row_number() OVER (ORDER BY position) AS position
      FROM unnest(lines) WITH ORDINALITY AS given (line, position)
      WHERE line ->> 'part' = 'conflict' OR line ->> 'part' = 'omitted' AND line -> 'document' ->> 'why' IN ('refused', 'doubt')
    ) AS own
    WHERE EXISTS (SELECT FROM unnest(lines) AS line WHERE line ->> 'part' = 'refused')
  ) AS problem
$function$;
`,
  'functions/undo_report': `-- What an undo has done, or would do, as lines of JSON:
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
`,
  'functions/undo_rows': `-- What is to be undone, net: one document for each row, however often it was
-- changed, also under several keys; newest first in n.
--
--   n, event, first, table   the place in the order; the last and the first event; audit_table.id
--   key                      the object_id that people know
--   op                       what undoes it: insert, update, delete, none; truncate: a truncation itself
--   wanted, expected         column values before, and behind, what is to be undone
--   at                       the key, as an object, under which the row is to be found
--   broken                   [{column, expected, present, event}]: changed by others in between
--   lacks, refused, doubt    as undo_changes has them
CREATE OR REPLACE FUNCTION :schema.undo_rows(event bigint, transaction bigint, root uuid, request text)
RETURNS SETOF jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO'
AS $function$
  WITH RECURSIVE change AS MATERIALIZED (
    SELECT * FROM :schema.undo_changes($1, $2, $3, $4)
  ), touch AS (
    -- a key is touched by what happens to its row, when it is taken from a row (1), and when it is given to one (2)
    SELECT change.n, change.table_id, side.key, side.role
    FROM change
    CROSS JOIN LATERAL (
      SELECT coalesce(change.key_out, change.key_in), 0 WHERE coalesce(change.key_in = change.key_out, true)
      UNION ALL SELECT change.key_in, 1 WHERE change.key_in <> change.key_out
      UNION ALL SELECT change.key_out, 2 WHERE change.key_in <> change.key_out
    ) AS side (key, role)
    WHERE change.kind <> 'T' AND change.refused IS NULL
  ), held AS (
    SELECT touch.*, count(*) FILTER (WHERE role = 2) OVER until + count(*) FILTER (WHERE role = 1) OVER before AS holder
    FROM touch
    WINDOW until AS (PARTITION BY table_id, key ORDER BY n), before AS (PARTITION BY table_id, key ORDER BY n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
  ), spell AS MATERIALIZED (
    -- the time for which one row held a key
    SELECT held.n, held.role, min(2 * n + CASE role WHEN 2 THEN 1 ELSE 0 END) OVER (PARTITION BY table_id, key, holder) AS spell
    FROM held
  ), moved AS MATERIALIZED (
    SELECT gone.spell AS source, came.spell AS target FROM spell AS gone JOIN spell AS came USING (n) WHERE gone.role = 1 AND came.role = 2
  ), life (spell, life) AS (
    SELECT DISTINCT spell.spell, spell.spell FROM spell WHERE NOT EXISTS (SELECT FROM moved WHERE moved.target = spell.spell)
    UNION ALL
    SELECT moved.target, life.life FROM life JOIN moved ON moved.source = life.spell
  ), member AS MATERIALIZED (
    SELECT life.life, change.*
    FROM spell JOIN life USING (spell) JOIN change USING (n)
    WHERE spell.role <> 1
  ), span AS MATERIALIZED (
    SELECT life, min(n) AS first_n, max(n) AS last_n, count(*) AS number, max(doubt) AS doubt,
      jsonb_path_query_array(jsonb_agg(lacks) FILTER (WHERE lacks IS NOT NULL), '$[*][*]') AS lacks
    FROM member
    GROUP BY life
  ), touched AS (
    -- of rows that were changed more than once, each value before and after
    SELECT own.*, own.kind <> 'I' AND own.kind_before <> 'D' AND own.value_before::text IS DISTINCT FROM own.old_value::text AS is_broken
    FROM (
      SELECT member.life, member.n, member.id, member.kind, name.name, member.old -> name.name AS old_value, member.new -> name.name AS new_value,
        lag(member.new -> name.name) OVER column_order AS value_before, lag(member.kind) OVER column_order AS kind_before
      FROM member
      JOIN span USING (life)
      CROSS JOIN LATERAL jsonb_object_keys(coalesce(member.old, member.new)) AS name (name)
      WHERE span.number > 1
      WINDOW column_order AS (PARTITION BY member.life, name.name ORDER BY member.n)
    ) AS own
  ), fold AS (
    SELECT life,
      jsonb_object_agg(name, old_value ORDER BY n DESC) FILTER (WHERE kind <> 'I') AS wanted,
      jsonb_object_agg(name, new_value ORDER BY n) FILTER (WHERE kind <> 'D') AS expected,
      jsonb_agg(jsonb_build_object('column', name, 'expected', value_before, 'present', old_value, 'event', id)) FILTER (WHERE is_broken) AS broken
    FROM touched
    GROUP BY life
  ), subject AS MATERIALIZED (
    SELECT own.table_id, own.facts -> 'key' AS key, own.facts -> 'types' AS types, own.facts -> 'checked' AS checked
    FROM (SELECT table_id, :schema.undo_table(table_id) AS facts FROM change GROUP BY table_id) AS own
  ), net AS MATERIALIZED (
    SELECT
      span.*, last.id, first.id AS first_id, last.table_id, coalesce(last.key_out, first.key_in) AS key,
      CASE
        WHEN first.kind = 'I' THEN CASE WHEN last.kind = 'D' THEN 'none' ELSE 'delete' END
        ELSE CASE WHEN last.kind = 'D' THEN 'insert' ELSE 'update' END
      END AS op,
      CASE WHEN span.number = 1 THEN last.old ELSE fold.wanted END AS wanted,
      CASE
        WHEN span.number <> 1 THEN fold.expected
        WHEN last.kind <> 'U' THEN last.new
        ELSE (SELECT jsonb_object_agg(name, last.new -> name) FROM jsonb_object_keys(last.old) AS name)
      END AS expected,
      fold.broken,
      CASE WHEN last.kind = 'D' THEN coalesce(first.new, '{}') || first.old ELSE last.new END AS whole
    FROM span
    JOIN member AS first ON first.n = span.first_n
    JOIN member AS last ON last.n = span.last_n
    LEFT JOIN fold ON fold.life = span.life
  ), unreadable AS MATERIALIZED (
    -- labels of an enum are renamed, domains get checks, columns other types
    SELECT part.table_id, part.name, part.value
    FROM (
      SELECT DISTINCT net.table_id, checked.name, image.value, subject.types ->> checked.name AS type
      FROM subject
      CROSS JOIN LATERAL jsonb_array_elements_text(subject.checked) AS checked (name)
      JOIN net USING (table_id)
      CROSS JOIN LATERAL (VALUES (net.wanted -> checked.name), (net.expected -> checked.name)) AS image (value)
      WHERE image.value IS NOT NULL
    ) AS part
    WHERE NOT :schema.is_readable(part.value, part.type)
  ), lost AS MATERIALIZED (
    SELECT net.life, array_agg(DISTINCT unreadable.name) AS names
    FROM net
    JOIN unreadable
      ON unreadable.table_id = net.table_id AND unreadable.value IN (net.wanted -> unreadable.name, net.expected -> unreadable.name)
    GROUP BY net.life
  )
  SELECT jsonb_strip_nulls(jsonb_build_object(
      'n', net.last_n, 'event', net.id, 'first', net.first_id, 'table', net.table_id, 'key', net.key, 'op', net.op, 'doubt', net.doubt,
      'broken', net.broken,
      'lacks', CASE WHEN lost.life IS NULL THEN net.lacks ELSE coalesce(net.lacks, '[]') || jsonb_build_object('columns', lost.names, 'why', 'unreadable') END,
      'refused', CASE WHEN NOT net.whole ?& key.names THEN CASE WHEN starts_with(net.key, 'md5 00000000') THEN 'its key was erased, so it is not known which row this was' ELSE 'the table had another primary key, so it is not known which row this is now' END END
    )) || jsonb_build_object(
      'wanted', coalesce(net.wanted, '{}') - coalesce(lost.names, '{}'),
      'expected', coalesce(net.expected, '{}') - coalesce(lost.names, '{}'),
      'at', (SELECT jsonb_object_agg(name, net.whole -> name) FROM unnest(key.names) AS name)
    )
  FROM net
  JOIN subject USING (table_id)
  CROSS JOIN LATERAL (SELECT ARRAY(SELECT jsonb_array_elements_text(subject.key)) AS names) AS key
  LEFT JOIN lost USING (life)
  UNION ALL
  SELECT jsonb_strip_nulls(jsonb_build_object(
    'n', n, 'event', id, 'first', id, 'table', table_id, 'key', coalesce(key_out, key_in), 'op', CASE kind WHEN 'T' THEN 'truncate' ELSE 'none' END,
    'doubt', doubt, 'lacks', lacks, 'refused', refused
  ))
  FROM change
  WHERE kind = 'T' OR refused IS NOT NULL
$function$;
`,
  'functions/undo_script': `-- The statements of an undo as a script for psql, piece by piece. It is another
-- request than the one that it is made in.
CREATE OR REPLACE FUNCTION :schema.undo_script(metadata jsonb, statements jsonb[])
RETURNS SETOF jsonb
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT to_jsonb(line.text)
  FROM (
    SELECT 1 AS place, 0::bigint AS statement, 0::bigint AS n, format(
      E'-- It compares nothing: what was changed since it was written is overwritten.\\n-- psql -v ON_ERROR_STOP=1 -f this_file\\nSET client_encoding = ''UTF8'';\\nBEGIN;\\n-- how the values below are written\\nSET LOCAL IntervalStyle = ''postgres'';\\nSET LOCAL lc_monetary = ''C'';\\nSET LOCAL array_nulls = on;\\nSET LOCAL xmloption = content;\\nSELECT pg_catalog.set_config(''auditrum.context'', %L, true);\\n',
      metadata - '{request_id,trace_id,span_id}'::text[]
    ) AS text
    UNION ALL
    SELECT 2, (document ->> 'statement')::bigint, -(document ->> 'n')::bigint, (document ->> 'sql') || E';\\n'
    FROM unnest(statements) AS statement (document)
    WHERE (document -> 'is_run')::boolean
    UNION ALL
    SELECT 3, 0, 0, E'COMMIT;\\n'
  ) AS line
  WHERE statements <> '{}'
  ORDER BY line.place, line.statement, line.n
$function$;
`,
  'functions/undo_sql': `-- Queries that write the SQL that deletes, updates or inserts rows, with their
-- values as literals of the columns' types:
--   of_rows  one statement for each row; $1 is their number, $2 the documents, $3 whether they are run
--   of_all   one statement for all; $1 the documents
CREATE OR REPLACE FUNCTION :schema.undo_sql(facts jsonb, op text, columns text[], OUT of_rows text, OUT of_all text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  name      text := facts ->> 'name';
  source    text;   -- the rows, typed
  key       record; -- of the key: conditions with literals and with columns of VALUES
  written   record; -- of the columns: the same
  one_row   text;   -- formats for the literals of key and columns
  all_rows  text;
BEGIN
  SELECT
    count(*) AS number,
    string_agg(format('%I %s', part.name, part.type), ', ' ORDER BY number) AS definition,
    string_agg(format('live.%I OPERATOR(%s.=) %%L::%s', replace(part.name, '%', '%%'), part.operators, part.type), ' AND ' ORDER BY number) AS one,
    string_agg(format('live.%I OPERATOR(%s.=) undo.k%s::%s', part.name, part.operators, number, part.type), ' AND ' ORDER BY number) AS of_all,
    string_agg(format('at.%I::text', part.name), ', ' ORDER BY number) AS literals,
    string_agg(format('k%s', number), ', ' ORDER BY number) AS names
  INTO key
  FROM :schema.key_parts((facts ->> 'relation')::oid) AS part;

  SELECT
    count(*) AS number,
    string_agg(format('%I %s', own.name, own.type), ', ' ORDER BY position) AS definition,
    string_agg(format('%I = %%L::%s', replace(own.name, '%', '%%'), own.type), ', ' ORDER BY position) AS one,
    string_agg(format('%I = undo.c%s::%s', own.name, position, own.type), ', ' ORDER BY position) AS of_all,
    string_agg(format('wanted.%I::text', own.name), ', ' ORDER BY position) AS literals,
    string_agg(format('c%s', position), ', ' ORDER BY position) AS names,
    string_agg(quote_ident(own.name), ', ' ORDER BY position) AS listed
  INTO written
  FROM (SELECT column_of.*, facts -> 'types' ->> column_of.name AS type FROM unnest(columns) WITH ORDINALITY AS column_of (name, position)) AS own;

  source := 'unnest($documents) WITH ORDINALITY AS own (document, position)'
    || format(' CROSS JOIN LATERAL jsonb_to_record(own.document -> ''at'') AS at (%s)', key.definition)
    || CASE WHEN op = 'delete' THEN '' ELSE format(' CROSS JOIN LATERAL jsonb_to_record(own.document -> ''wanted'') AS wanted (%s)', written.definition) END;

  CASE op
    WHEN 'delete' THEN
      one_row := format('format(%L, VARIADIC ARRAY[%s])', format('DELETE FROM %s AS live WHERE %s', replace(name, '%', '%%'), key.one), key.literals);
      all_rows := format('format(%L, string_agg(%s, %L ORDER BY own.position))',
        format('DELETE FROM %s AS live USING (VALUES%%s) AS undo (%s) WHERE %s', replace(name, '%', '%%'), key.names, replace(key.of_all, '%', '%%')),
        format('format(%L, VARIADIC ARRAY[%s])', format(E'\\n  (%s)', array_to_string(array_fill('%L'::text, ARRAY[key.number::integer]), ', ')), key.literals),
        ',');
    WHEN 'update' THEN
      one_row := format('format(%L, VARIADIC ARRAY[%s, %s])',
        format('UPDATE %s AS live SET %s WHERE %s', replace(name, '%', '%%'), written.one, key.one), written.literals, key.literals);
      all_rows := format('format(%L, string_agg(%s, %L ORDER BY own.position))',
        format('UPDATE %s AS live SET %s FROM (VALUES%%s) AS undo (%s, %s) WHERE %s',
          replace(name, '%', '%%'), replace(written.of_all, '%', '%%'), written.names, key.names, replace(key.of_all, '%', '%%')),
        format('format(%L, VARIADIC ARRAY[%s, %s])', format(E'\\n  (%s)', array_to_string(array_fill('%L'::text, ARRAY[(key.number + written.number)::integer]), ', ')), written.literals, key.literals),
        ',');
    ELSE
      one_row := format('format(%L, VARIADIC ARRAY[%s])', format('INSERT INTO %s (%s)%s VALUES (%s)',
        replace(name, '%', '%%'), replace(written.listed, '%', '%%'), CASE WHEN (facts -> 'identity')::boolean THEN ' OVERRIDING SYSTEM VALUE' ELSE '' END,
        array_to_string(array_fill('%L'::text, ARRAY[written.number::integer]), ', ')), written.literals);
      all_rows := format('format(%L, string_agg(%s, %L ORDER BY own.position))',
        format('INSERT INTO %s (%s)%s VALUES%%s',
          replace(name, '%', '%%'), replace(written.listed, '%', '%%'), CASE WHEN (facts -> 'identity')::boolean THEN ' OVERRIDING SYSTEM VALUE' ELSE '' END),
        format('format(%L, VARIADIC ARRAY[%s])', format(E'\\n  (%s)', array_to_string(array_fill('%L'::text, ARRAY[written.number::integer]), ', ')), written.literals),
        ',');
  END CASE;
  of_rows := format('SELECT $1, (own.document ->> ''n'')::bigint, $3, true, %s FROM %s', one_row, replace(source, '$documents', '$2'));
  of_all := format('SELECT CASE count(*) WHEN 1 THEN min(%s) ELSE %s END FROM %s', one_row, all_rows, replace(source, '$documents', '$1'));
END
$function$;
`,
  'functions/undo_statements': `-- The SQL of an undo, in its order, of rows as undo_links has them. It is the same whether it is run or shown.
--
--   statement, n  the order: by statement, then the greatest n first
--   is_run        whether this is what is run
--   is_row        whether this is what it takes for the row n alone
CREATE OR REPLACE FUNCTION :schema.undo_statements(rows jsonb[], tables jsonb)
RETURNS TABLE (statement bigint, n bigint, is_run boolean, is_row boolean, sql text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO'
SET IntervalStyle = 'postgres'
SET extra_float_digits = '1'
SET bytea_output = 'hex'
SET lc_monetary = 'C'
AS $function$
DECLARE
  works   jsonb := (
    SELECT jsonb_agg(jsonb_build_object('table', work.tracked, 'op', work.op, 'leaves', work.leaves, 'columns', work.columns, 'n', work.n))
    FROM (
      SELECT own.document ->> 'table' AS tracked, own.document ->> 'op' AS op, own.document -> 'leaves' AS leaves, max((own.document ->> 'n')::bigint) AS n,
        coalesce(jsonb_agg(DISTINCT written.name) FILTER (WHERE written.name IS NOT NULL), '[]') AS columns
      FROM unnest(rows) AS own (document)
      LEFT JOIN LATERAL jsonb_array_elements(own.document -> 'columns') AS written (name) ON true
      GROUP BY 1, 2, 3
    ) AS work
  );
  rank    record;
  part    record;
  query   record;  -- writes the SQL of one group of rows
  parts   text[];  -- of a circle
BEGIN
  FOR rank IN
    SELECT DISTINCT ordered.rank, ordered.is_circle FROM :schema.undo_order(works, tables) AS ordered ORDER BY ordered.rank
  LOOP
    parts := '{}';
    FOR part IN
      WITH alone AS MATERIALIZED (
        -- rows that change places in a unique index are written one by one, as they were before
        SELECT kind.*, kind.op = 'update' AND EXISTS (
            SELECT FROM pg_index AS index
            LEFT JOIN pg_attribute AS attribute ON attribute.attrelid = index.indrelid AND attribute.attnum = ANY (index.indkey::smallint[])
            WHERE index.indrelid = (tables -> kind.tracked ->> 'relation')::oid AND (index.indisunique OR index.indisexclusion)
              AND (0 = ANY (index.indkey::smallint[]) OR kind.columns ? attribute.attname::text)
          ) AS is_so
        FROM (SELECT DISTINCT document ->> 'table' AS tracked, document ->> 'op' AS op, document -> 'columns' AS columns FROM unnest(rows) AS row (document)) AS kind
      )
      SELECT ordered.tracked, ordered.op, own.columns, array_agg(own.document ORDER BY own.n DESC) AS documents, max(own.n) AS n, alone.is_so AS is_alone
      FROM :schema.undo_order(works, tables) AS ordered
      JOIN (
        SELECT row.document, row.document ->> 'table' AS tracked, row.document ->> 'op' AS op, row.document -> 'leaves' AS leaves, row.document -> 'columns' AS columns, (row.document ->> 'n')::bigint AS n
        FROM unnest(rows) AS row (document)
      ) AS own ON own.tracked = ordered.tracked AND own.op = ordered.op AND own.leaves = ordered.leaves
      JOIN alone ON alone.tracked = own.tracked AND alone.op = own.op AND alone.columns = own.columns
      WHERE ordered.rank = rank.rank AND own.leaves <> '["followed"]'
      GROUP BY ordered.tracked, ordered.op, own.columns, alone.is_so
      ORDER BY array_position('{delete,update,insert}', ordered.op), max(own.n) DESC
    LOOP
      query := :schema.undo_sql(tables -> part.tracked, part.op, ARRAY(SELECT jsonb_array_elements_text(part.columns)));
      RETURN QUERY EXECUTE query.of_rows USING rank.rank, part.documents, part.is_alone AND NOT rank.is_circle;
      IF part.is_alone AND rank.is_circle THEN
        EXECUTE format('SELECT $4 || array_agg(made.sql ORDER BY made.n DESC) FROM (%s) AS made (statement, n, is_run, is_row, sql)', query.of_rows)
        INTO parts USING rank.rank, part.documents, false, parts;
      ELSIF NOT part.is_alone THEN
        EXECUTE query.of_all INTO sql USING part.documents;
        IF rank.is_circle THEN
          parts := parts || sql;
        ELSE
          RETURN QUERY SELECT rank.rank, part.n, true, false, undo_statements.sql;
        END IF;
      END IF;
    END LOOP;
    IF cardinality(parts) > 0 THEN
      sql := CASE cardinality(parts) WHEN 1 THEN parts[1] ELSE (
        SELECT format(E'WITH %s\\nSELECT %s',
          string_agg(format(E'part_%s AS (\\n%s\\nRETURNING 1\\n)', position, one), ', ' ORDER BY position),
          -- read one after the other, they run one after the other
          string_agg(format('(SELECT pg_catalog.count(*) FROM part_%s)', position), ', ' ORDER BY position))
        FROM unnest(parts) WITH ORDINALITY AS one_of (one, position)
      ) END;
      RETURN QUERY SELECT rank.rank, 0::bigint, true, false, undo_statements.sql;
    END IF;
  END LOOP;
END
$function$;
`,
  'functions/undo_table': `-- What an undo needs to know of a tracked table, as it is now:
--
--   relation, name, schema, table
--   refused             why nothing of it can be undone, as a clause; or null
--   key, types, bases   names of the key's columns; {column: type}, the same below domains
--   writable, required  columns that are not generated; that must be given a value
--   ignored, unrecorded columns whose changes alone are no events; that are in none
--   checked             columns whose values of then may be none of their type now
--   identity            whether a column is GENERATED ALWAYS AS IDENTITY
--   linked              columns of foreign keys, and those that others refer to
--   acted               columns of foreign keys with an action
--   meddled             whether triggers, rules or policies may change what is written
--   distinct, computed  columns of unique indexes; whether one is over an expression
--   filtered            whether a condition (when) leaves changes out
--   inherited           whether rows may be those of tables below it
CREATE OR REPLACE FUNCTION :schema.undo_table(tracked_id integer)
RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  relation oid := :schema.live_table(tracked_id);
  past     jsonb := :schema.table_past(tracked_id, relation);
  columns  jsonb := past -> 'shapes' -> -1 -> 'columns';
  facts    jsonb;
  place    text[] := parse_ident(past ->> 'name');
BEGIN
  SELECT jsonb_build_object('schema', namespace.nspname, 'table', class.relname)
  INTO facts
  FROM pg_class AS class JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
  WHERE class.oid = relation;
  facts := coalesce(facts, jsonb_build_object('schema', place[1], 'table', place[2]))
    || jsonb_build_object('relation', relation::bigint, 'name', coalesce(relation::regclass::text, past ->> 'name'));

  facts := facts || jsonb_build_object('refused', CASE
    WHEN relation IS NULL THEN 'the table is not there any more'
    WHEN past ->> 'since' IS NULL OR NOT EXISTS (
      SELECT FROM pg_trigger AS trigger
      WHERE trigger.tgrelid = relation AND trigger.tgname = :'trigger' AND trigger.tgenabled IN ('O', 'A')
    ) THEN 'the table is not being recorded, and the undo would not be, either'
    WHEN :schema.key_columns(relation) = '{}' THEN 'the table has no primary key, so it is not known which row this was'
  END);
  IF facts ->> 'refused' IS NOT NULL THEN
    RETURN facts;
  END IF;

  RETURN facts || jsonb_build_object('key', to_jsonb(:schema.key_columns(relation)), 'filtered', past -> 'declaration' ? 'when', 'inherited', EXISTS (
    SELECT FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid WHERE inhparent = relation AND NOT child.relispartition
  )) || (
    SELECT jsonb_build_object(
      'linked', coalesce(jsonb_agg(DISTINCT name.name), '[]'),
      'acted', coalesce(jsonb_agg(DISTINCT name.name) FILTER (WHERE known.child = relation AND known.near @> ARRAY[name.name] AND (known.acts OR known.sweeps)), '[]')
    )
    FROM :schema.undo_keys() AS known
    CROSS JOIN LATERAL unnest(CASE relation WHEN known.child THEN known.near END || CASE relation WHEN known.parent THEN known.far END) AS name (name)
  ) || (
    SELECT jsonb_build_object('meddled', class.relhasrules OR row_security_active(relation) OR EXISTS (
      SELECT FROM pg_trigger AS trigger
      JOIN pg_proc AS body ON body.oid = trigger.tgfoid
      WHERE trigger.tgrelid IN (SELECT relation UNION SELECT relid FROM pg_partition_tree(relation))
        AND NOT trigger.tgisinternal AND trigger.tgenabled <> 'D' AND body.pronamespace <> :'schema'::regnamespace
    ))
    FROM pg_class AS class
    WHERE class.oid = relation
  ) || (
    SELECT jsonb_build_object(
      'distinct', coalesce(jsonb_agg(DISTINCT attribute.attname) FILTER (WHERE attribute.attname IS NOT NULL), '[]'),
      'computed', coalesce(bool_or(0 = ANY (index.indkey::smallint[])), false)
    )
    FROM pg_index AS index
    LEFT JOIN pg_attribute AS attribute ON attribute.attrelid = index.indrelid AND attribute.attnum = ANY (index.indkey::smallint[])
    WHERE index.indrelid = relation AND (index.indisunique OR index.indisexclusion)
  ) || (
    SELECT jsonb_build_object(
      'types', jsonb_object_agg(own.part ->> 'name', own.part ->> 'type'),
      'bases', jsonb_object_agg(own.part ->> 'name', own.part ->> 'base'),
      'writable', coalesce(jsonb_agg(own.part -> 'name' ORDER BY attribute.attnum) FILTER (WHERE attribute.attgenerated = ''), '[]'),
      'required', coalesce(jsonb_agg(own.part -> 'name' ORDER BY attribute.attnum) FILTER (
        WHERE attribute.attnotnull AND NOT attribute.atthasdef AND attribute.attidentity = '' AND attribute.attgenerated = ''
      ), '[]'),
      'ignored', coalesce(jsonb_agg(own.part -> 'name' ORDER BY attribute.attnum) FILTER (WHERE own.part ->> 'recorded' = 'i'), '[]'),
      'unrecorded', coalesce(jsonb_agg(own.part -> 'name' ORDER BY attribute.attnum) FILTER (WHERE own.part ->> 'recorded' = 'n' AND attribute.attgenerated = ''), '[]'),
      'checked', coalesce(jsonb_agg(own.part -> 'name' ORDER BY attribute.attnum) FILTER (
        WHERE coalesce(element.typnamespace, type.typnamespace) <> 'pg_catalog'::regnamespace
          OR jsonb_path_exists(past, '$.shapes[*].columns[*] ? ((@.number == $own.number || @.name == $own.name) && @.type != $own.type)', jsonb_build_object('own', own.part))
      ), '[]'),
      'identity', bool_or(attribute.attidentity = 'a')
    )
    FROM jsonb_array_elements(columns) AS own (part)
    JOIN pg_attribute AS attribute ON attribute.attrelid = relation AND attribute.attname = own.part ->> 'name'
    JOIN pg_type AS type ON type.oid = attribute.atttypid
    LEFT JOIN pg_type AS element ON element.oid = type.typelem AND type.typcategory = 'A'
  );
END
$function$;
`,
  'functions/undo_truncated': `-- The rows that a table had just before it was truncated, as far as events tell,
-- and which of their recorded columns none of them does.
CREATE OR REPLACE FUNCTION :schema.undo_truncated(tracked_id integer, relation oid, event bigint, changed_at timestamptz)
RETURNS TABLE (object_id text, image jsonb, missing text[])
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO'
SET IntervalStyle = 'postgres'
SET extra_float_digits = '1'
SET bytea_output = 'hex'
SET lc_monetary = 'C'
SET array_nulls = on
SET xmloption = content
AS $function$
DECLARE
  moment jsonb := jsonb_build_object(
    'at', changed_at, 'event', event - 1, 'snapshot', pg_current_snapshot(), 'unseen_since', 'infinity'
  );
  past   jsonb := :schema.past_columns(tracked_id, relation, moment, true);
BEGIN
  RETURN QUERY EXECUTE format(
    $query$
    SELECT
      :schema.bounded_id(:schema.object_id(known.image, $5)),
      known.image - known.missing,
      ARRAY(SELECT name FROM unnest(known.missing) AS name WHERE NOT $4 -> 'unrecorded' ? name)
    FROM (
      SELECT to_jsonb(past.*) - 'auditrum_missing' - 'auditrum_place' AS image,
        ARRAY(SELECT jsonb_array_elements_text(past.auditrum_missing::jsonb)) AS missing
      FROM :schema.past_rows($1, $2, $3, $4, NULL, NULL) AS past (%s, auditrum_missing text, auditrum_place text)
    ) AS known
    $query$,
    past ->> 'definition'
  )
  USING tracked_id, relation, moment, past, :schema.key_columns(relation);
END
$function$;
`,
  'functions/undo_verdicts': `-- What is to be done with each row, now that it is known how it is: the
-- documents with
--
--   op         what is really done: a row to be inserted that is there is updated
--   columns    what is written: names
--   outcome    planned, forced, skipped, unchanged
--   left       of an update: the present values of columns of foreign keys, on either side
--   conflicts  [{column, expected, present, wanted}]; column null: the row as a whole
--   lacks      with what was found now
--
--   policy: fail, skip (rows with a conflict are left as they are), or force
CREATE OR REPLACE FUNCTION :schema.undo_verdicts(rows jsonb[], tables jsonb, policy text)
RETURNS SETOF jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  WITH own AS (
    SELECT row.document, row.document ->> 'op' AS op, tables -> (row.document ->> 'table') AS facts,
      coalesce(row.document -> 'former', row.document -> 'expected') AS former, coalesce(row.document -> 'target', row.document -> 'wanted') AS target,
      CASE
        -- the row with that key is one of those that leave it
        WHEN row.document ->> 'op' = 'insert' AND bool_or(row.document ->> 'op' IN ('update', 'delete')) OVER (PARTITION BY row.document ->> 'table', row.document -> 'at')
        THEN NULL ELSE row.document -> 'live'
      END AS live
    FROM unnest(rows) AS row (document)
  ), found AS (
    SELECT own.*, lacking.names AS lacking, part.*,
      CASE
        WHEN own.op = 'update' AND own.live IS NULL AND NOT own.document -> 'expected' @> (own.document -> 'wanted')
        THEN jsonb_build_array(jsonb_build_object('column', NULL, 'expected', own.document -> 'expected', 'present', NULL, 'wanted', own.document -> 'wanted'))
        WHEN own.op = 'insert' AND part.differing IS NOT NULL
        THEN jsonb_build_array(jsonb_build_object('column', NULL, 'expected', NULL, 'present', own.live, 'wanted', own.document -> 'wanted'))
        WHEN own.op IN ('update', 'delete') AND own.live IS NOT NULL THEN nullif(coalesce(part.met, '[]') || coalesce((
          SELECT jsonb_agg(between.part - 'event' || jsonb_build_object('wanted', own.document -> 'wanted' -> (between.part ->> 'column'), 'by', between.part -> 'event'))
          FROM jsonb_array_elements(own.document -> 'broken') AS between (part)
          WHERE CASE own.op
              WHEN 'delete' THEN NOT own.facts -> 'ignored' ? (between.part ->> 'column')
              ELSE part.restored ? (between.part ->> 'column')
            END
            AND NOT coalesce(part.met_names ? (between.part ->> 'column'), false)
        ), '[]'), '[]')
      END AS conflicts
    FROM own
    CROSS JOIN LATERAL (
      SELECT CASE WHEN own.op = 'insert' AND own.live IS NULL THEN nullif(ARRAY(
        SELECT name FROM jsonb_array_elements_text(own.facts -> 'required') AS name WHERE NOT own.document -> 'wanted' ? name
      ), '{}') END AS names
    ) AS lacking
    CROSS JOIN LATERAL (
      SELECT
        jsonb_agg(each.name) FILTER (WHERE each.state <> 'same') AS differing,
        jsonb_agg(each.name) FILTER (WHERE each.state IN ('restore', 'met')) AS restored,
        jsonb_agg(each.name) FILTER (WHERE each.state = 'ignored') AS left_alone,
        jsonb_agg(each.name) FILTER (WHERE each.state = 'met') AS met_names,
        jsonb_agg(jsonb_build_object(
          'column', each.name, 'expected', own.former -> each.name, 'present', own.live -> each.name,
          'wanted', CASE own.op WHEN 'delete' THEN NULL ELSE own.target -> each.name END
        )) FILTER (WHERE each.state = 'met') AS met
      FROM (
        SELECT name.name, CASE
          WHEN own.op = 'insert' THEN CASE WHEN live.value = target.value THEN 'same' ELSE 'met' END
          WHEN own.op = 'delete' THEN CASE WHEN live.value = former.value OR own.facts -> 'ignored' ? name.name THEN 'same' ELSE 'met' END
          WHEN former.value = target.value OR live.value = target.value THEN 'same'
          WHEN live.value = former.value THEN 'restore'
          WHEN own.facts -> 'ignored' ? name.name THEN 'ignored'
          ELSE 'met'
        END AS state
        FROM jsonb_object_keys(CASE own.op WHEN 'delete' THEN own.document -> 'expected' ELSE own.document -> 'wanted' END) AS name (name)
        -- as text: 1.0 and 1.00 are equal as jsonb
        CROSS JOIN LATERAL (SELECT (own.live -> name.name)::text) AS live (value)
        CROSS JOIN LATERAL (SELECT (own.former -> name.name)::text) AS former (value)
        CROSS JOIN LATERAL (SELECT (own.target -> name.name)::text) AS target (value)
        WHERE own.live IS NOT NULL AND own.facts -> 'writable' ? name.name
      ) AS each
    ) AS part
  ), judged AS (
    SELECT found.*, is_homeless,
      CASE
        WHEN facts ->> 'refused' IS NOT NULL OR document ->> 'refused' IS NOT NULL OR lacking IS NOT NULL OR is_homeless THEN 'refused'
        WHEN op = 'none' OR op IN ('update', 'delete') AND live IS NULL AND conflicts IS NULL THEN 'unchanged'
        WHEN op = 'truncate' THEN CASE WHEN document ->> 'doubt' IS NULL THEN 'unchanged' ELSE 'skipped' END
        WHEN conflicts IS NOT NULL AND (policy <> 'force' OR live IS NULL) THEN 'skipped'
        WHEN document ->> 'doubt' IS NOT NULL AND policy <> 'force' THEN 'skipped'
        WHEN op = 'update' AND restored IS NULL OR op = 'insert' AND live IS NOT NULL AND differing IS NULL THEN 'unchanged'
        WHEN conflicts IS NOT NULL THEN 'forced'
        ELSE 'planned'
      END AS outcome
    FROM found
    CROSS JOIN LATERAL (SELECT op = 'insert' AND live IS NULL AND (facts -> 'inherited')::boolean AS is_homeless) AS home
  )
  -- what was needed to judge is not carried on
  SELECT document - ARRAY['expected', 'former', 'target', 'broken', CASE WHEN op <> 'delete' THEN 'live' END] || jsonb_build_object(
      'op', CASE WHEN op = 'insert' AND outcome = 'forced' THEN 'update' ELSE op END,
      'outcome', CASE outcome WHEN 'refused' THEN 'skipped' ELSE outcome END,
      'refused', coalesce(
        facts ->> 'refused', document ->> 'refused',
        CASE WHEN is_homeless THEN 'it is not known in which of the tables that inherit from this one it was' END,
        'it must have a value of ' || array_to_string(lacking, ', ') || ', which the log does not hold'
      ),
      'conflicts', CASE WHEN outcome <> 'refused' THEN coalesce(conflicts, '[]') ELSE '[]' END,
      'columns', coalesce((
        SELECT jsonb_agg(name ORDER BY position)
        FROM jsonb_array_elements_text(facts -> 'writable') WITH ORDINALITY AS written (name, position)
        WHERE CASE WHEN op = 'insert' AND live IS NULL THEN document -> 'wanted' WHEN op <> 'delete' THEN restored END ? name
      ), '[]'),
      'lacks', coalesce(document -> 'lacks', '[]')
        || CASE WHEN left_alone IS NOT NULL THEN jsonb_build_array(jsonb_build_object('columns', left_alone, 'why', 'ignored')) ELSE '[]' END
    ) || CASE WHEN op <> 'delete' AND live IS NOT NULL AND linked.names <> '{}' THEN jsonb_build_object('left', (
      SELECT jsonb_object_agg(name, live -> name) FROM unnest(linked.names) AS name
    )) ELSE '{}' END
  FROM judged
  CROSS JOIN LATERAL (SELECT ARRAY(SELECT jsonb_array_elements_text(facts -> 'linked')) AS names) AS linked
$function$;
`,
  'functions/undo_with': `-- Documents of rows with some of them replaced, told by n.
CREATE OR REPLACE FUNCTION :schema.undo_with(rows jsonb[], others jsonb[])
RETURNS jsonb[]
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT CASE others WHEN '{}' THEN rows ELSE ARRAY(
    SELECT coalesce(other.document, own.document)
    FROM unnest(rows) AS own (document)
    LEFT JOIN unnest(others) AS other (document) ON other.document -> 'n' = own.document -> 'n'
  ) END
$function$;
`,
  'functions/untrack': `-- Stops recording a table. What is in the log stays. Returns false where it was
-- not tracked.
CREATE OR REPLACE FUNCTION :schema.untrack(relation regclass)
RETURNS boolean
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT coalesce(:schema.drop_capture(:schema.tracked_id(relation)), false)
$function$;
`,
  'functions/value_hash': `-- The SHA-256 of a value as text, hexadecimal; "too large" where that is over a
-- billion bytes, or more than PostgreSQL can hold.
CREATE OR REPLACE FUNCTION :schema.value_hash(value jsonb)
RETURNS text
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  form text;
BEGIN
  form := value::text;  -- not above: what fails there is not caught
  RETURN CASE WHEN octet_length(form) <= 1000000000 THEN encode(sha256(convert_to(form, 'UTF8')), 'hex') ELSE 'too large' END;
EXCEPTION WHEN program_limit_exceeded OR internal_error THEN
  RETURN 'too large';  -- internal_error as in canonical_event
END
$function$;
`,
  'functions/verification': `-- What verify answers, in the snapshot of the query that calls it.
CREATE OR REPLACE FUNCTION :schema.verification(tracked_id integer, size integer)
RETURNS jsonb
LANGUAGE plpgsql STABLE
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
SET jit = off
AS $function$
DECLARE
  relation    oid := :schema.live_table(tracked_id);
  facts       jsonb := :schema.table_past(tracked_id, relation);
  declaration jsonb := facts -> 'declaration';
  filtered    boolean := declaration ? 'when';  -- a difference may be one that was not to be recorded
  period      timestamptz := facts ->> 'since';
  past        jsonb;
  shapes      jsonb;
  types       jsonb;
  first       integer;      -- of older shapes there are no checksums
  since       timestamptz;  -- before that, rows had another key
  known       boolean;      -- each row has an event of this period
  has_children boolean;
  is_deferred boolean;      -- two rows can have one key within a transaction
  seed        bigint := (random() * 9007199254740991)::bigint;  -- no two rows are made to look alike
  spot        record;
  told        record;
  differing   text[];
  seen        integer[] := '{}';
  kind        text;
  rows        bigint := 0;
  verified    bigint := 0;
  partial     bigint := 0;
  unknown     bigint := 0;
  unsure      bigint := 0;  -- rows that are not there, and may never have been, or rightly are not
  found       bigint := 0;
  problems    jsonb[] := '{}';
BEGIN
  IF relation IS NULL THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('%s is gone, so it cannot be compared with its log.', coalesce(facts ->> 'name', 'That table')),
      HINT = 'Its history can be read as before; restore the table to compare it.';
  END IF;
  -- its name now: sync may not have seen that it was renamed
  facts := facts || (
    SELECT jsonb_build_object('name', format('%I.%I', namespace.nspname, class.relname))
    FROM pg_class AS class JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
    WHERE class.oid = relation
  );
  past := :schema.past_columns(tracked_id, relation, jsonb_build_object('at', clock_timestamp()), true);
  shapes := :schema.verification_shapes(tracked_id, relation, past);
  first := greatest(jsonb_array_length(shapes) - 7, 1);
  IF past -> 'key' = '[]' THEN
    RETURN :schema.keyless_verification(tracked_id, relation, facts, shapes, size);
  END IF;

  types := (SELECT jsonb_object_agg(part ->> 'name', part ->> 'type') FROM jsonb_array_elements(past -> 'columns') AS part);
  since := (SELECT max((document ->> 'until')::timestamptz) FROM jsonb_array_elements(shapes) AS document WHERE NOT (document -> 'same_key')::boolean);
  has_children := EXISTS (
    SELECT FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid WHERE inhparent = relation AND NOT child.relispartition
  );
  is_deferred := EXISTS (SELECT FROM pg_index WHERE indrelid = relation AND indisprimary AND NOT indimmediate);
  -- of children a truncation does not tell, and keys of before mean other rows
  known := NOT has_children AND coalesce(since <= period, since IS NULL)
    AND :schema.rows_known(tracked_id, 9223372036854775807, clock_timestamp());

  FOR spot IN EXECUTE format(
    $query$
    SELECT live.id AS live_id, live.branch, live.place, coalesce(live.id, logged.id) AS id,
      logged.event_id, logged.changed_at, logged.gone, logged.doubtful, logged.shape,
      live.checksums[logged.shape - $3 + 1] = logged.checksum AS is_same
    FROM (%s) AS live
    FULL JOIN :schema.last_touches($1, $2, $3, $4, $5, $6) AS logged ON logged.id = live.id
    $query$,
    :schema.live_checksums(tracked_id, relation, declaration, shapes, first, seed)
  )
  USING tracked_id, shapes, first, since, has_children, seed
  LOOP
    kind := NULL;
    differing := NULL;
    IF spot.live_id IS NOT NULL THEN
      rows := rows + 1;
    END IF;
    IF spot.is_same AND NOT spot.gone AND NOT (known AND spot.changed_at < period) THEN
      verified := verified + 1;
      IF NOT spot.shape = ANY (seen) THEN
        seen := seen || spot.shape;
      END IF;
    ELSIF spot.event_id IS NULL OR known AND spot.changed_at < period THEN
      -- what has no event since all rows were noted was not there then
      IF spot.live_id IS NULL THEN
        CONTINUE;
      ELSIF known THEN
        kind := 'unlogged_insert';
      ELSE
        unknown := unknown + 1;
      END IF;
    ELSIF spot.live_id IS NULL THEN
      CONTINUE WHEN spot.gone;
      IF spot.doubtful OR filtered THEN
        unsure := unsure + 1;
      ELSE
        kind := 'unlogged_delete';
      END IF;
    ELSIF spot.gone AND NOT is_deferred THEN
      kind := 'unlogged_insert';
    ELSE
      told := :schema.logged_difference(
        tracked_id, relation, spot.branch, spot.place, spot.id,
        CASE WHEN spot.gone THEN :schema.arrival_before(tracked_id, spot.id, spot.event_id) ELSE spot.event_id END,
        shapes, types, has_children
      );
      -- parts of images cannot be told apart where two rows had the key at once
      IF told.names IS NULL
        OR told.names <> '{}' AND is_deferred AND (spot.is_same IS NULL AND NOT spot.gone OR declaration ->> 'image' = 'changed')
      THEN
        unknown := unknown + 1;
      ELSIF told.names <> '{}' THEN
        kind := CASE WHEN spot.gone THEN 'unlogged_insert' ELSE 'unlogged_update' END;
        differing := CASE WHEN NOT spot.gone THEN told.names END;
      ELSIF told.whole THEN
        verified := verified + 1;
        IF spot.shape IS NOT NULL AND NOT spot.shape = ANY (seen) THEN
          seen := seen || spot.shape;
        END IF;
      ELSE
        partial := partial + 1;
      END IF;
    END IF;

    IF kind IS NOT NULL AND filtered THEN
      unknown := unknown + CASE WHEN spot.live_id IS NULL THEN 0 ELSE 1 END;
    ELSIF kind IS NOT NULL THEN
      found := found + 1;
      IF found <= size THEN
        problems := problems || jsonb_build_object(
          'kind', kind, 'id', spot.id, 'columns', to_jsonb(differing), 'event', spot.event_id::text,
          'at', to_char(spot.changed_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
          'gap', spot.event_id IS NOT NULL AND coalesce(spot.changed_at < period, true)
        );
      END IF;
    END IF;
  END LOOP;

  RETURN jsonb_build_object(
    'table', facts ->> 'name',
    'rows', rows, 'verified', verified, 'partial', partial, 'unknown', unknown,
    'complete', unknown + partial + unsure = 0 AND NOT filtered,
    'approximate', (
      SELECT coalesce(jsonb_agg(DISTINCT name ORDER BY name), '[]')
      FROM (
        SELECT jsonb_array_elements_text(shapes -> number - 1 -> 'unread') FROM unnest(seen) AS number
        UNION SELECT jsonb_array_elements_text(shapes -> -1 -> 'unread')
      ) AS unread (name)
    ),
    'problems', to_jsonb(problems),
    'more', greatest(found - size, 0)
  );
END
$function$;
`,
  'functions/verification_shapes': `-- How the rows of a table are compared with their events, for each shape that it
-- has had, as past_columns numbers them:
--
--   until, map, loose  as there
--   unsaid   names then of what is not compared: dropped or retyped since, generated, or ignored or not
--            recorded at any time since, so that its value may be another one without an event
--   unread   names now of what is not compared
--   renamed  {name then: name now} of what is, where a name is another one now
--   same_key whether its rows had the key that they have now, in the same form
CREATE OR REPLACE FUNCTION :schema.verification_shapes(tracked_id integer, relation oid, past jsonb)
RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  WITH fact AS (
    SELECT position, document
    FROM jsonb_array_elements(:schema.table_past($1, $2) -> 'shapes') WITH ORDINALITY AS known (document, position)
  ), shape AS (
    SELECT position AS number, document, lag(document ->> 'until') OVER (ORDER BY position) AS since
    FROM jsonb_array_elements(past -> 'shapes') WITH ORDINALITY AS known (document, position)
  ), part AS (
    SELECT shape.number, names.key AS old_name, names.value AS new_name,
      -- of these an object_id is the same text
      CASE
        WHEN own.part ->> 'type' IN ('smallint', 'integer', 'bigint') THEN 'bigint'
        WHEN own.part ->> 'type' LIKE 'character varying%' THEN 'text'
        ELSE own.part ->> 'type'
      END AS kind,
      own.part ->> 'recorded' AS recorded, own.part ->> 'generated' AS generated, (own.part ->> 'key')::integer AS key_position,
      shape.document -> 'loose' ? names.value AS is_loose
    FROM shape
    JOIN fact ON CASE
      WHEN shape.number = 1 THEN fact.position = 1
      -- what no sync has seen yet has no time
      ELSE fact.document ->> 'from' IS NOT DISTINCT FROM nullif(shape.since, 'infinity')
    END
    CROSS JOIN LATERAL jsonb_each_text(shape.document -> 'map') AS names
    JOIN LATERAL jsonb_array_elements(fact.document -> 'columns') AS own (part) ON own.part ->> 'name' = names.key
  ), compared AS (
    SELECT own.number, own.old_name, own.new_name
    FROM part AS own
    WHERE own.new_name IS NOT NULL AND own.is_loose IS NOT TRUE
      AND NOT EXISTS (
        SELECT FROM part AS later
        WHERE later.number >= own.number AND later.new_name = own.new_name
          AND (later.recorded IN ('i', 'n') OR later.generated <> '')
      )
  ), keys AS (
    SELECT number, array_agg(ARRAY[new_name, kind] ORDER BY key_position) FILTER (WHERE key_position IS NOT NULL) AS names
    FROM part
    GROUP BY number
  )
  SELECT jsonb_agg(shape.document || jsonb_build_object(
    'unsaid', coalesce((
      SELECT jsonb_agg(part.old_name) FROM part
      WHERE part.number = shape.number AND NOT EXISTS (
        SELECT FROM compared WHERE compared.number = part.number AND compared.old_name = part.old_name
      )
    ), '[]'),
    'unread', coalesce((
      SELECT jsonb_agg(now.new_name) FROM part AS now
      WHERE now.number = (SELECT max(number) FROM shape) AND NOT EXISTS (
        SELECT FROM compared WHERE compared.number = shape.number AND compared.new_name = now.new_name
      )
    ), '[]'),
    'renamed', (
      SELECT jsonb_object_agg(compared.old_name, compared.new_name) FROM compared
      WHERE compared.number = shape.number
      HAVING bool_or(compared.old_name <> compared.new_name)
    ),
    'same_key', (SELECT names FROM keys WHERE keys.number = shape.number)
      IS NOT DISTINCT FROM (SELECT names FROM keys ORDER BY number DESC LIMIT 1)
  ) ORDER BY shape.number)
  FROM shape
$function$;
`,
  'functions/verify': `-- What verify_table answers, of a tracked id. TRUNCATE and what rewrites a table
-- are seen at once, even by a snapshot that is older: the lock comes first.
CREATE OR REPLACE FUNCTION :schema.verify(tracked_id integer, size integer)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE  -- each statement has a snapshot of its own
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  relation oid := :schema.live_table(tracked_id);
BEGIN
  IF relation IS NOT NULL THEN
    EXECUTE format('LOCK TABLE %s IN ACCESS SHARE MODE', relation::regclass);
    -- REPEATABLE READ keeps the snapshot that it has; pg_relation_filenode asks what is now
    IF EXISTS (
      WITH RECURSIVE tree (oid) AS (
        SELECT relation
        UNION SELECT inherits.inhrelid FROM tree JOIN pg_inherits AS inherits ON inherits.inhparent = tree.oid
      )
      SELECT FROM tree JOIN pg_class AS class ON class.oid = tree.oid
      WHERE class.relfilenode <> pg_relation_filenode(class.oid)
    ) THEN
      RAISE EXCEPTION USING
        ERRCODE = 'AU005',
        MESSAGE = format('%s was emptied or rewritten after this transaction began, which cannot see its rows any more.', relation::regclass),
        HINT = 'Compare it in a new transaction.';
    END IF;
  END IF;
  RETURN :schema.verification(tracked_id, size);
END
$function$;
`,
  'functions/verify_blocks': `-- Whether the leaves of blocks are those that were sealed: each list has to lead to
-- the root that the chain holds. Returns problems as verify_events does, with event
-- null: rewritten, missing (gone, and not all of its events were retired), added
-- (of a block that the chain does not know).
CREATE OR REPLACE FUNCTION :schema.verify_blocks(first bigint, last bigint)
RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $function$
  WITH sealed AS (
    SELECT own.id AS block, (said ->> 'events')::integer AS events, said ->> 'root' AS root, said ->> 'last' AS last, leaf.ids, leaf.hashes, leaf.first_id, leaf.last_id,
      count(*) OVER (PARTITION BY own.id) > 1 AS doubled
    FROM :schema.audit_seal AS own
    CROSS JOIN LATERAL :schema.read_entry(own.id, own.entry) AS said
    LEFT JOIN :schema.audit_leaf AS leaf ON leaf.block = own.id
    WHERE own.id BETWEEN first AND last AND own.entry ->> 'kind' = 'block' AND said IS NOT NULL
  ), gone AS MATERIALIZED (
    SELECT DISTINCT block, events FROM sealed WHERE hashes IS NULL AND events > 0
  ), retired AS MATERIALIZED (
    -- all of the blocks in a row, or some events of one
    SELECT piece.block, coalesce(piece."to", piece.block) AS last, decode(piece.which, 'base64') AS bits
    FROM :schema.audit_seal AS retiring
    CROSS JOIN LATERAL :schema.read_entry(retiring.id, retiring.entry) AS said
    CROSS JOIN LATERAL jsonb_to_recordset(said -> 'retired') AS piece (block bigint, "to" bigint, which text)
    WHERE retiring.entry ->> 'kind' = 'retire' AND EXISTS (SELECT FROM gone)
      AND piece.block <= verify_blocks.last AND coalesce(piece."to", piece.block) >= verify_blocks.first
  ), problem AS (
    SELECT gone.block, 'missing' AS kind
    FROM gone
    WHERE NOT EXISTS (SELECT FROM retired WHERE retired.bits IS NULL AND gone.block BETWEEN retired.block AND retired.last)
      AND gone.events > (
        SELECT count(DISTINCT place)
        FROM retired CROSS JOIN LATERAL generate_series(0, least(gone.events, 8 * octet_length(retired.bits)) - 1) AS place
        WHERE retired.block = gone.block AND get_bit(retired.bits, place) = 1
      )
    UNION ALL
    SELECT DISTINCT sealed.block, 'rewritten'
    FROM sealed
    WHERE sealed.doubled OR sealed.hashes IS NOT NULL AND (
      NOT :schema.is_list(sealed.ids, sealed.first_id, sealed.last_id) OR sealed.last_id::text IS DISTINCT FROM sealed.last OR cardinality(sealed.ids) <> sealed.events
        OR octet_length(sealed.hashes) <> 32 * sealed.events OR encode(:schema.merkle_root(sealed.hashes), 'hex') IS DISTINCT FROM sealed.root
    )
    UNION ALL
    SELECT leaf.block, 'added'
    FROM :schema.audit_leaf AS leaf
    WHERE leaf.block BETWEEN first AND last AND NOT EXISTS (SELECT FROM sealed WHERE sealed.block = leaf.block)
  )
  SELECT coalesce(jsonb_agg(jsonb_build_object('kind', kind, 'event', NULL, 'block', block::text, 'entry', NULL) ORDER BY block), '[]')
  FROM problem
$function$;
`,
  'functions/verify_chain': `-- Whether the log is what was sealed, from SQL alone:
--   select auditrum.verify_chain();
-- Returns {ok, entries, verified, redacted, retired, pending, problems}. It trusts
-- this database: what a superuser rewrote together with the chain is told only by a
-- digest that was kept elsewhere.
CREATE OR REPLACE FUNCTION :schema.verify_chain()
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  size     CONSTANT integer := 20000;
  least_id CONSTANT bigint  := -9223372036854775808;
  most     CONSTANT bigint  := 9223372036854775807;
  last_id  bigint;
  seen     bigint;
  until    bigint;
  place    bigint;
  links    jsonb := :schema.verify_links();
  problems jsonb := links -> 'problems' || :schema.verify_relations();
  part     jsonb;
  verified bigint := 0;
  redacted bigint := 0;
  pending  bigint := 0;
BEGIN
  IF (links ->> 'entries')::bigint = 0 THEN
    IF NOT :schema.has_salt() AND NOT EXISTS (SELECT FROM :schema.audit_leaf) AND NOT EXISTS (SELECT FROM :schema.audit_event WHERE salt IS NOT NULL) THEN
      RAISE EXCEPTION USING
        ERRCODE = 'AU003',
        MESSAGE = 'The log is not sealed yet.',
        HINT = 'Begin with "auditrum enable-hash-chain", or select :schema.enable_sealing().';
    END IF;
    -- the chain is gone, though the log was sealed
    problems := problems || '[{"kind": "truncated", "event": null, "block": null, "entry": null}]';
  END IF;
  IF (links ->> 'readable')::boolean THEN
    problems := problems || :schema.misplaced_rows() || :schema.verify_tables() || :schema.verify_records() || :schema.verify_blocks(least_id, -1);
    -- from one that is there to the next: whoever puts an entry far behind the others keeps nobody busy
    place := 0;
    LOOP
      SELECT least(
        (SELECT min(seal.id) FROM :schema.audit_seal AS seal WHERE seal.id >= place),
        (SELECT min(leaf.block) FROM :schema.audit_leaf AS leaf WHERE leaf.block >= place)
      ) INTO place;
      EXIT WHEN place IS NULL;
      until := least(place, most - 999) + 999;
      problems := problems || :schema.verify_blocks(place, until);
      EXIT WHEN until = most;
      place := until + 1;
    END LOOP;

    SELECT
      least((SELECT min(event.id) FROM :schema.audit_event AS event), greatest((SELECT min(leaf.first_id) FROM :schema.audit_leaf AS leaf), 1)),
      greatest((SELECT max(event.id) FROM :schema.audit_event AS event), (links ->> 'last')::bigint, 0)
    INTO seen, last_id;
    IF seen = least_id THEN
      -- behind which id it would be, no number says
      problems := problems || jsonb_build_array(jsonb_build_object('kind', 'added', 'event', seen::text, 'block', NULL, 'entry', NULL));
    ELSE
      seen := seen - 1;
    END IF;
    WHILE seen < last_id LOOP
      until := least(seen, most - size) + size;
      part := :schema.verify_events(seen, until);
      IF part -> 'problems' <> '[]' THEN
        -- what was purged in that moment is told by now
        part := :schema.verify_events(seen, until);
      END IF;
      verified := verified + (part ->> 'verified')::bigint;
      redacted := redacted + (part ->> 'redacted')::bigint;
      pending := pending + (part ->> 'pending')::bigint;
      problems := problems || (part -> 'problems');
      seen := until;
      IF seen < last_id AND part @> '{"verified": 0, "pending": 0}' AND part -> 'problems' = '[]' THEN
        SELECT coalesce(least(
          (SELECT min(event.id) FROM :schema.audit_event AS event WHERE event.id > seen),
          (SELECT min(greatest(leaf.first_id, seen + 1)) FROM :schema.audit_leaf AS leaf WHERE leaf.last_id > seen)
        ) - 1, last_id) INTO seen;
      END IF;
    END LOOP;
  END IF;
  RETURN jsonb_build_object(
    'ok', problems = '[]', 'entries', links -> 'entries', 'verified', verified, 'redacted', redacted,
    'retired', links -> 'retired', 'pending', pending, 'problems', problems
  );
END
$function$;
`,
  'functions/verify_events': `-- Whether the events with these ids are what was sealed. Returns {verified,
-- redacted, pending, problems}: how many agree with their leaf, how many of these
-- are redacted, and how many are not sealed yet. A problem is {kind, event, block,
-- entry}: the entry of the chain that amended the event, if one did.
--   missing: it is gone
--   added: it is in no block, and should be; or is there twice; or its block holds what
--     was over, and sealed, before it
--   edited: it, or its context, is not what was sealed, or left by its redaction
--   moved: it is sealed in another place
--   retired: it was retired, and is there
--   redacted: it calls itself redacted, and the chain does not
CREATE OR REPLACE FUNCTION :schema.verify_events(after bigint, until bigint)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
SET client_encoding = 'UTF8'  -- as leaf_query wants it
SET enable_nestloop = off  -- the newest events are in no statistics: one would be expected of thousands
SET enable_bitmapscan = off  -- the BRIN index tells little of rows that were updated
SET TimeZone = 'UTC'  -- or times that are put into a query may be others there
AS $function$
DECLARE
  sealed    record;
  bounds    record;
  source    text;
  condition text;
  query     text;
  quickly   boolean;
  is_unfit  boolean;
  verdict   jsonb;
BEGIN
  SELECT coalesce(snapshot, '1:1:') AS snapshot, coalesce(sequence, 0) AS sequence, coalesce(before, 0) AS before, coalesce(moved, false) AS moved
  INTO sealed
  FROM (SELECT) AS one LEFT JOIN :schema.sealed_until() ON true;
  query := $query$
    WITH listed AS MATERIALIZED (
      SELECT * FROM :schema.sealed_places($1, $2)
    ), present AS (
      %s
    ), round AS MATERIALIZED (
      SELECT known.block, :schema.sealed_before(known.block) AS over FROM (SELECT DISTINCT block FROM listed) AS known
    ), judged AS (
      SELECT id, block, listed.entry, present.leaf, present.redacted IS NOT NULL AS redacted,
        CASE
          WHEN present.txid IS NULL THEN CASE WHEN listed.entry IS NULL OR listed.new_leaf IS NOT NULL THEN 'missing' END
          WHEN present.leaf IS NULL THEN 'unfit'
          WHEN listed.block IS NULL THEN CASE
            WHEN :schema.was_running(id, present.txid, $3, $4, $5, $7) THEN 'pending'
            ELSE 'added'
          END
          WHEN listed.entry IS NOT NULL AND listed.new_leaf IS NULL THEN 'retired'
          -- what was erased says so itself, and the entry means this event
          WHEN listed.new_leaf IS NOT NULL AND NOT coalesce(present.redacted @> listed.lost, false) THEN 'edited'
          WHEN present.leaf = coalesce(listed.new_leaf, listed.sealed_leaf) THEN CASE WHEN pg_visible_in_snapshot(present.txid, round.over) THEN 'added' ELSE 'verified' END
          WHEN present.redacted IS NOT NULL AND listed.entry IS NULL THEN 'redacted'
          ELSE 'edited'
        END AS kind
      FROM listed FULL JOIN present USING (id) LEFT JOIN round USING (block)
    ), counted AS MATERIALIZED (
      SELECT count(*) FILTER (WHERE kind = 'verified') AS verified, count(*) FILTER (WHERE kind = 'verified' AND redacted) AS redacted,
        count(*) FILTER (WHERE kind = 'pending') AS pending, count(block) > (SELECT count(*) FROM listed) AS are_doubled,
        coalesce(bool_or(kind = 'unfit'), false) AS is_unfit
      FROM judged
    ), doubled AS (
      -- there as it was sealed, and there again
      SELECT id, block, entry, redacted
      FROM (SELECT judged.*, row_number() OVER (PARTITION BY id, block) AS number FROM judged WHERE kind = 'verified') AS own
      WHERE number > 1 AND (SELECT are_doubled FROM counted)
    ), problem AS (
      SELECT id, block, entry, 'added' AS kind FROM doubled
      UNION ALL
      SELECT id, block, entry,
        CASE
          WHEN kind IN ('edited', 'added') AND EXISTS (SELECT FROM listed WHERE listed.sealed_leaf = judged.leaf AND listed.id <> judged.id)
          THEN 'moved'
          -- beside the one that was sealed
          WHEN kind = 'edited' AND (SELECT are_doubled FROM counted) AND EXISTS (
            SELECT FROM judged AS other WHERE other.kind = 'verified' AND other.id = judged.id AND other.block = judged.block
          ) THEN 'added'
          ELSE kind
        END AS kind
      FROM judged
      WHERE kind NOT IN ('verified', 'pending')
    )
    SELECT jsonb_build_object(
      'verified', counted.verified - (SELECT count(*) FROM doubled),
      'redacted', counted.redacted - (SELECT count(*) FROM doubled WHERE redacted),
      'pending', counted.pending,
      'problems', (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
          'kind', kind,
          'event', id::text,
          'block', block::text,
          'entry', entry
        ) ORDER BY id), '[]')
        FROM problem
      )
    ), counted.is_unfit
    FROM counted
    $query$;
  FOREACH source IN ARRAY ARRAY[':schema.audit_event', ':schema.events_with_leavers($1, $2)'] LOOP
    -- with the values in it: partitions are left out by them when it is planned
    EXECUTE format(
      'SELECT min(changed_at) AS since, max(changed_at) AS until, array_agg(DISTINCT context_id) AS contexts FROM %s AS event WHERE id > $1 AND id <= $2',
      source
    ) INTO bounds USING after, until;
    condition := format(
      'event.id > $1 AND event.id <= $2 AND event.changed_at BETWEEN %L AND %L', coalesce(bounds.since, 'infinity'), coalesce(bounds.until, '-infinity')
    );
    FOREACH quickly IN ARRAY ARRAY[true, false] LOOP
      BEGIN
        EXECUTE format(query, :schema.leaf_query(source || ' AS event', condition, '$6', quickly))
        INTO verdict, is_unfit USING after, until, sealed.snapshot, sealed.sequence, sealed.before, bounds.contexts, sealed.moved;
        EXIT WHEN NOT is_unfit;
      EXCEPTION WHEN program_limit_exceeded OR internal_error THEN
        IF NOT quickly THEN
          RAISE;
        END IF;
      END;
    END LOOP;
    -- what retention is taking off is not gone yet
    EXIT WHEN NOT verdict -> 'problems' @> '[{"kind": "missing"}]' OR NOT EXISTS (SELECT FROM :schema.leaving_partitions());
  END LOOP;
  RETURN verdict;
END
$function$;
`,
  'functions/verify_links': `-- Whether the entries of the chain follow each other, and say nothing that cannot be:
-- each has to say its place, and the hash of the one before it; what it says of rounds
-- never falls; what it says of blocks, they are. Returns {entries, retired, last,
-- readable, problems}: how many events were retired, each once; the greatest id that
-- blocks hold; and whether PostgreSQL can read all entries as JSON.
CREATE OR REPLACE FUNCTION :schema.verify_links()
RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $function$
  WITH link AS MATERIALIZED (
    SELECT own.id, said, said ->> 'kind' AS kind,
      coalesce(lag(own.id) OVER sequence, -1) + 1 AS place,
      encode(lag(:schema.entry_leaf(own.entry)) OVER sequence, 'hex') AS before,
      -- half a pair of these is no character
      said IS NOT NULL OR regexp_replace(own.entry::text, '\\\\u[dD][89abAB][0-9a-fA-F]{2}\\\\u[dD][c-fC-F][0-9a-fA-F]{2}', '', 'g') !~ '\\\\u(0000|[dD][89a-fA-F])' AS readable
    FROM :schema.audit_seal AS own CROSS JOIN LATERAL :schema.read_entry(own.id, own.entry) AS said
    WINDOW sequence AS (ORDER BY own.id)
  ), round AS (
    SELECT own.id, own.kind, own.incarnation, own.sequence, own.xmax,
      lag(own.incarnation) OVER before AS last_incarnation, lag(own.sequence) OVER before AS last_sequence, lag(own.xmax) OVER before AS last_xmax,
      own.snapshot, lag(own.snapshot) OVER before AS last_snapshot
    FROM (
      SELECT id, kind, (said ->> 'incarnation')::integer AS incarnation, (said ->> 'sequence')::bigint AS sequence,
        (said ->> 'snapshot')::pg_snapshot AS snapshot, pg_snapshot_xmax((said ->> 'snapshot')::pg_snapshot) AS xmax
      FROM link
      WHERE kind IN ('start', 'rebase', 'block')
    ) AS own
    WINDOW before AS (ORDER BY own.id)
  ), base AS (
    SELECT id, said ->> 'system' AS system, lag(said ->> 'system') OVER (ORDER BY id) AS last_system FROM link WHERE kind IN ('start', 'rebase')
  ), block AS MATERIALIZED (
    SELECT id, (said ->> 'events')::integer AS events, (said ->> 'last')::bigint AS last, sum((said ->> 'events')::bigint) OVER (ORDER BY id) AS reach
    FROM link
    WHERE kind = 'block'
  ), piece AS MATERIALIZED (
    -- of a retire entry, with the bits that it has set
    SELECT link.id AS entry, own.block, coalesce(own."to", own.block) AS last, own.events, decode(own.which, 'base64') AS bits
    FROM link CROSS JOIN LATERAL jsonb_to_recordset(link.said -> 'retired') AS own (block bigint, "to" bigint, events bigint, which text)
    WHERE link.kind = 'retire'
  ), weighed AS MATERIALIZED (
    SELECT piece.*, first.events AS size,
      CASE
        WHEN piece.bits IS NULL THEN coalesce(piece.events = last.reach - first.reach + first.events, false)
        WHEN octet_length(piece.bits) = (first.events + 7) / 8
        THEN piece.events = bit_count(piece.bits) AND (first.events % 8 = 0 OR get_byte(piece.bits, octet_length(piece.bits) - 1) >> (first.events % 8) = 0)
        ELSE false
      END AS is_right
    FROM piece LEFT JOIN block AS first ON first.id = piece.block LEFT JOIN block AS last ON last.id = piece.last
  ), whole AS MATERIALIZED (
    SELECT coalesce(range_agg(int8range(block, last, '[]')), '{}') AS blocks FROM piece WHERE bits IS NULL
  ), part AS (
    -- looked at one by one where entries say the same twice
    SELECT weighed.block,
      CASE WHEN count(*) = 1 AND bool_and(weighed.is_right) THEN min(weighed.events) ELSE (
        SELECT count(DISTINCT place)
        FROM unnest(array_agg(weighed.bits)) AS bits CROSS JOIN LATERAL generate_series(0, least(min(weighed.size), 8 * octet_length(bits)) - 1) AS place
        WHERE get_bit(bits, place) = 1
      ) END AS events
    FROM weighed CROSS JOIN whole
    WHERE weighed.bits IS NOT NULL AND weighed.size IS NOT NULL AND NOT weighed.block <@ whole.blocks
    GROUP BY weighed.block
  ), broken AS (
    SELECT id
    FROM link
    WHERE id IS DISTINCT FROM place OR said IS NULL OR (said ->> 'previous') IS DISTINCT FROM before OR (kind = 'start') IS DISTINCT FROM (id = 0)
    UNION
    SELECT id
    FROM round
    WHERE sequence < last_sequence OR incarnation = last_incarnation AND (
        xmax < last_xmax
        -- what was over then runs no more
        OR EXISTS (SELECT FROM pg_snapshot_xip(snapshot) AS running WHERE pg_visible_in_snapshot(running, last_snapshot))
      )
      OR CASE kind WHEN 'rebase' THEN incarnation <= last_incarnation ELSE incarnation <> last_incarnation END
    UNION
    -- it has not moved: transaction ids go on
    SELECT base.id
    FROM base JOIN round USING (id)
    WHERE base.system = base.last_system AND pg_snapshot_xmin(round.last_snapshot) <= round.xmax
    UNION
    SELECT weighed.entry
    FROM weighed JOIN link ON link.id = weighed.entry
    GROUP BY weighed.entry, link.said ->> 'events'
    HAVING NOT bool_and(weighed.is_right) OR sum(weighed.events) <> (link.said ->> 'events')::bigint
    UNION
    SELECT link.id
    FROM link
    CROSS JOIN LATERAL jsonb_to_recordset(link.said -> 'redacted') AS own (block bigint, place integer)
    LEFT JOIN block ON block.id = own.block
    WHERE link.kind = 'redact'
    GROUP BY link.id, link.said ->> 'events'
    HAVING bool_or(block.id IS NULL OR own.place >= block.events) OR count(*) <> (link.said ->> 'events')::bigint OR count(*) <> count(DISTINCT (own.block, own.place))
  )
  SELECT jsonb_build_object(
    'entries', (SELECT count(*) FROM link),
    'retired', (SELECT coalesce(sum(block.events), 0) FROM block CROSS JOIN whole WHERE block.id <@ whole.blocks) + (SELECT coalesce(sum(events), 0) FROM part),
    'last', (SELECT max(last) FROM block),
    'readable', (SELECT coalesce(bool_and(readable), true) FROM link),
    'problems', (
      SELECT coalesce(jsonb_agg(jsonb_build_object('kind', 'rewritten', 'event', NULL, 'block', id::text, 'entry', id) ORDER BY id), '[]')
      FROM broken
    )
  )
$function$;
`,
  'functions/verify_records': `-- Whether what is on record of erasures and purges is what the chain says of them: who
-- asked for each, when and why. Returns problems as verify_relations does; block is the
-- entry of the chain.
CREATE OR REPLACE FUNCTION :schema.verify_records()
RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $function$
  WITH act AS MATERIALIZED (
    SELECT own.id AS entry, said ->> 'kind' AS kind, coalesce(said ->> 'erasure', said ->> 'purge')::bigint AS id, decode(said ->> 'record', 'hex') AS record
    FROM :schema.audit_seal AS own CROSS JOIN LATERAL :schema.read_entry(own.id, own.entry) AS said
    WHERE own.entry ->> 'kind' IN ('retire', 'redact') AND said IS NOT NULL
  ), erasing AS (
    SELECT act.id, array_agg(act.entry ORDER BY act.entry) AS entries FROM act WHERE act.kind = 'redact' GROUP BY act.id
  ), problem AS (
    SELECT act.entry, 'erasure' AS what, act.id, erasure.id IS NULL AS is_gone
    FROM act LEFT JOIN :schema.audit_erasure AS erasure ON erasure.id = act.id
    WHERE act.kind = 'redact' AND (erasure.id IS NULL OR :schema.erasure_record(erasure) <> act.record)
    UNION ALL
    SELECT act.entry, 'purge', act.id, purge.id IS NULL
    FROM act LEFT JOIN :schema.audit_purge AS purge ON purge.id = act.id
    WHERE act.kind = 'retire' AND (purge.id IS NULL OR :schema.purge_record(purge) <> act.record)
    UNION ALL
    SELECT NULL, 'erasure', erasure.id, false
    FROM :schema.audit_erasure AS erasure LEFT JOIN erasing USING (id)
    WHERE erasure.entries IS DISTINCT FROM coalesce(erasing.entries, '{}')
  )
  SELECT coalesce(jsonb_agg(jsonb_build_object(
    'kind', CASE WHEN is_gone THEN 'missing' ELSE 'edited' END, 'event', NULL, 'block', entry::text, 'entry', NULL,
    'message', CASE
      WHEN is_gone THEN format('The record of %s %s, of which entry %s of the chain tells, is gone: who asked for it, and why.', what, id, entry)
      WHEN entry IS NULL THEN format('The record of %s %s names other entries of the chain than tell of it.', what, id)
      ELSE format('The record of %s %s, or its context, is not what entry %s of the chain says: when it was, who asked for it, why, and what went.', what, id, entry)
    END
  ) ORDER BY entry, id), '[]')
  FROM problem
$function$;
`,
  'functions/verify_relations': `-- Whether what stands in the place of the log's tables is what they are: tables, which
-- show to everybody all that is in them. Returns problems as verify_links does, with a
-- message. Of the same in sql/read/odd_relations.sql no function is asked.
CREATE OR REPLACE FUNCTION :schema.verify_relations()
RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
  WITH wanted AS (
    SELECT own.oid, list.kind
    FROM (
      VALUES ('audit_event', 'p'), ('audit_context', 'p'), ('audit_seal', 'r'), ('audit_leaf', 'r'),
        ('audit_table', 'r'), ('audit_shape', 'r'), ('audit_erasure', 'r'), ('audit_purge', 'r')
    ) AS list (name, kind)
    JOIN pg_class AS own ON own.relname = list.name AND own.relnamespace = to_regnamespace(':schema')
  ), place AS (
    SELECT wanted.oid, wanted.kind FROM wanted
    UNION ALL
    SELECT link.inhrelid, CASE wanted.kind WHEN 'p' THEN 'r' END
    FROM wanted JOIN pg_inherits AS link ON link.inhparent = wanted.oid
  ), odd AS (
    SELECT own.relname,
      CASE
        WHEN place.kind IS NULL THEN 'adds rows of its own to a table of the log'
        WHEN own.relkind <> place.kind::"char" THEN format('is a %s', CASE own.relkind
          WHEN 'r' THEN 'table without partitions' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table'
          ELSE format('relation of the kind "%s"', own.relkind) END)
        -- policies for others are the owner's affair
        WHEN own.relforcerowsecurity OR row_security_active(own.oid) THEN 'has row level security for who verifies'
        WHEN EXISTS (SELECT FROM pg_trigger AS own_trigger WHERE own_trigger.tgrelid = own.oid AND NOT own_trigger.tgisinternal AND own_trigger.tgparentid = 0 AND own_trigger.tgtype & 2 = 2) THEN 'has a trigger that decides what is written'
        WHEN EXISTS (SELECT FROM pg_rewrite AS rule WHERE rule.ev_class = own.oid) THEN 'has rules'
      END AS what
    FROM place JOIN pg_class AS own ON own.oid = place.oid
  )
  SELECT coalesce(jsonb_agg(jsonb_build_object(
    'kind', 'rewritten', 'event', NULL, 'block', NULL, 'entry', NULL,
    'message', format('%I %s: what is verified need not be what others read.', relname, what)
  ) ORDER BY relname), '[]')
  FROM odd
  WHERE what IS NOT NULL
$function$;
`,
  'functions/verify_table': `-- Compares a table with its log, and names the rows whose last change was not
-- recorded (a trigger was disabled, a replica role wrote, a backup was restored):
--   select jsonb_pretty(auditrum.verify_table('orders'));
-- One snapshot, no lock but that of any reader. Checksums of all rows are compared
-- here in the database; only rows whose checksum differs are looked at.
--
--   rows          that the table has: verified + partial + unknown + those named
--   verified      are as the log says
--   partial       as well, but the log does not tell all of their columns
--   unknown       the log does not tell: no event, or a condition (when) may explain the difference
--   complete      whether every row is accounted for, those that are gone as well
--   approximate   columns that were not compared in some or all rows
--   problems      [{kind, id, columns, event, at, gap}], at most \`size\`; event and at are the last that the
--                 log has of the row; gap: the log says itself that it was interrupted after that
--   more          how many further ones there are
CREATE OR REPLACE FUNCTION :schema.verify_table(relation regclass, size integer DEFAULT 100)
RETURNS jsonb
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT :schema.verify(:schema.table_id(relation, parse_ident(relation::text)), size)
$function$;
`,
  'functions/verify_tables': `-- Whether the log still knows all tables of which blocks hold events: who takes one out
-- of audit_table hides its whole history. Returns problems as verify_relations does.
CREATE OR REPLACE FUNCTION :schema.verify_tables()
RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT coalesce(jsonb_agg(jsonb_build_object(
    'kind', 'rewritten', 'event', NULL, 'block', NULL, 'entry', NULL,
    'message', format('The table %s (%s) has sealed events, and is in audit_table no more: the log shows nothing of it.', named.name, named.id)
  ) ORDER BY named.id), '[]')
  FROM (
    SELECT said.id, min(said.name) AS name
    FROM :schema.audit_seal AS own
    CROSS JOIN LATERAL json_each_text(CASE json_typeof(own.entry -> 'tables') WHEN 'object' THEN own.entry -> 'tables' END) AS said (id, name)
    WHERE own.entry ->> 'kind' = 'block'
    GROUP BY said.id
  ) AS named
  WHERE NOT EXISTS (SELECT FROM :schema.audit_table AS known WHERE known.id::text = named.id)
$function$;
`,
  'functions/warn_of_gaps': `-- Says what an answer in SQL has no place for: that it may not be all.
CREATE OR REPLACE FUNCTION :schema.warn_of_gaps(past jsonb)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  IF NOT (past -> 'complete')::boolean THEN
    RAISE WARNING '%', format('The log does not know all of %s at that moment.', past ->> 'name')
      USING HINT = coalesce(
        format('It does since %s.', (past ->> 'since')::timestamptz),
        'Not every change of it is recorded: it has a condition (when), is not tracked any more, or is gone.'
      );
  END IF;
END
$function$;
`,
  'functions/was_running': `-- Whether an event that no block holds may be one of a transaction that was running
-- when the last round was sealed, or that has begun since; else it should be in a block.
-- See sealed_until, which tells the rest. Where the chain has moved, transaction ids do
-- not tell, and all is behind its sequence that came since.
DROP FUNCTION IF EXISTS :schema.was_running(bigint, xid8, pg_snapshot, bigint, bigint);  -- it did not know
CREATE OR REPLACE FUNCTION :schema.was_running(id bigint, txid xid8, snapshot pg_snapshot, sequence bigint, before bigint, moved boolean)
RETURNS boolean
LANGUAGE sql STABLE  -- without a setting, so that it is inlined
AS $function$
  SELECT moved AND id OPERATOR(pg_catalog.>) sequence
    OR NOT pg_catalog.pg_visible_in_snapshot(txid, snapshot)
      AND (id OPERATOR(pg_catalog.>) before OR txid OPERATOR(pg_catalog.<) pg_catalog.pg_snapshot_xmax(snapshot))
      -- whoever can be seen has begun
      AND (
        moved OR txid OPERATOR(pg_catalog.<) pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())
        OR txid OPERATOR(pg_catalog.=) pg_catalog.pg_current_xact_id_if_assigned()
      )
$function$;
`,
  'functions/write_context': `-- Writes the context row of this transaction and remembers it, so that later
-- events of the same transaction and context point at the same row. Called by
-- the capture functions, as the owner of the log.
--
-- payload: the setting auditrum.context. Either what the adapters send,
--   {"v": 1, "id": uuid, "root": uuid, "metadata": {...}, "error": "what they could not store"}
-- or any other JSON object, taken as the metadata itself, for people in psql.
-- either of them signed as in signed_context.
-- What cannot be stored is said in context_error: the application's write goes
-- through, with what the database knows by itself.
CREATE OR REPLACE FUNCTION :schema.write_context(payload text)
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  this_txid      xid8 := pg_current_xact_id();
  remembered     text := current_setting(:'remembered', true);
  document       jsonb;
  claimed        jsonb;
  problem        text;
  context_uuid   uuid;
  context_root   uuid;
  first_context  bigint;
  new_id         bigint;
  written_id     bigint;
  written_at     tid;
BEGIN
  IF payload <> '' THEN
    BEGIN
      IF octet_length(payload) > 65536 THEN
        RAISE EXCEPTION 'the context has % bytes, more than 65536', octet_length(payload);
      END IF;
      IF starts_with(payload, 's1 ') OR to_regclass(':schema.audit_key') IS NOT NULL THEN
        document := :schema.signed_context(payload)::jsonb;
      ELSE
        document := payload::jsonb;
      END IF;
      IF octet_length(document::text) > 131072 THEN
        RAISE EXCEPTION 'the context has numbers that would fill % bytes', octet_length(document::text);
      END IF;
      IF jsonb_typeof(document) <> 'object' THEN
        RAISE EXCEPTION 'the context is a JSON %, not an object', jsonb_typeof(document);
      END IF;
      IF document ? 'v' AND jsonb_typeof(document -> 'metadata') = 'object' THEN
        claimed := document -> 'metadata';
        context_uuid := document ->> 'id';
        context_root := document ->> 'root';
        problem := left(document ->> 'error', 500);
      ELSE
        claimed := document;
      END IF;
      IF octet_length(claimed ->> 'user_id') > 1024 THEN
        RAISE EXCEPTION 'the user_id has % bytes, more than 1024', octet_length(claimed ->> 'user_id');
      END IF;
    EXCEPTION WHEN OTHERS THEN
      problem := left(SQLERRM, 500);
      claimed := NULL;
      context_uuid := NULL;
      context_root := NULL;
    END;
  END IF;
  context_uuid := coalesce(context_uuid, gen_random_uuid());

  -- the remembered setting is in the application's hands: believe the row, not the setting. By its
  -- ctid, because an index page that is read would conflict with every other serializable writer.
  IF split_part(remembered, ' ', 1) = this_txid::text AND remembered ~ '^\\d+ -?\\d+ \\d{1,19} \\(\\d{1,9},\\d{1,4}\\)$' THEN
    SELECT context.transaction_id INTO first_context
    FROM :schema.audit_context AS context
    WHERE context.ctid = split_part(remembered, ' ', 4)::tid
      AND context.id = split_part(remembered, ' ', 3)::bigint
      AND context.txid = this_txid;
  END IF;

  -- a clock that steps back can meet an id again, hence the loop
  WHILE written_id IS NULL LOOP
    new_id := (trunc(extract(epoch FROM clock_timestamp()) * 1000)::bigint << 20)
      | (nextval(':schema.audit_context_id_seq') & 1048575);
    INSERT INTO :schema.audit_context (
      id, transaction_id, txid, started_at, uuid, root_uuid,
      user_id, application_name, client_addr, metadata, context_error
    )
    VALUES (
      new_id, coalesce(first_context, new_id), this_txid, transaction_timestamp(),
      context_uuid, coalesce(context_root, context_uuid),
      claimed ->> 'user_id', current_setting('application_name', true), inet_client_addr(), claimed, problem
    )
    ON CONFLICT DO NOTHING
    RETURNING id, ctid INTO written_id, written_at;
  END LOOP;

  PERFORM set_config(
    :'remembered',
    this_txid::text || ' ' || hashtextextended(coalesce(payload, ''), 0) || ' ' || written_id || ' ' || written_at,
    true
  );
  RETURN written_id;
END
$function$;
`,
  'functions/writers_undone': `-- Once events that note rows as they are have been written, all at one time: waits
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
`,
  'install/begin': `-- From here to the end names mean what pg_catalog says, not what somebody has
-- put into a schema of the search_path. The end gives the path back.
DO $install$
BEGIN
  PERFORM pg_catalog.set_config('auditrum.search_path', pg_catalog.current_setting('search_path'), true);
  PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
END
$install$;

-- Refuses, before anything is changed, what the rest could not stand on, and
-- makes the schema. SQLSTATE AU003.
DO $install$
DECLARE
  present record;
  problem   record;
BEGIN
  IF pg_catalog.current_setting('search_path') <> 'pg_catalog, pg_temp' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU003',
      MESSAGE = 'The SQL that installs the log is not being run in one transaction.',
      HINT = 'Begin a transaction before it and commit after it, as psql does with -1.';
  END IF;
  IF pg_catalog.current_setting('server_version_num')::integer < 140000 THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU003',
      MESSAGE = pg_catalog.format('This server is PostgreSQL %s, and auditrum needs 14 or newer.', pg_catalog.current_setting('server_version')),
      HINT = 'Upgrade the server, or connect to a newer one.';
  END IF;

  SELECT namespace.oid, owner.oid AS owner_id, owner.rolname AS owner,
    owner.oid = role.oid OR (role.rolsuper AND owner.rolsuper) AS may_install,
    pg_catalog.to_regclass(':schema.audit_setting') AS lockable
  INTO present
  FROM pg_namespace AS namespace
  JOIN pg_roles AS owner ON owner.oid = namespace.nspowner
  CROSS JOIN pg_roles AS role
  WHERE namespace.nspname = :'schema' AND role.rolname = current_user;

  IF present.oid IS NULL THEN
    CREATE SCHEMA :schema;
    PERFORM pg_catalog.set_config('auditrum.present', '{}', true);
    RETURN;
  END IF;

  -- whoever owns the schema, or can create in it, decides what runs as the owner of the log
  IF NOT present.may_install THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU003',
      MESSAGE = pg_catalog.format('The schema %I belongs to %I, and the log is being installed by %I.', :'schema', present.owner, current_user),
      HINT = pg_catalog.format('Install it as %I, or hand the schema over first: ALTER SCHEMA %I OWNER TO %I.', present.owner, :'schema', current_user);
  END IF;

  IF present.lockable IS NOT NULL THEN
    -- one at a time; an advisory lock could be held by anybody
    LOCK TABLE :schema.audit_setting IN SHARE ROW EXCLUSIVE MODE;
  END IF;

  SELECT pg_catalog.substring(pg_catalog.obj_description(present.oid, 'pg_namespace'), '^auditrum schema version ([0-9]+)$')::integer AS version
  INTO problem;
  IF problem.version > :version THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU003',
      MESSAGE = pg_catalog.format('The log in schema %I has version %s, and this auditrum knows versions up to %s.', :'schema', problem.version, :version),
      HINT = 'Upgrade the auditrum packages of this program.';
  ELSIF problem.version IS NULL AND (
    EXISTS (SELECT FROM pg_class WHERE relnamespace = present.oid)
    OR EXISTS (SELECT FROM pg_proc WHERE pronamespace = present.oid)
  ) THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU003',
      MESSAGE = pg_catalog.format('The schema %I holds objects that auditrum did not create.', :'schema'),
      HINT = 'Choose another schema for the log with the option schema.';
  END IF;

  SELECT coalesce(pg_catalog.quote_ident(role.rolname), 'PUBLIC') AS name
  INTO problem
  FROM pg_namespace AS namespace
  CROSS JOIN pg_catalog.aclexplode(namespace.nspacl) AS privilege
  LEFT JOIN pg_roles AS role ON role.oid = privilege.grantee
  WHERE namespace.oid = present.oid AND privilege.privilege_type = 'CREATE'
    AND privilege.grantee <> present.owner_id AND role.rolsuper IS NOT TRUE
  LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU003',
      MESSAGE = pg_catalog.format('%s may create objects in the schema %I of the log.', problem.name, :'schema'),
      HINT = pg_catalog.format('Take that away first: REVOKE CREATE ON SCHEMA %I FROM %s.', :'schema', problem.name);
  END IF;

  SELECT object.name, owner.rolname AS owner
  INTO problem
  FROM (
    SELECT pg_catalog.format('%I.%I', :'schema', relname) AS name, relowner AS owner FROM pg_class WHERE relnamespace = present.oid
    UNION ALL
    SELECT oid::regprocedure::text, proowner FROM pg_proc WHERE pronamespace = present.oid
  ) AS object
  JOIN pg_roles AS owner ON owner.oid = object.owner
  WHERE object.owner <> present.owner_id AND NOT owner.rolsuper
  ORDER BY object.name
  LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU003',
      MESSAGE = pg_catalog.format('%s belongs to %I, and the schema of the log to %I.', problem.name, problem.owner, present.owner),
      HINT = pg_catalog.format('Drop it, or, if you know it to be of the log, hand it over first: ALTER ... OWNER TO %I.', present.owner);
  END IF;

  -- so that the end knows what is new
  PERFORM pg_catalog.set_config('auditrum.present', pg_catalog.array_agg(object.name)::text, true)
  FROM (
    SELECT 'pg_namespace ' || present.oid AS name
    UNION ALL SELECT 'pg_class ' || oid FROM pg_class WHERE relnamespace = present.oid
    UNION ALL SELECT 'pg_proc ' || oid FROM pg_proc WHERE pronamespace = present.oid
  ) AS object;
END
$install$;
`,
  'install/blockers': `-- The processes whose locks keep a table and its partitions from being tracked
-- (or with $2 from being changed at all), or the log from being changed. Every
-- role may ask. Qualified for the same reason as catalogue.sql.
--   $1: the table as schema.name
SELECT DISTINCT lock.pid
FROM pg_catalog.pg_locks AS lock
JOIN pg_catalog.pg_class AS class ON class.oid = lock.relation
JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
CROSS JOIN LATERAL (
  SELECT namespace.nspname = :'schema' AND class.relname = 'audit_setting' AS is_log
) AS asked
WHERE lock.granted
  AND lock.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
  AND lock.pid <> pg_catalog.pg_backend_pid()
  AND (asked.is_log OR $1 IN (
    namespace.nspname::text || '.' || class.relname::text,
    (
      SELECT above_namespace.nspname::text || '.' || above.relname::text
      FROM pg_catalog.pg_class AS above
      JOIN pg_catalog.pg_namespace AS above_namespace ON above_namespace.oid = above.relnamespace
      WHERE above.oid = pg_catalog.pg_partition_root(class.oid)::oid
    )
  ))
  AND (lock.mode NOT IN ('AccessShareLock', 'RowShareLock') OR $2::boolean AND NOT asked.is_log)
ORDER BY lock.pid
LIMIT 3
`,
  'install/catalogue': `-- All that plan, sync and status ask of the catalogue, as one JSON document, in
-- one snapshot. Reads pg_catalog alone, so every role may run it; no function
-- of ours is called, for a hardened role may not. It runs under the search_path
-- of the caller, which to_regclass needs: hence every function is qualified, and
-- no operator has operands of other types than it is defined for, because else
-- one that somebody has put into that path would fit better and be called.
--   $1: JSON array of declared names, quoted for to_regclass
--   $2: JSON array of schemas of which every table is declared
--   $3: JSON array of [key, schema or null, table]: names of tables that are
--       not to be tracked. Not for to_regclass, which asks for a right on the schema
WITH RECURSIVE log_schema AS (
  SELECT oid, nspname, nspowner, nspacl FROM pg_catalog.pg_namespace WHERE nspname = :'schema'
), capture AS (
  SELECT function.oid, pg_catalog.substr(function.proname, pg_catalog.length('capture_') + 1)::integer AS id,
    pg_catalog.obj_description(function.oid, 'pg_proc') AS stamp,
    pg_catalog.md5(function.prosrc) AS source, function.prosecdef, function.proconfig
  FROM pg_catalog.pg_proc AS function
  JOIN log_schema ON log_schema.oid = function.pronamespace
  WHERE function.proname::text ~ '^capture_[0-9]+$'
), carrier AS (
  -- the table of each capture function: the one that inherits from no other carrier; of several,
  -- a child that left its parent kept the parent's trigger, the oldest
  SELECT DISTINCT ON (capture.id) capture.id, trigger.tgrelid AS oid
  FROM capture
  JOIN pg_catalog.pg_trigger AS trigger ON trigger.tgfoid = capture.oid AND trigger.tgparentid = 0::oid
  WHERE NOT EXISTS (
    SELECT FROM pg_catalog.pg_inherits AS inherits
    JOIN pg_catalog.pg_trigger AS above ON above.tgrelid = inherits.inhparent AND above.tgfoid = capture.oid
    WHERE inherits.inhrelid = trigger.tgrelid
  )
  ORDER BY capture.id, trigger.tgname = :'trigger' DESC, trigger.oid
), declared AS (
  SELECT name, pg_catalog.to_regclass(name)::oid AS oid FROM pg_catalog.json_array_elements_text($1::text::json) AS name
), swept AS (
  SELECT class.oid
  FROM pg_catalog.pg_class AS class
  JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
  WHERE namespace.nspname IN (SELECT pg_catalog.json_array_elements_text($2::text::json))
    AND class.relkind IN ('r', 'p') AND NOT class.relispartition
    AND NOT EXISTS (
      -- tables of extensions are not the application's
      SELECT FROM pg_catalog.pg_depend
      WHERE classid = 'pg_catalog.pg_class'::regclass::oid AND objid = class.oid AND deptype = 'e'
    )
), wanted AS (
  SELECT oid FROM declared WHERE oid IS NOT NULL
  UNION SELECT oid FROM swept
  UNION SELECT oid FROM carrier
), tree (root, oid, depth, is_partition) AS (
  SELECT oid, oid, 0, false FROM wanted
  UNION
  SELECT tree.root, inherits.inhrelid, tree.depth + 1, class.relispartition
  FROM tree
  JOIN pg_catalog.pg_inherits AS inherits ON inherits.inhparent = tree.oid
  JOIN pg_catalog.pg_class AS class ON class.oid = inherits.inhrelid
  WHERE class.relkind IN ('r', 'p')
    -- a child that is tracked itself, or with another parent, is not recorded with this one
    AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_trigger AS trigger
      JOIN capture ON capture.oid = trigger.tgfoid
      JOIN carrier ON carrier.id = capture.id
      WHERE trigger.tgrelid = inherits.inhrelid AND trigger.tgname = :'trigger' AND carrier.oid <> tree.root
        AND (carrier.oid = inherits.inhrelid OR EXISTS (
          SELECT FROM pg_catalog.pg_inherits AS other
          WHERE other.inhrelid = inherits.inhrelid AND other.inhparent = carrier.oid
        ))
    )
)
SELECT pg_catalog.json_build_object(
  'server', pg_catalog.current_setting('server_version_num')::integer,
  'role', current_user,
  'mayCreateSchema', pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'),
  'schema', (
    SELECT pg_catalog.json_build_object(
      'owner', pg_catalog.pg_get_userbyid(nspowner),
      'mayInstall', (
        SELECT owner.oid = role.oid OR (owner.rolsuper AND role.rolsuper)
        FROM pg_catalog.pg_roles AS owner CROSS JOIN pg_catalog.pg_roles AS role
        WHERE owner.oid = nspowner AND role.rolname = current_user
      ),
      -- those who could put functions of their own beside ours
      'creators', (
        SELECT coalesce(pg_catalog.json_agg(coalesce(pg_catalog.quote_ident(role.rolname), 'PUBLIC')), '[]')
        FROM pg_catalog.aclexplode(nspacl) AS privilege
        LEFT JOIN pg_catalog.pg_roles AS role ON role.oid = privilege.grantee
        WHERE privilege.privilege_type = 'CREATE' AND privilege.grantee <> nspowner AND role.rolsuper IS NOT TRUE
      ),
      'foreign', (
        SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('name', object.name, 'owner', owner.rolname) ORDER BY object.name), '[]')
        FROM (
          SELECT relname::text AS name, relowner AS owner FROM pg_catalog.pg_class WHERE relnamespace = log_schema.oid
          UNION ALL
          SELECT pg_catalog.format('%s(%s)', proname, pg_catalog.pg_get_function_identity_arguments(oid)), proowner
          FROM pg_catalog.pg_proc WHERE pronamespace = log_schema.oid
        ) AS object
        JOIN pg_catalog.pg_roles AS owner ON owner.oid = object.owner
        WHERE object.owner <> nspowner AND NOT owner.rolsuper
      ),
      'comment', pg_catalog.obj_description(oid, 'pg_namespace'),
      'isEmpty', NOT EXISTS (SELECT FROM pg_catalog.pg_class WHERE relnamespace = log_schema.oid)
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_proc WHERE pronamespace = log_schema.oid)
    )
    FROM log_schema
  ),
  -- who else may change the log, or have it changed
  'writers', (
    SELECT coalesce(pg_catalog.json_agg(writer ORDER BY writer.object, writer.role), '[]')
    FROM (
      SELECT kind, object, coalesce(pg_catalog.quote_ident(role.rolname), 'PUBLIC') AS role,
        pg_catalog.string_agg(DISTINCT privilege_type, ', '::text ORDER BY privilege_type) AS privileges
      FROM (
        SELECT CASE WHEN class.relkind = 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind, class.relname::text AS object,
          class.relowner AS owner, privilege.grantee, privilege.privilege_type
        FROM log_schema
        JOIN pg_catalog.pg_class AS class ON class.relnamespace = log_schema.oid
        CROSS JOIN pg_catalog.aclexplode(class.relacl) AS privilege
        WHERE class.relkind IN ('r', 'p', 'v', 'S')
        UNION ALL
        SELECT 'TABLE', class.relname::text, class.relowner, privilege.grantee, privilege.privilege_type
        FROM log_schema
        JOIN pg_catalog.pg_class AS class ON class.relnamespace = log_schema.oid
        JOIN pg_catalog.pg_attribute AS attribute ON attribute.attrelid = class.oid
        CROSS JOIN pg_catalog.aclexplode(attribute.attacl) AS privilege
        UNION ALL
        SELECT 'FUNCTION', pg_catalog.format('%s(%s)', function.proname, pg_catalog.pg_get_function_identity_arguments(function.oid)),
          function.proowner, privilege.grantee, privilege.privilege_type
        FROM log_schema
        JOIN pg_catalog.pg_proc AS function ON function.pronamespace = log_schema.oid
        CROSS JOIN pg_catalog.aclexplode(coalesce(function.proacl, pg_catalog.acldefault('f', function.proowner))) AS privilege
        WHERE function.proname = 'write_context'
          -- the owner of a table may call its function: partitions that are made by it need that
          OR (function.oid IN (SELECT capture.oid FROM capture) AND NOT EXISTS (
            SELECT FROM capture
            JOIN carrier ON carrier.id = capture.id
            JOIN tree ON tree.root = carrier.oid
            JOIN pg_catalog.pg_class AS class ON class.oid = tree.oid
            WHERE capture.oid = function.oid AND class.relowner = privilege.grantee
          ))
      ) AS granted
      LEFT JOIN pg_catalog.pg_roles AS role ON role.oid = granted.grantee
      WHERE granted.grantee <> granted.owner
        AND granted.privilege_type IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER', 'EXECUTE')
      GROUP BY granted.kind, granted.object, role.rolname
    ) AS writer
  ),
  'relations', (
    SELECT coalesce(pg_catalog.json_agg(class.relname), '[]')
    FROM pg_catalog.pg_class AS class JOIN log_schema ON log_schema.oid = class.relnamespace
    WHERE class.relkind IN ('r', 'p', 'v')
  ),
  'functions', (
    SELECT coalesce(pg_catalog.json_object_agg(function.proname, pg_catalog.md5(function.prosrc)), '{}')
    FROM pg_catalog.pg_proc AS function JOIN log_schema ON log_schema.oid = function.pronamespace
    WHERE function.oid NOT IN (SELECT oid FROM capture)
  ),
  'captures', (
    SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
      'id', capture.id,
      'table', (SELECT carrier.oid::text FROM carrier WHERE carrier.id = capture.id),
      -- tables that left the tree and kept its triggers
      'strays', (
        SELECT coalesce(pg_catalog.json_agg(DISTINCT pg_catalog.format('%I.%I', namespace.nspname, class.relname)), '[]')
        FROM pg_catalog.pg_trigger AS trigger
        JOIN pg_catalog.pg_class AS class ON class.oid = trigger.tgrelid
        JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
        WHERE trigger.tgfoid = capture.oid AND NOT EXISTS (
          SELECT FROM tree JOIN carrier ON carrier.oid = tree.root
          WHERE carrier.id = capture.id AND tree.oid = trigger.tgrelid
        )
      ),
      'stamp', capture.stamp,
      'source', capture.source,
      'securityDefiner', capture.prosecdef,
      'settings', capture.proconfig,
      'label', (
        SELECT pg_catalog.md5(function.prosrc)
        FROM pg_catalog.pg_proc AS function JOIN log_schema ON log_schema.oid = function.pronamespace
        WHERE function.proname::text = 'label_' || capture.id::text AND function.prosecdef
      )
    ) ORDER BY capture.id), '[]')
    FROM capture
  ),
  'declared', (SELECT coalesce(pg_catalog.json_object_agg(name, oid::text), '{}') FROM declared),
  'schemas', (
    SELECT coalesce(pg_catalog.json_agg(nspname), '[]') FROM pg_catalog.pg_namespace
    WHERE nspname IN (SELECT pg_catalog.json_array_elements_text($2::text::json))
  ),
  'named', (
    SELECT coalesce(pg_catalog.json_object_agg(name ->> 0, CASE
        WHEN name ->> 1 IS NULL THEN pg_catalog.to_regclass(pg_catalog.quote_ident(name ->> 2))::oid::text
        ELSE (
          SELECT class.oid::text
          FROM pg_catalog.pg_class AS class
          JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
          WHERE namespace.nspname = name ->> 1 AND class.relname = name ->> 2
        )
      END), '{}')
    FROM pg_catalog.json_array_elements($3::text::json) AS name
  ),
  'swept', (SELECT coalesce(pg_catalog.json_agg(oid::text), '[]') FROM swept),
  'tables', (
    SELECT coalesce(pg_catalog.json_object_agg(class.oid::text, pg_catalog.json_build_object(
      'schema', namespace.nspname,
      'table', class.relname,
      'kind', class.relkind,
      'isTemporary', class.relpersistence = 't',
      'isPartition', class.relispartition,
      'above', (
        WITH RECURSIVE above (oid) AS (
          SELECT inhparent FROM pg_catalog.pg_inherits WHERE inhrelid = class.oid
          UNION
          SELECT inherits.inhparent
          FROM above JOIN pg_catalog.pg_inherits AS inherits ON inherits.inhrelid = above.oid
        )
        SELECT coalesce(pg_catalog.json_agg(above.oid::text), '[]') FROM above
      ),
      -- types that are made into json by a function of somebody else's, which would run as the
      -- owner of the log
      'foreignCasts', (
        WITH RECURSIVE part (type_id) AS (
          SELECT atttypid FROM pg_catalog.pg_attribute WHERE attrelid = class.oid AND attnum > 0 AND NOT attisdropped
          UNION
          SELECT inner_part.type_id
          FROM part
          JOIN pg_catalog.pg_type AS type ON type.oid = part.type_id
          CROSS JOIN LATERAL (
            SELECT type.typbasetype AS type_id WHERE type.typtype = 'd'::"char"
            UNION ALL SELECT type.typelem WHERE type.typelem <> 0::oid
            UNION ALL
            SELECT atttypid FROM pg_catalog.pg_attribute
            WHERE attrelid = type.typrelid AND type.typtype = 'c'::"char" AND attnum > 0 AND NOT attisdropped
          ) AS inner_part
        )
        SELECT coalesce(pg_catalog.json_agg(pg_catalog.format_type(part.type_id, NULL::integer)), '[]')
        FROM part
        JOIN pg_catalog.pg_cast AS conversion ON conversion.castsource = part.type_id AND conversion.casttarget = 'json'::regtype::oid
        JOIN pg_catalog.pg_proc AS function ON function.oid = conversion.castfunc
        JOIN pg_catalog.pg_roles AS owner ON owner.oid = function.proowner
        WHERE part.type_id >= 16384::oid AND NOT owner.rolsuper
          AND function.proowner <> coalesce(
            (SELECT nspowner FROM log_schema),
            (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user)
          )
      ),
      'mayTrigger', pg_catalog.has_table_privilege(class.oid, 'TRIGGER'),
      'columns', (
        SELECT coalesce(pg_catalog.json_agg(attname ORDER BY attnum), '[]')
        FROM pg_catalog.pg_attribute
        WHERE attrelid = class.oid AND attnum > 0 AND NOT attisdropped
      ),
      -- as functions/column_list.sql writes it
      'columnList', (
        SELECT coalesce(pg_catalog.json_agg(
            pg_catalog.concat_ws(' ', attribute.attname, type_namespace.nspname, type.typname, nullif(attribute.atttypmod, -1), nullif(attribute.attgenerated, ''))
            ORDER BY attribute.attnum
          ), '[]')
        FROM pg_catalog.pg_attribute AS attribute
        JOIN pg_catalog.pg_type AS type ON type.oid = attribute.atttypid
        JOIN pg_catalog.pg_namespace AS type_namespace ON type_namespace.oid = type.typnamespace
        WHERE attribute.attrelid = class.oid AND attribute.attnum > 0 AND NOT attribute.attisdropped
      ),
      'key', (
        SELECT coalesce(pg_catalog.json_agg(attribute.attname ORDER BY key.position), '[]')
        FROM pg_catalog.pg_index AS index
        CROSS JOIN pg_catalog.unnest(index.indkey::smallint[]) WITH ORDINALITY AS key (attnum, position)
        JOIN pg_catalog.pg_attribute AS attribute ON attribute.attrelid = index.indrelid AND attribute.attnum = key.attnum
        WHERE index.indrelid = class.oid AND index.indisprimary AND key.position <= index.indnkeyatts
      ),
      'tree', (
        SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
          'name', pg_catalog.format('%I.%I', branch_namespace.nspname, branch.relname),
          'isPartition', tree.is_partition,
          'triggers', (
            SELECT coalesce(pg_catalog.json_object_agg(trigger.tgname, pg_catalog.json_build_object(
              'capture', capture.id,
              'type', trigger.tgtype,
              'enabled', trigger.tgenabled,
              'isConditional', trigger.tgqual IS NOT NULL OR pg_catalog.cardinality(trigger.tgattr::smallint[]) > 0
            )), '{}')
            FROM pg_catalog.pg_trigger AS trigger
            JOIN capture ON capture.oid = trigger.tgfoid
            WHERE trigger.tgrelid = branch.oid
          ),
          -- AFTER ROW triggers of the application that fire before ours
          'earlier', (
            SELECT coalesce(pg_catalog.json_agg(trigger.tgname ORDER BY trigger.tgname), '[]')
            FROM pg_catalog.pg_trigger AS trigger
            WHERE trigger.tgrelid = branch.oid AND NOT trigger.tgisinternal
              AND trigger.tgtype::integer & 1 = 1 AND trigger.tgtype::integer & 66 = 0
              AND trigger.tgname < :'trigger' COLLATE "C"
              AND NOT pg_catalog.starts_with(trigger.tgname, '00_auditrum')  -- of another log
          )
        ) ORDER BY tree.depth, branch.relname)
        FROM tree
        JOIN pg_catalog.pg_class AS branch ON branch.oid = tree.oid
        JOIN pg_catalog.pg_namespace AS branch_namespace ON branch_namespace.oid = branch.relnamespace
        WHERE tree.root = class.oid
      )
    )), '{}')
    FROM wanted
    JOIN pg_catalog.pg_class AS class ON class.oid = wanted.oid
    JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
  )
)::text AS catalogue
`,
  'install/end': `SELECT :schema.create_partitions();

INSERT INTO :schema.audit_setting (name, value)
VALUES ('schema_version', pg_catalog.to_jsonb(:version))
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- whoever may call it could attribute changes to others
REVOKE ALL ON FUNCTION :schema.write_context FROM PUBLIC;

-- readable by every role, unlike audit_setting
COMMENT ON SCHEMA :schema IS 'auditrum schema version :version';

DO $install$
BEGIN
  -- of what is new alone: what was granted since to those who read stays
  PERFORM :schema.make_private(object.catalogue, object.oid)
  FROM (
    SELECT 'pg_namespace'::regclass AS catalogue, oid FROM pg_namespace WHERE nspname = :'schema'
    UNION ALL SELECT 'pg_class'::regclass, oid FROM pg_class WHERE relnamespace = ':schema'::regnamespace
    UNION ALL SELECT 'pg_proc'::regclass, oid FROM pg_proc WHERE pronamespace = ':schema'::regnamespace
  ) AS object
  WHERE object.catalogue || ' ' || object.oid <> ALL (pg_catalog.current_setting('auditrum.present')::text[]);

  -- readers, as let_read has made them, need what is new as well
  PERFORM :schema.let_read(privilege.grantee::regrole)
  FROM pg_proc AS reading CROSS JOIN pg_catalog.aclexplode(reading.proacl) AS privilege
  WHERE reading.oid = ':schema.warn_of_gaps'::regproc AND privilege.grantee NOT IN (reading.proowner, 0);

  -- and so do those who keep the log, as let_maintain has made them
  PERFORM :schema.let_maintain(privilege.grantee::regrole)
  FROM pg_proc AS keeping CROSS JOIN pg_catalog.aclexplode(keeping.proacl) AS privilege
  WHERE keeping.oid = ':schema.maintain'::regproc AND privilege.grantee NOT IN (keeping.proowner, 0);

  -- and who may erase, as let_erase has made them
  PERFORM :schema.let_erase(privilege.grantee::regrole)
  FROM pg_proc AS erasing CROSS JOIN pg_catalog.aclexplode(erasing.proacl) AS privilege
  WHERE erasing.oid = ':schema.erase_row'::regproc AND privilege.grantee NOT IN (erasing.proowner, 0);

  -- all that harden gave: a function that was dropped to be made anew has lost its rights
  PERFORM :schema.let_read(role.oid),
    CASE WHEN role.rolname = known.given ->> 'admin' THEN :schema.let_maintain(role.oid) END
  FROM pg_catalog.jsonb_each(:schema.hardened()) AS known (app, given)
  JOIN pg_roles AS role ON role.rolname = known.given ->> 'admin' OR role.rolname = known.app AND (known.given -> 'letRead')::boolean
  WHERE role.oid <> (SELECT nspowner FROM pg_namespace WHERE nspname = :'schema');

  PERFORM pg_catalog.set_config('search_path', pg_catalog.current_setting('auditrum.search_path'), true);
END
$install$;
`,
  'install/label_status': `-- Declared labels that cannot be evaluated any more. The parser may run what they
-- name, so it is asked by the rights of this role, never by those of the owner of the log.
SELECT known.schema_name || '.' || known.table_name AS "table", known.declaration ->> 'label'::text AS label, label.problem
FROM :schema.audit_table AS known
CROSS JOIN LATERAL (SELECT :schema.live_table(known.id) AS relation) AS live
CROSS JOIN LATERAL :schema.label_source(live.relation, known.declaration) AS label
WHERE known.declaration ? 'label'::text AND pg_catalog.upper_inf(known.tracked) AND live.relation IS NOT NULL AND label.source IS NULL
ORDER BY known.id
`,
  'install/log_status': `-- What functions/log_status.sql finds, and whether this role may evaluate labels.
SELECT :schema.log_status()::text AS status,
  pg_catalog.has_function_privilege(':schema.label_source(oid, jsonb)', 'EXECUTE') AS "mayEvaluate"
`,
  'install/table_names': `-- The tables that an application may have meant, for the nearest name, and for
-- check: whatever is neither of PostgreSQL, nor of an extension, nor of the log.
SELECT namespace.nspname AS schema, class.relname AS table
FROM pg_catalog.pg_class AS class
JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
WHERE class.relkind IN ('r', 'p') AND NOT class.relispartition AND class.relpersistence <> 't'
  AND namespace.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', :'schema')
  -- nor of another log
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_class AS log
    WHERE log.relnamespace = namespace.oid AND log.relname = 'audit_event'::name AND log.relkind = 'p' AND class.relname ~ '^audit_'::text
  )
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend
    WHERE classid = 'pg_catalog.pg_class'::regclass::oid AND objid = class.oid AND deptype = 'e'
  )
  -- a child that carries our trigger is recorded with its parent, or as itself
  AND NOT (
    EXISTS (SELECT FROM pg_catalog.pg_inherits WHERE inhrelid = class.oid)
    AND EXISTS (
      SELECT FROM pg_catalog.pg_trigger WHERE tgrelid = class.oid AND tgname = :'trigger'::name
    )
  )
ORDER BY namespace.nspname, class.relname
`,
  'keep/check': `-- Takes everything back where a right on the log is left that should be gone.
DO $harden$
DECLARE
  asked     json := pg_catalog.current_setting('auditrum.hardening')::json;
  found     text;
  remaining text;
BEGIN
  EXECUTE $rights$
:rights
$rights$
  INTO found
  USING pg_catalog.json_build_array(asked ->> 'app')::text, (asked -> 'reading')::text, (asked -> 'keeping')::text;
  SELECT pg_catalog.string_agg(remains.how, ', ' ORDER BY remains.how) INTO remaining
  FROM pg_catalog.json_to_recordset(found::json) AS remains (capability text, how text)
  WHERE remains.capability IN (SELECT pg_catalog.json_array_elements_text(asked -> 'closed'));
  IF remaining IS NOT NULL THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU003',
      MESSAGE = pg_catalog.format('Nothing was changed, because %I would still have rights on the log: %s.', asked ->> 'app', remaining),
      HINT = 'Revoke them as the role that granted them, or end the membership that they come by, and run harden again.';
  END IF;
END
$harden$
`,
  'keep/hardened': `-- Against whom the log was hardened, as remember.sql noted it.
SELECT :schema.hardened()::text AS hardened
`,
  'keep/hardening': `-- What hardening has to know and to change: one JSON document. Qualified, and
-- with operands of the operators' own types, for the reason given in
-- install/catalogue.sql.
--   $1: the application's role
--   $2: the role that maintains and reads, or null
--   $3: who is to own the log, or null for who owns it now
--   $4, $5: as $2 and $3 of rights.sql
WITH RECURSIVE log_schema AS (
  SELECT oid, nspname, nspowner, nspacl, pg_catalog.format('%I', nspname) AS name
  FROM pg_catalog.pg_namespace WHERE nspname = :'schema'
), me AS (
  SELECT oid, rolname, rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user
), app AS (
  SELECT oid, rolname, rolsuper FROM pg_catalog.pg_roles WHERE rolname = $1::text
), owner AS (
  SELECT role.oid, role.rolname, role.rolsuper
  FROM log_schema JOIN pg_catalog.pg_roles AS role
    ON CASE WHEN $3::text IS NULL THEN role.oid = log_schema.nspowner ELSE role.rolname = $3::text END
), can AS (
  -- the application's role, and those that it is a member of
  SELECT role.oid, role.rolname AS name
  FROM app JOIN pg_catalog.pg_roles AS role
    ON role.oid = app.oid OR NOT app.rolsuper AND pg_catalog.pg_has_role(app.oid, role.oid, 'MEMBER')
), relation AS (
  SELECT class.oid, class.relkind, class.relname, class.relowner AS owner, class.relacl AS acl,
    pg_catalog.format('%s.%I', log_schema.name, class.relname) AS name,
    CASE class.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind
  FROM log_schema JOIN pg_catalog.pg_class AS class ON class.relnamespace = log_schema.oid
  WHERE class.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
), routine AS (
  SELECT function.oid, function.proname, function.proowner AS owner, function.proconfig, function.prosecdef,
    coalesce(function.proacl, pg_catalog.acldefault('f', function.proowner)) AS acl,
    pg_catalog.format('%s.%I(%s)', log_schema.name, function.proname, pg_catalog.pg_get_function_identity_arguments(function.oid)) AS name
  FROM log_schema JOIN pg_catalog.pg_proc AS function ON function.pronamespace = log_schema.oid
), capture AS (
  SELECT routine.oid, routine.name FROM routine WHERE routine.proname::text ~ '^capture_[0-9]+$'
), audited (oid, capture) AS (
  SELECT trigger.tgrelid, capture.oid
  FROM capture JOIN pg_catalog.pg_trigger AS trigger ON trigger.tgfoid = capture.oid
  UNION
  SELECT inherits.inhrelid, audited.capture
  FROM audited JOIN pg_catalog.pg_inherits AS inherits ON inherits.inhparent = audited.oid
), recorded AS (
  SELECT DISTINCT class.oid, class.relowner AS owner, class.relacl AS acl, namespace.oid AS namespace, namespace.nspname,
    pg_catalog.format('%I.%I', namespace.nspname, class.relname) AS name
  FROM audited
  JOIN pg_catalog.pg_class AS class ON class.oid = audited.oid AND class.relkind IN ('r', 'p')
  JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
), part (type_id) AS (
  SELECT attribute.atttypid
  FROM recorded JOIN pg_catalog.pg_attribute AS attribute ON attribute.attrelid = recorded.oid
  WHERE attribute.attnum > 0 AND NOT attribute.attisdropped
  UNION
  SELECT inner_part.type_id
  FROM part
  JOIN pg_catalog.pg_type AS type ON type.oid = part.type_id
  CROSS JOIN LATERAL (
    SELECT type.typbasetype AS type_id WHERE type.typtype = 'd'::"char"
    UNION ALL SELECT type.typelem WHERE type.typelem <> 0::oid
    UNION ALL
    SELECT attribute.atttypid FROM pg_catalog.pg_attribute AS attribute
    WHERE attribute.attrelid = type.typrelid AND type.typtype = 'c'::"char" AND attribute.attnum > 0 AND NOT attribute.attisdropped
  ) AS inner_part
), taken_type AS (
  -- those that the application owns
  SELECT pg_catalog.format('%I.%I', namespace.nspname, type.typname) AS name, type.typnamespace AS namespace, type.typowner AS owner
  FROM part
  JOIN pg_catalog.pg_type AS type ON type.oid = part.type_id
  JOIN can ON can.oid = type.typowner
  JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = type.typnamespace
  LEFT JOIN pg_catalog.pg_class AS class ON class.oid = type.typrelid
  -- arrays go with their elements, rows with their tables
  WHERE type.typelem = 0::oid AND (class.oid IS NULL OR class.relkind = 'c')
), granted AS (
  SELECT 'SCHEMA' AS kind, log_schema.name, log_schema.nspowner AS owner, privilege.grantee, privilege.grantor,
    privilege.privilege_type = 'USAGE' AS is_reading
  FROM log_schema CROSS JOIN pg_catalog.aclexplode(log_schema.nspacl) AS privilege
  UNION ALL
  SELECT relation.kind, relation.name, relation.owner, privilege.grantee, privilege.grantor,
    relation.relname IN ('auditlog', 'contexts', 'purges', 'erasures', 'audit_seal', 'audit_leaf') AND privilege.privilege_type = 'SELECT'
  FROM relation CROSS JOIN pg_catalog.aclexplode(relation.acl) AS privilege
  UNION ALL
  SELECT relation.kind, relation.name, relation.owner, privilege.grantee, privilege.grantor,
    relation.relname = 'audit_event' AND attribute.attname = 'id' AND privilege.privilege_type = 'SELECT'
  FROM relation
  JOIN pg_catalog.pg_attribute AS attribute ON attribute.attrelid = relation.oid
  CROSS JOIN pg_catalog.aclexplode(attribute.attacl) AS privilege
  UNION ALL
  SELECT 'ROUTINE', routine.name, routine.owner, privilege.grantee, privilege.grantor,
    routine.proname IN (SELECT pg_catalog.json_array_elements_text($4::text::json))
  FROM routine CROSS JOIN pg_catalog.aclexplode(routine.acl) AS privilege
  -- who owns a tracked table must be allowed what the triggers of its partitions call
  WHERE NOT EXISTS (
    SELECT FROM audited JOIN recorded ON recorded.oid = audited.oid
    WHERE audited.capture = routine.oid AND recorded.owner = privilege.grantee
  )
)
SELECT pg_catalog.json_build_object(
  'server', pg_catalog.current_setting('server_version_num')::integer,
  'role', (SELECT rolname FROM me),
  'isSuperuser', (SELECT rolsuper FROM me),
  'holder', (SELECT pg_catalog.pg_get_userbyid(nspowner) FROM log_schema),  -- who owns it now
  'mayChange', (SELECT pg_catalog.pg_has_role(me.oid, log_schema.nspowner, 'USAGE') FROM me CROSS JOIN log_schema),
  'owner', (SELECT pg_catalog.json_build_object('name', rolname, 'isSuperuser', rolsuper) FROM owner),
  'app', (SELECT pg_catalog.json_build_object('name', rolname, 'isSuperuser', rolsuper) FROM app),
  'admin', (SELECT pg_catalog.json_build_object('name', rolname, 'isSuperuser', rolsuper) FROM pg_catalog.pg_roles WHERE rolname = $2::text),
  'memberOf', (SELECT coalesce(pg_catalog.json_agg(name ORDER BY name), '[]') FROM can WHERE name <> $1::text),
  'superusers', (
    SELECT coalesce(pg_catalog.json_agg(role.rolname ORDER BY role.rolname), '[]')
    FROM can JOIN pg_catalog.pg_roles AS role ON role.oid = can.oid
    WHERE role.rolsuper AND can.name <> $1::text
  ),
  'settings', :schema.hardened(),
  -- what would run, or hide rows, where nothing of the kind is ours
  'foreign', (
    SELECT coalesce(pg_catalog.json_agg(found.what ORDER BY found.what), '[]')
    FROM (
      SELECT pg_catalog.format('the trigger %I of %s', trigger.tgname, relation.name) AS what
      FROM relation JOIN pg_catalog.pg_trigger AS trigger ON trigger.tgrelid = relation.oid
      WHERE NOT trigger.tgisinternal
      UNION ALL
      SELECT pg_catalog.format('the rule %I of %s', rule.rulename, relation.name)
      FROM relation JOIN pg_catalog.pg_rewrite AS rule ON rule.ev_class = relation.oid
      WHERE rule.rulename <> '_RETURN'
      UNION ALL
      SELECT 'FORCE ROW LEVEL SECURITY of ' || relation.name
      FROM relation JOIN pg_catalog.pg_class AS class ON class.oid = relation.oid
      WHERE class.relforcerowsecurity
      UNION ALL
      SELECT 'the search_path of ' || routine.name
      FROM routine
      WHERE (routine.prosecdef OR routine.proname IN ('let_read', 'let_maintain', 'make_private'))
        AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (routine.proconfig), false)
    ) AS found
  ),
  'revoked', (
    SELECT coalesce(pg_catalog.json_agg(revoked ORDER BY revoked.kind DESC, revoked.name, revoked.grantee), '[]')
    FROM (
      SELECT granted.kind, granted.name, coalesce(pg_catalog.quote_ident(can.name), 'PUBLIC') AS grantee,
        pg_catalog.bool_and(granted.is_reading) AS "isReading",
        -- who passed it on, and could again
        (pg_catalog.array_agg(DISTINCT pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(granted.grantor)))
          FILTER (WHERE granted.grantor <> granted.owner)) AS grantors
      FROM granted LEFT JOIN can ON can.oid = granted.grantee
      WHERE (can.oid IS NOT NULL OR granted.grantee = 0::oid) AND granted.grantee <> granted.owner
      GROUP BY granted.kind, granted.name, can.name
    ) AS revoked
  ),
  'defaults', (
    -- for objects that are made in this schema later; those for all schemas are taken back when ours are made
    SELECT coalesce(pg_catalog.json_agg(DISTINCT pg_catalog.format(
      'ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA %s REVOKE ALL ON %s FROM %s',
      pg_catalog.pg_get_userbyid(defaults.defaclrole), log_schema.name,
      CASE defaults.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' ELSE 'FUNCTIONS' END,
      coalesce(pg_catalog.quote_ident(can.name), 'PUBLIC')
    )), '[]')
    FROM log_schema
    JOIN pg_catalog.pg_default_acl AS defaults ON defaults.defaclnamespace = log_schema.oid
    CROSS JOIN pg_catalog.aclexplode(defaults.defaclacl) AS privilege
    LEFT JOIN can ON can.oid = privilege.grantee
    WHERE defaults.defaclobjtype IN ('r', 'S', 'f') AND (can.oid IS NOT NULL OR privilege.grantee = 0::oid)
  ),
  -- in the order in which every write locks them: contexts before events
  'moved', (
    SELECT coalesce(pg_catalog.json_agg(moved.statement ORDER BY moved.position, moved.name), '[]')
    FROM owner CROSS JOIN LATERAL (
      SELECT 0 AS position, log_schema.name, pg_catalog.format('ALTER SCHEMA %s OWNER TO %I', log_schema.name, owner.rolname) AS statement
      FROM log_schema WHERE log_schema.nspowner <> owner.oid
      UNION ALL
      SELECT CASE WHEN relation.relkind = 'v' THEN 2 ELSE 1 END, relation.name,
        pg_catalog.format('ALTER %s %s OWNER TO %I', CASE relation.relkind WHEN 'v' THEN 'VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, relation.name, owner.rolname)
      FROM relation
      WHERE relation.owner <> owner.oid
        -- a sequence that belongs to a column goes with its table
        AND NOT EXISTS (
          SELECT FROM pg_catalog.pg_depend AS owned
          WHERE owned.classid = 'pg_catalog.pg_class'::regclass::oid AND owned.objid = relation.oid
            AND relation.relkind = 'S' AND owned.deptype IN ('a', 'i')
        )
      UNION ALL
      SELECT 3, routine.name, pg_catalog.format('ALTER ROUTINE %s OWNER TO %I', routine.name, owner.rolname)
      FROM routine WHERE routine.owner <> owner.oid
    ) AS moved
  ),
  'foreignOwners', (
    -- the application's role and those that it can become, as owners of the log
    SELECT coalesce(pg_catalog.json_agg(DISTINCT can.name), '[]')
    FROM can
    WHERE can.oid IN (SELECT nspowner FROM log_schema) OR can.oid IN (SELECT owner FROM relation) OR can.oid IN (SELECT owner FROM routine)
  ),
  'ownerWithin', (SELECT coalesce(pg_catalog.json_agg(can.name), '[]') FROM can JOIN owner ON owner.oid = can.oid),
  'adminWithin', (SELECT coalesce(pg_catalog.json_agg(can.name), '[]') FROM can WHERE can.name = $2::text),
  -- by which others decide what happens to rows, or what runs as the owner of a table
  'rowRights', (
    SELECT coalesce(pg_catalog.json_agg(DISTINCT pg_catalog.jsonb_build_object(
      'statement', pg_catalog.format('REVOKE %s ON %s FROM %s', privilege.privilege_type, recorded.name, coalesce(pg_catalog.quote_ident(can.name), 'PUBLIC')),
      'mayRevoke', (SELECT pg_catalog.pg_has_role(me.oid, recorded.owner, 'USAGE') FROM me),
      -- a foreign key to a table may call a cast, as its owner: that is for tables of the owner of the log
      'isTaken', privilege.privilege_type = 'REFERENCES'::text AND recorded.owner NOT IN (SELECT oid FROM owner)
    )), '[]')
    FROM recorded
    CROSS JOIN LATERAL (
      SELECT own.grantee, own.privilege_type FROM pg_catalog.aclexplode(recorded.acl) AS own
      UNION
      SELECT own.grantee, own.privilege_type
      FROM pg_catalog.pg_attribute AS attribute CROSS JOIN pg_catalog.aclexplode(attribute.attacl) AS own
      WHERE attribute.attrelid = recorded.oid
    ) AS privilege
    LEFT JOIN can ON can.oid = privilege.grantee
    WHERE (privilege.privilege_type = 'TRIGGER'::text
        OR privilege.privilege_type = 'REFERENCES'::text AND recorded.owner IN (SELECT oid FROM owner UNION ALL SELECT oid FROM can))
      AND privilege.grantee <> recorded.owner
      AND (can.oid IS NOT NULL OR privilege.grantee = 0::oid)
      -- sync creates triggers by it
      AND privilege.grantee NOT IN (SELECT oid FROM owner)
  ),
  'tables', (
    -- what the application owns of what is recorded, and what it is to keep of that
    SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', recorded.name,
      'owner', pg_catalog.quote_ident(can.name),
      'sequences', (
        SELECT coalesce(pg_catalog.json_agg(pg_catalog.format('%I.%I', namespace.nspname, sequence.relname)), '[]')
        FROM pg_catalog.pg_depend AS owned
        JOIN pg_catalog.pg_class AS sequence ON sequence.oid = owned.objid AND sequence.relkind = 'S'
        JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = sequence.relnamespace
        WHERE owned.classid = 'pg_catalog.pg_class'::regclass::oid AND owned.refclassid = 'pg_catalog.pg_class'::regclass::oid
          AND owned.refobjid = recorded.oid AND owned.deptype IN ('a', 'i')
      ),
      'captures', (
        SELECT coalesce(pg_catalog.json_agg(DISTINCT capture.name), '[]')
        FROM audited JOIN capture ON capture.oid = audited.capture WHERE audited.oid = recorded.oid
      )
    ) ORDER BY recorded.name), '[]')
    FROM recorded JOIN can ON can.oid = recorded.owner
  ),
  'types', (
    SELECT coalesce(pg_catalog.json_agg(DISTINCT taken_type.name), '[]') FROM taken_type
  ),
  -- what whoever is no superuser lacks to hand these over
  'handingNeeds', (
    SELECT coalesce(pg_catalog.json_agg(DISTINCT need.what ORDER BY need.what), '[]')
    FROM me CROSS JOIN owner CROSS JOIN LATERAL (
      SELECT pg_catalog.format('CREATE on the schema %1$s for %2$I (GRANT CREATE ON SCHEMA %1$s TO %2$I)', pg_catalog.quote_ident(namespace.nspname), owner.rolname) AS what
      FROM pg_catalog.pg_namespace AS namespace
      WHERE namespace.oid IN (
          SELECT recorded.namespace FROM recorded JOIN can ON can.oid = recorded.owner
          UNION ALL SELECT taken_type.namespace FROM taken_type
        ) AND NOT pg_catalog.has_schema_privilege(owner.oid, namespace.oid, 'CREATE')
      UNION ALL
      SELECT pg_catalog.format('the rights of %I for %I, who runs this', can.name, me.rolname)
      FROM can
      WHERE can.oid IN (SELECT recorded.owner FROM recorded UNION ALL SELECT taken_type.owner FROM taken_type)
        AND NOT pg_catalog.pg_has_role(me.oid, can.oid, 'USAGE')
      UNION ALL
      SELECT pg_catalog.format('SET ROLE %1$I for %2$I, who runs this (GRANT %1$I TO %2$I)', owner.rolname, me.rolname)
      WHERE NOT pg_catalog.pg_has_role(me.oid, owner.oid,
        CASE WHEN pg_catalog.current_setting('server_version_num')::integer >= 160000 THEN 'SET' ELSE 'MEMBER' END)
    ) AS need
    WHERE NOT me.rolsuper AND EXISTS (SELECT FROM recorded JOIN can ON can.oid = recorded.owner UNION ALL SELECT FROM taken_type)
  ),
  -- what the owner of the log needs so that it can go on tracking
  'ownerNeeds', (
    SELECT coalesce(pg_catalog.json_agg(need.statement ORDER BY need.statement), '[]')
    FROM owner CROSS JOIN LATERAL (
      SELECT pg_catalog.format('GRANT TRIGGER ON %s TO %I', recorded.name, owner.rolname) AS statement
      FROM recorded CROSS JOIN me
      WHERE NOT pg_catalog.has_table_privilege(owner.oid, recorded.oid, 'TRIGGER') AND pg_catalog.pg_has_role(me.oid, recorded.owner, 'USAGE')
      UNION
      SELECT pg_catalog.format('GRANT USAGE ON SCHEMA %I TO %I', recorded.nspname, owner.rolname)
      FROM recorded CROSS JOIN me JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = recorded.namespace
      WHERE NOT pg_catalog.has_schema_privilege(owner.oid, namespace.oid, 'USAGE') AND pg_catalog.pg_has_role(me.oid, namespace.nspowner, 'USAGE')
    ) AS need
  ),
  -- and who owns a table, so that the triggers of new partitions may call its function
  'callers', (
    SELECT coalesce(pg_catalog.json_agg(DISTINCT pg_catalog.jsonb_build_object(
      'table', recorded.name,
      'statement', pg_catalog.format('GRANT EXECUTE ON ROUTINE %s TO %I', routine.name, pg_catalog.pg_get_userbyid(recorded.owner))
    )), '[]')
    FROM owner
    CROSS JOIN recorded
    JOIN audited ON audited.oid = recorded.oid
    JOIN routine ON routine.oid = audited.capture
    WHERE recorded.owner <> owner.oid
      -- what it could as the owner of the function it cannot when that has gone over
      AND (recorded.owner = routine.owner OR NOT pg_catalog.has_function_privilege(recorded.owner, routine.oid, 'EXECUTE'))
  ),
  'mayRead', (
    SELECT pg_catalog.json_object_agg(reader.rolname,
      pg_catalog.has_schema_privilege(reader.oid, log_schema.oid, 'USAGE')
      AND NOT EXISTS (
        SELECT FROM routine
        WHERE routine.proname IN (SELECT pg_catalog.json_array_elements_text($4::text::json))
          AND NOT pg_catalog.has_function_privilege(reader.oid, routine.oid, 'EXECUTE')
      )
      AND NOT EXISTS (
        SELECT FROM relation
        WHERE relation.relname IN ('auditlog', 'contexts', 'purges', 'erasures', 'audit_seal', 'audit_leaf') AND NOT pg_catalog.has_table_privilege(reader.oid, relation.oid, 'SELECT')
      ))
    FROM log_schema CROSS JOIN pg_catalog.pg_roles AS reader
    WHERE reader.rolname IN ($1::text, $2::text)
  ),
  'mayMaintain', NOT EXISTS (
    SELECT FROM pg_catalog.pg_roles AS admin CROSS JOIN routine
    WHERE admin.rolname = $2::text
      AND routine.proname IN (SELECT pg_catalog.json_array_elements_text($5::text::json))
      AND NOT pg_catalog.has_function_privilege(admin.oid, routine.oid, 'EXECUTE')
  )
)::text AS facts
`,
  'keep/parameters': `-- Which settings roles may change that superusers alone may otherwise: what
-- decides whether triggers fire, what names programs, libraries or files that the
-- server runs or reads, and the others. PostgreSQL 15 and newer.
--   $1: JSON array of role names
SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
  'role', asked.rolname,
  'capability', CASE
    WHEN parameter.parname = 'session_replication_role' THEN 'replica_role'
    WHEN parameter.parname IN (
      'archive_cleanup_command', 'archive_command', 'archive_library', 'dynamic_library_path', 'extension_control_path',
      'hba_file', 'ident_file', 'jit_provider', 'local_preload_libraries', 'log_directory', 'log_filename',
      'oauth_validator_libraries', 'recovery_end_command', 'restore_command', 'session_preload_libraries',
      'shared_preload_libraries', 'ssl_passphrase_command'
    ) THEN 'server_files'
    ELSE 'set_parameters'
  END,
  'how', pg_catalog.format('%s on the parameter %s', privilege.name, parameter.parname)
    || CASE WHEN role.oid <> asked.oid THEN pg_catalog.format(' (as %I)', role.rolname) ELSE '' END
) ORDER BY asked.rolname, parameter.parname, privilege.name, role.rolname), '[]')::text AS rights
FROM pg_catalog.pg_roles AS asked
JOIN pg_catalog.pg_roles AS role ON pg_catalog.pg_has_role(asked.oid, role.oid, 'MEMBER')
CROSS JOIN pg_catalog.pg_parameter_acl AS parameter
CROSS JOIN pg_catalog.unnest(ARRAY['SET', 'ALTER SYSTEM']) AS privilege (name)
WHERE asked.rolname IN (SELECT pg_catalog.json_array_elements_text($1::text::json))
  AND NOT asked.rolsuper AND NOT role.rolsuper
  AND pg_catalog.has_parameter_privilege(role.oid, parameter.parname, privilege.name)
  AND (role.oid = asked.oid OR NOT pg_catalog.has_parameter_privilege(asked.oid, parameter.parname, privilege.name))
  -- what everybody may set is not given by that
  AND NOT (privilege.name = 'SET' AND EXISTS (
    SELECT FROM pg_catalog.pg_settings AS setting
    WHERE pg_catalog.lower(setting.name) = parameter.parname AND setting.context = 'user'
  ))
`,
  'keep/reach': `-- What roles may do by way of what recorded tables are made of: which code of
-- theirs runs as the owner of the log when he reads, changes or undoes rows, and
-- what they can drop together with columns or triggers of these tables. What a
-- function calls in its turn no catalogue knows. As rights.sql otherwise.
--   $1: JSON array of role names
WITH RECURSIVE log_schema AS (
  SELECT oid, nspname, nspowner FROM pg_catalog.pg_namespace WHERE nspname = :'schema'
), stranger AS (
  SELECT asked.rolname AS who, role.oid, role.rolname AS name, role.oid <> asked.oid AS is_other
  FROM pg_catalog.pg_roles AS asked
  JOIN pg_catalog.pg_roles AS role ON pg_catalog.pg_has_role(asked.oid, role.oid, 'MEMBER')
  WHERE asked.rolname IN (SELECT pg_catalog.json_array_elements_text($1::text::json))
    AND NOT asked.rolsuper AND NOT role.rolsuper AND role.oid NOT IN (SELECT nspowner FROM log_schema)
), audited (oid) AS (
  SELECT trigger.tgrelid
  FROM log_schema
  JOIN pg_catalog.pg_proc AS function ON function.pronamespace = log_schema.oid AND function.proname::text ~ '^capture_[0-9]+$'
  JOIN pg_catalog.pg_trigger AS trigger ON trigger.tgfoid = function.oid
  UNION
  SELECT inherits.inhrelid
  FROM audited JOIN pg_catalog.pg_inherits AS inherits ON inherits.inhparent = audited.oid
), recorded AS (
  SELECT class.oid, class.relnamespace, pg_catalog.format('%I.%I', namespace.nspname, class.relname) AS name,
    class.relowner IN (SELECT nspowner FROM log_schema) AS is_his
  FROM audited
  JOIN pg_catalog.pg_class AS class ON class.oid = audited.oid
  JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
), part (table_oid, type_id) AS (
  -- the types of their columns, and what these are made of
  SELECT recorded.oid, attribute.atttypid
  FROM recorded
  JOIN pg_catalog.pg_attribute AS attribute ON attribute.attrelid = recorded.oid
  WHERE attribute.attnum > 0 AND NOT attribute.attisdropped
  UNION
  SELECT part.table_oid, inner_part.type_id
  FROM part
  JOIN pg_catalog.pg_type AS type ON type.oid = part.type_id
  CROSS JOIN LATERAL (
    SELECT type.typbasetype AS type_id WHERE type.typtype = 'd'::"char"
    UNION ALL SELECT type.typelem WHERE type.typelem <> 0::oid
    UNION ALL
    SELECT attribute.atttypid FROM pg_catalog.pg_attribute AS attribute
    WHERE attribute.attrelid = type.typrelid AND type.typtype = 'c'::"char" AND attribute.attnum > 0 AND NOT attribute.attisdropped
  ) AS inner_part
), own_type AS (
  -- those that are not of PostgreSQL itself
  SELECT type.*, pg_catalog.format('the type %s in %s', pg_catalog.format_type(type.oid, NULL::integer), recorded.name) AS title,
    recorded.name AS table_name, recorded.relnamespace AS table_namespace
  FROM part
  JOIN pg_catalog.pg_type AS type ON type.oid = part.type_id
  JOIN recorded ON recorded.oid = part.table_oid
  WHERE type.oid >= 16384::oid
), compared AS (
  -- by which operators, found by name in their schema, key columns are compared: where they are not
  -- declared for exactly these types (domains are not), one that is would be called instead
  SELECT recorded.name AS table_name, attribute.attname, attribute.atttypid AS type_id, operator.oprnamespace AS namespace,
    operator.oprleft = attribute.atttypid AS is_exact
  FROM recorded
  JOIN pg_catalog.pg_index AS index ON index.indrelid = recorded.oid AND index.indisprimary
  CROSS JOIN LATERAL ROWS FROM (pg_catalog.unnest(index.indkey::smallint[]), pg_catalog.unnest(index.indclass::oid[])) AS key (attnum, class)
  JOIN pg_catalog.pg_attribute AS attribute ON attribute.attrelid = recorded.oid AND attribute.attnum = key.attnum
  JOIN pg_catalog.pg_opclass AS class ON class.oid = key.class
  JOIN pg_catalog.pg_amop AS member
    ON member.amopfamily = class.opcfamily AND member.amoplefttype = class.opcintype AND member.amoprighttype = class.opcintype
  JOIN pg_catalog.pg_operator AS operator ON operator.oid = member.amopopr
  UNION
  SELECT recorded.name, attribute.attname, attribute.atttypid, operator.oprnamespace,
    (CASE WHEN side.is_far THEN operator.oprleft ELSE operator.oprright END) = attribute.atttypid
  FROM recorded
  JOIN pg_catalog.pg_constraint AS reference ON reference.confrelid = recorded.oid AND reference.contype = 'f'::"char"
  CROSS JOIN LATERAL (
    SELECT reference.confrelid AS relation, true AS is_far, far.attnum, far.operator
    FROM ROWS FROM (pg_catalog.unnest(reference.confkey), pg_catalog.unnest(reference.conpfeqop)) AS far (attnum, operator)
    UNION ALL
    SELECT reference.conrelid, false, near.attnum, near.operator
    FROM ROWS FROM (pg_catalog.unnest(reference.conkey), pg_catalog.unnest(reference.conpfeqop)) AS near (attnum, operator)
  ) AS side
  JOIN pg_catalog.pg_attribute AS attribute ON attribute.attrelid = side.relation AND attribute.attnum = side.attnum
  JOIN pg_catalog.pg_operator AS operator ON operator.oid = side.operator
), evaluated (class, id, title) AS (
  -- what he evaluates when he reads or changes rows; of tables that he owns also when others change
  -- them: foreign keys, vacuum and analyze act as the owner of a table
  SELECT 'pg_catalog.pg_policy'::regclass::oid, policy.oid, pg_catalog.format('the policy %I of %s', policy.polname, recorded.name)
  FROM recorded JOIN pg_catalog.pg_policy AS policy ON policy.polrelid = recorded.oid
  UNION ALL
  SELECT 'pg_catalog.pg_constraint'::regclass::oid, domain_check.oid, own_type.title
  FROM own_type JOIN pg_catalog.pg_constraint AS domain_check ON domain_check.contypid = own_type.oid
  UNION ALL
  SELECT 'pg_catalog.pg_class'::regclass::oid, index.indexrelid, 'an index of ' || recorded.name
  FROM recorded JOIN pg_catalog.pg_index AS index ON index.indrelid = recorded.oid
  WHERE recorded.is_his OR index.indisprimary
  UNION ALL
  SELECT part_of_table.class, part_of_table.id, part_of_table.kind || recorded.name
  FROM recorded
  CROSS JOIN LATERAL (
    SELECT 'pg_catalog.pg_class'::regclass::oid AS class, recorded.oid AS id, 'the partitioning of ' AS kind
    UNION ALL
    SELECT 'pg_catalog.pg_constraint'::regclass::oid, oid, 'a constraint of ' FROM pg_catalog.pg_constraint WHERE conrelid = recorded.oid
    UNION ALL
    SELECT 'pg_catalog.pg_attrdef'::regclass::oid, oid, 'a column of ' FROM pg_catalog.pg_attrdef WHERE adrelid = recorded.oid
    UNION ALL
    SELECT 'pg_catalog.pg_trigger'::regclass::oid, oid, pg_catalog.format('the trigger %I of ', tgname) FROM pg_catalog.pg_trigger WHERE tgrelid = recorded.oid
    UNION ALL
    SELECT 'pg_catalog.pg_statistic_ext'::regclass::oid, oid, 'the statistics of ' FROM pg_catalog.pg_statistic_ext WHERE stxrelid = recorded.oid
  ) AS part_of_table
  WHERE recorded.is_his
), named (class, id, title) AS (
  SELECT depend.refclassid, depend.refobjid, evaluated.title
  FROM evaluated JOIN pg_catalog.pg_depend AS depend ON depend.classid = evaluated.class AND depend.objid = evaluated.id
), family (id, title) AS (
  SELECT class.opcfamily, named.title
  FROM named JOIN pg_catalog.pg_opclass AS class ON class.oid = named.id
  WHERE named.class = 'pg_catalog.pg_opclass'::regclass::oid
  UNION
  SELECT class.opcfamily, own_type.title
  FROM own_type JOIN pg_catalog.pg_opclass AS class ON class.opcintype = own_type.oid AND class.opcdefault
), operator (id, title) AS (
  SELECT named.id, named.title FROM named WHERE named.class = 'pg_catalog.pg_operator'::regclass::oid
  UNION
  SELECT member.amopopr, family.title FROM family JOIN pg_catalog.pg_amop AS member ON member.amopfamily = family.id
  UNION
  SELECT operator.oid, pg_catalog.format('the comparison of %I of %s', compared.attname, compared.table_name)
  FROM compared
  JOIN pg_catalog.pg_operator AS operator
    ON operator.oprnamespace = compared.namespace AND compared.type_id IN (operator.oprleft, operator.oprright)
), called (function_id, title) AS (
  SELECT named.id, named.title FROM named WHERE named.class = 'pg_catalog.pg_proc'::regclass::oid
  UNION
  SELECT definition.oprcode::oid, operator.title FROM operator JOIN pg_catalog.pg_operator AS definition ON definition.oid = operator.id
  UNION
  SELECT member.amproc::oid, family.title FROM family JOIN pg_catalog.pg_amproc AS member ON member.amprocfamily = family.id
  UNION
  SELECT function.id, own_type.title
  FROM own_type
  LEFT JOIN pg_catalog.pg_range AS range ON range.rngtypid = own_type.oid
  CROSS JOIN LATERAL pg_catalog.unnest(ARRAY[
    own_type.typinput, own_type.typoutput, own_type.typreceive, own_type.typsend, own_type.typmodin, own_type.typmodout,
    own_type.typanalyze, own_type.typsubscript, range.rngcanonical, range.rngsubdiff
  ]::oid[]) AS function (id)
  UNION
  SELECT conversion.castfunc, own_type.title
  FROM own_type JOIN pg_catalog.pg_cast AS conversion ON own_type.oid IN (conversion.castsource, conversion.casttarget)
  UNION
  SELECT conversion.castfunc, pg_catalog.format('the comparison of %I of %s', compared.attname, compared.table_name)
  FROM compared JOIN pg_catalog.pg_cast AS conversion ON conversion.castsource = compared.type_id
  UNION
  SELECT event_trigger.evtfoid, pg_catalog.format('the event trigger %I', event_trigger.evtname)
  FROM pg_catalog.pg_event_trigger AS event_trigger
  WHERE event_trigger.evtenabled <> 'D'::"char"
), droppable (owner, capability, how) AS (
  SELECT namespace.nspowner, 'drop_tables', pg_catalog.format('owner of the schema %I, which has %s', namespace.nspname, own_type.title)
  FROM own_type JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = own_type.typnamespace
  WHERE own_type.typnamespace <> own_type.table_namespace
  UNION
  SELECT extension.extowner, member.capability, pg_catalog.format('owner of the extension %I, which has %s', extension.extname, member.title)
  FROM (
    SELECT 'pg_catalog.pg_type'::regclass::oid AS class, own_type.oid AS id, 'drop_tables' AS capability, own_type.title FROM own_type
    UNION ALL
    SELECT 'pg_catalog.pg_class'::regclass::oid, recorded.oid, 'drop_tables', recorded.name FROM recorded
    UNION ALL
    SELECT 'pg_catalog.pg_language'::regclass::oid, language.oid, 'disable_triggers', 'the language of the trigger functions'
    FROM pg_catalog.pg_language AS language WHERE language.lanname = 'plpgsql'
  ) AS member
  JOIN pg_catalog.pg_depend AS depend
    ON depend.classid = member.class AND depend.objid = member.id AND depend.deptype = 'e'::"char"
    AND depend.refclassid = 'pg_catalog.pg_extension'::regclass::oid
  JOIN pg_catalog.pg_extension AS extension ON extension.oid = depend.refobjid
  UNION
  SELECT language.lanowner, 'disable_triggers', pg_catalog.format('owner of the language %I of the trigger functions', language.lanname)
  FROM pg_catalog.pg_language AS language WHERE language.lanname = 'plpgsql'
), may (who, name, is_other, capability, how) AS (
  SELECT who, stranger.name, is_other, 'run_as_owner',
    pg_catalog.format('owner of %s: a cast of it to json would be called', own_type.title)
  FROM stranger JOIN own_type ON own_type.typowner = stranger.oid
  WHERE own_type.typtype IN ('c', 'e', 'd', 'r', 'b') AND own_type.typelem = 0::oid
  UNION ALL
  SELECT who, stranger.name, is_other, 'run_as_owner',
    pg_catalog.format('owner of the function %I.%I, which %s calls', namespace.nspname, function.proname, called.title)
  FROM stranger
  JOIN pg_catalog.pg_proc AS function ON function.proowner = stranger.oid
  JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = function.pronamespace
  JOIN called ON called.function_id = function.oid
  UNION ALL
  SELECT who, stranger.name, is_other, 'run_as_owner',
    pg_catalog.format('may create in the schema %I, whose operators compare %I of %s', namespace.nspname, compared.attname, compared.table_name)
  FROM stranger
  CROSS JOIN compared
  JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = compared.namespace
  WHERE NOT compared.is_exact AND namespace.nspname <> 'pg_catalog'
    AND pg_catalog.has_schema_privilege(stranger.oid, namespace.oid, 'CREATE')
  UNION ALL
  -- by a foreign key from a table of its own, whose type has a cast of its own
  SELECT who, stranger.name, is_other, 'run_as_owner',
    pg_catalog.format('REFERENCES on %s: the cast that a foreign key needs would be called', recorded.name)
  FROM stranger CROSS JOIN recorded
  WHERE recorded.is_his AND (
    pg_catalog.has_table_privilege(stranger.oid, recorded.oid, 'REFERENCES')
    OR pg_catalog.has_any_column_privilege(stranger.oid, recorded.oid, 'REFERENCES')
  )
  UNION ALL
  SELECT who, stranger.name, is_other, droppable.capability, droppable.how
  FROM stranger JOIN droppable ON droppable.owner = stranger.oid
)
SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('role', who, 'capability', capability, 'how', how) ORDER BY who, capability, how), '[]')::text AS rights
FROM (
  SELECT DISTINCT ON (who, capability, how COLLATE "C") who, capability,
    how || CASE WHEN is_other THEN pg_catalog.format(' (as %I)', name) ELSE '' END AS how
  FROM may
  ORDER BY who, capability, how COLLATE "C", is_other, name
) AS said
`,
  'keep/remember': `-- Notes whom the log was hardened against, so that status can tell when that was undone.
INSERT INTO :schema.audit_setting (name, value)
SELECT 'hardened', pg_catalog.jsonb_build_object(asked.document ->> 'app'::text, asked.document -> 'remembered'::text)
FROM (SELECT pg_catalog.current_setting('auditrum.hardening')::jsonb AS document) AS asked
ON CONFLICT (name) DO UPDATE SET value = audit_setting.value || excluded.value
`,
  'keep/rights': `-- What roles may do: to the log, to the recording of tables, to the server. A
-- list of who may what, and how. "Who" is a role with all that it inherits and
-- all that it can become (SET ROLE); PUBLIC is in what has_*_privilege says. Of
-- superusers only that they are, of owners of the log only that is said here:
-- the rest follows. Qualified, and with operands of the operators' own types,
-- for the reason given in install/catalogue.sql.
--   $1: JSON array of role names
--   $2: JSON array of the functions that readers call
--   $3: JSON array of the functions that who maintains the log calls
WITH RECURSIVE log_schema AS (
  SELECT oid, nspname, nspowner FROM pg_catalog.pg_namespace WHERE nspname = :'schema'
), asked AS (
  SELECT oid, rolname, rolsuper FROM pg_catalog.pg_roles
  WHERE rolname IN (SELECT pg_catalog.json_array_elements_text($1::text::json))
), can AS (
  SELECT asked.rolname AS who, role.oid, role.rolname AS name, role.rolsuper, role.rolcreaterole, role.rolreplication,
    role.rolbypassrls, role.oid <> asked.oid AS is_other
  FROM asked
  JOIN pg_catalog.pg_roles AS role
    ON role.oid = asked.oid OR NOT asked.rolsuper AND pg_catalog.pg_has_role(asked.oid, role.oid, 'MEMBER')
), able AS (
  SELECT can.* FROM can WHERE NOT can.rolsuper
), stranger AS (
  SELECT able.* FROM able WHERE able.oid NOT IN (SELECT nspowner FROM log_schema)
), relation AS (
  SELECT class.oid, class.relkind, class.relispartition, class.relowner, class.relname,
    pg_catalog.format('%I.%I', log_schema.nspname, class.relname) AS name
  FROM log_schema JOIN pg_catalog.pg_class AS class ON class.relnamespace = log_schema.oid
  WHERE class.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
), routine AS (
  SELECT function.oid, function.proowner, function.prosecdef, function.proconfig, function.proname,
    pg_catalog.format('%I.%I', log_schema.nspname, function.proname) AS name,
    CASE
      WHEN function.proname::text ~ '^capture_[0-9]+$' THEN 'attach_capture'
      WHEN function.proname IN (SELECT pg_catalog.json_array_elements_text($2::text::json)) THEN 'read_log'
      WHEN function.proname IN (SELECT pg_catalog.json_array_elements_text($3::text::json)) THEN 'maintain_log'
      ELSE 'call_functions'
    END AS capability
  FROM log_schema JOIN pg_catalog.pg_proc AS function ON function.pronamespace = log_schema.oid
), audited (oid, table_id) AS (
  -- tracked tables with all below them
  SELECT trigger.tgrelid, pg_catalog.substr(routine.proname, pg_catalog.length('capture_') + 1)::integer
  FROM routine JOIN pg_catalog.pg_trigger AS trigger ON trigger.tgfoid = routine.oid
  WHERE routine.capability = 'attach_capture'
  UNION
  SELECT inherits.inhrelid, audited.table_id
  FROM audited JOIN pg_catalog.pg_inherits AS inherits ON inherits.inhparent = audited.oid
), recorded AS (
  SELECT DISTINCT class.oid, class.relowner, namespace.oid AS namespace, namespace.nspname, namespace.nspowner,
    pg_catalog.format('%I.%I', namespace.nspname, class.relname) AS name
  FROM audited
  JOIN pg_catalog.pg_class AS class ON class.oid = audited.oid
  JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
), named AS (
  -- what conditions (when) name in other schemas than pg_catalog, which alone is in their path
  SELECT DISTINCT declared.table_name AS of_table, namespace.oid AS namespace, namespace.nspname,
    found.names[2] AS written, found.name
  FROM :schema.conditions() AS declared
  CROSS JOIN LATERAL (
    SELECT match.names, CASE WHEN pg_catalog.starts_with(match.names[2], '"')
        THEN pg_catalog.replace(pg_catalog.substr(match.names[2], 2, pg_catalog.length(match.names[2]) - 2), '""', '"')
        ELSE pg_catalog.lower(match.names[2])
      END AS name,
      CASE WHEN pg_catalog.starts_with(match.names[1], '"')
        THEN pg_catalog.replace(pg_catalog.substr(match.names[1], 2, pg_catalog.length(match.names[1]) - 2), '""', '"')
        ELSE pg_catalog.lower(match.names[1])
      END AS schema
    FROM pg_catalog.regexp_matches(
      -- without its strings
      pg_catalog.regexp_replace(declared.condition, '''([^'']|'''')*''', '''''', 'g'),
      '("(?:[^"]|"")+"|[[:alpha:]_][[:alnum:]_$]*)\\s*\\.\\s*("(?:[^"]|"")+"|[[:alpha:]_][[:alnum:]_$]*|[-+*/<>=~!@#%^&|\`?]+)',
      'g'
    ) AS match (names)
  ) AS found
  JOIN pg_catalog.pg_namespace AS namespace ON namespace.nspname = found.schema
  WHERE namespace.nspname NOT IN ('pg_catalog', 'information_schema', 'old', 'new')
), may (who, name, is_other, capability, how) AS (
  SELECT who, name, is_other, 'superuser', 'a superuser' FROM can WHERE rolsuper
  UNION ALL
  SELECT who, name, is_other, 'own_log', pg_catalog.format('owner of the schema %I', log_schema.nspname)
  FROM able JOIN log_schema ON log_schema.nspowner = able.oid
  UNION ALL
  SELECT who, stranger.name, is_other, 'own_log', 'owner of ' || relation.name
  FROM stranger JOIN relation ON relation.relowner = stranger.oid
  UNION ALL
  SELECT who, stranger.name, is_other, 'own_log', 'owner of ' || routine.name || '()'
  FROM stranger JOIN routine ON routine.proowner = stranger.oid
  UNION ALL
  SELECT who, stranger.name, is_other,
    CASE
      WHEN privilege.name = 'SELECT' THEN CASE WHEN relation.relname = 'audit_key' THEN 'read_keys' ELSE 'read_log' END
      WHEN privilege.name = 'MAINTAIN' THEN 'lock_log'
      WHEN relation.relispartition THEN 'write_partitions'
      WHEN relation.relkind = 'v' THEN 'write_views'
      WHEN privilege.name = 'TRUNCATE' THEN 'truncate_log'
      ELSE 'write_events'
    END,
    privilege.name || ' on ' || relation.name
  FROM stranger
  CROSS JOIN relation
  CROSS JOIN pg_catalog.unnest(
    CASE WHEN pg_catalog.current_setting('server_version_num')::integer >= 170000
      THEN ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN']
      ELSE ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']
    END
  ) AS privilege (name)
  WHERE relation.relkind <> 'S' AND relation.relowner <> stranger.oid AND (
    pg_catalog.has_table_privilege(stranger.oid, relation.oid, privilege.name)
    OR privilege.name IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES')
      AND pg_catalog.has_any_column_privilege(stranger.oid, relation.oid, privilege.name)
  )
  UNION ALL
  SELECT who, stranger.name, is_other, 'event_ids', privilege.name || ' on ' || relation.name
  FROM stranger
  CROSS JOIN relation
  CROSS JOIN pg_catalog.unnest(ARRAY['USAGE', 'UPDATE']) AS privilege (name)
  WHERE relation.relkind = 'S' AND relation.relowner <> stranger.oid
    AND pg_catalog.has_sequence_privilege(stranger.oid, relation.oid, privilege.name)
  UNION ALL
  SELECT who, stranger.name, is_other, routine.capability, 'EXECUTE on ' || routine.name || '()'
  FROM stranger CROSS JOIN routine CROSS JOIN log_schema
  WHERE routine.proowner <> stranger.oid AND pg_catalog.has_function_privilege(stranger.oid, routine.oid, 'EXECUTE')
    -- a trigger function must be named by its schema; that of a new partition is not
    AND (routine.capability <> 'attach_capture' OR pg_catalog.has_schema_privilege(stranger.oid, log_schema.oid, 'USAGE'))
  UNION ALL
  SELECT who, stranger.name, is_other, 'create_in_log', pg_catalog.format('CREATE on the schema %I', log_schema.nspname)
  FROM stranger JOIN log_schema ON pg_catalog.has_schema_privilege(stranger.oid, log_schema.oid, 'CREATE')
  UNION ALL
  SELECT who, able.name, is_other, 'temp_shadowing', 'the search_path of ' || routine.name || '()'
  FROM able CROSS JOIN routine
  WHERE routine.prosecdef AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (routine.proconfig), false)
  UNION ALL
  SELECT who, able.name, is_other, 'search_path', 'the search_path of ' || routine.name || '()'
  FROM able CROSS JOIN routine
  WHERE routine.prosecdef AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (routine.proconfig), false)
  UNION ALL
  SELECT who, able.name, is_other, 'search_path', 'CREATE on the schema pg_catalog'
  FROM able WHERE pg_catalog.has_schema_privilege(able.oid, 'pg_catalog', 'CREATE')
  UNION ALL
  SELECT who, stranger.name, is_other, 'run_as_condition',
    pg_catalog.format('%s of %s, which the condition (when) of %s names', reach.how, pg_catalog.format('%I.%s', named.nspname, named.written), named.of_table)
  FROM stranger
  JOIN named ON true
  CROSS JOIN LATERAL (
    SELECT 'owner' AS how
    WHERE EXISTS (
        SELECT FROM pg_catalog.pg_proc AS function
        WHERE function.pronamespace = named.namespace AND function.proname = named.name AND function.proowner = stranger.oid
      ) OR EXISTS (
        SELECT FROM pg_catalog.pg_class AS class
        WHERE class.relnamespace = named.namespace AND class.relname = named.name AND class.relowner = stranger.oid
      ) OR EXISTS (
        SELECT FROM pg_catalog.pg_type AS type
        WHERE type.typnamespace = named.namespace AND type.typname = named.name AND type.typowner = stranger.oid
      ) OR EXISTS (
        SELECT FROM pg_catalog.pg_operator AS operator
        WHERE operator.oprnamespace = named.namespace AND operator.oprname = named.name AND operator.oprowner = stranger.oid
      )
    UNION ALL
    SELECT 'may create in the schema'
    WHERE pg_catalog.has_schema_privilege(stranger.oid, named.namespace, 'CREATE')
  ) AS reach
  UNION ALL
  SELECT who, able.name, is_other, 'disable_triggers', 'owner of ' || recorded.name
  FROM able JOIN recorded ON recorded.relowner = able.oid
  UNION ALL
  SELECT who, able.name, is_other, 'disable_triggers', 'TRIGGER on ' || recorded.name
  FROM able JOIN recorded ON recorded.relowner <> able.oid AND pg_catalog.has_table_privilege(able.oid, recorded.oid, 'TRIGGER')
  UNION ALL
  SELECT who, able.name, is_other, 'truncate_tables', 'TRUNCATE on ' || recorded.name
  FROM able JOIN recorded ON pg_catalog.has_table_privilege(able.oid, recorded.oid, 'TRUNCATE')
  UNION ALL
  SELECT DISTINCT who, able.name, is_other, 'drop_tables', pg_catalog.format('owner of the schema %I', recorded.nspname)
  FROM able JOIN recorded ON recorded.nspowner = able.oid
  UNION ALL
  SELECT who, able.name, is_other, 'drop_tables', 'owner of the database'
  FROM able JOIN pg_catalog.pg_database AS database ON database.datdba = able.oid
  WHERE database.datname = pg_catalog.current_database()
  UNION ALL
  SELECT who, able.name, is_other, 'grant_roles', 'CREATEROLE'
  FROM able
  WHERE able.rolcreaterole AND pg_catalog.current_setting('server_version_num')::integer < 160000  -- later: of the roles that it made
  UNION ALL
  -- of a role that one is a member of such a setting does not count
  SELECT who, able.name, is_other, 'replica_role', 'sessions begin with ' || setting.value
  FROM able
  JOIN pg_catalog.pg_db_role_setting AS own ON own.setrole IN (0::oid, able.oid)
  CROSS JOIN pg_catalog.unnest(own.setconfig) AS setting (value)
  WHERE NOT is_other AND setting.value = 'session_replication_role=replica'::text
    AND own.setdatabase IN (SELECT 0::oid UNION ALL SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
  UNION ALL
  SELECT who, able.name, is_other, 'subscribe', pg_catalog.format('owner of the subscription %I', subscription.subname)
  FROM able
  JOIN pg_catalog.pg_subscription AS subscription ON subscription.subowner = able.oid
  JOIN pg_catalog.pg_database AS database ON database.oid = subscription.subdbid
  WHERE database.datname = pg_catalog.current_database()
  UNION ALL
  SELECT who, able.name, is_other, 'server_files', 'EXECUTE on pg_catalog.lo_export'
  FROM able WHERE pg_catalog.has_function_privilege(able.oid, 'pg_catalog.lo_export(oid, text)'::text, 'EXECUTE'::text)
  UNION ALL
  SELECT who, able.name, is_other, 'copy_cluster', 'REPLICATION' FROM able WHERE able.rolreplication
  UNION ALL
  SELECT who, able.name, is_other, 'bypass_policies', 'BYPASSRLS' FROM able WHERE able.rolbypassrls
  UNION ALL
  SELECT who, able.name, is_other,
    CASE able.name
      WHEN 'pg_write_all_data' THEN 'write_events'
      WHEN 'pg_maintain' THEN 'lock_log'
      WHEN 'pg_create_subscription' THEN 'subscribe'
      WHEN 'pg_signal_backend' THEN 'end_sessions'
      ELSE 'server_files'
    END,
    'member of ' || able.name::text
  FROM able
  WHERE able.name IN (
    'pg_write_all_data', 'pg_maintain', 'pg_create_subscription', 'pg_signal_backend', 'pg_execute_server_program',
    'pg_write_server_files'
  )
)
SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('role', who, 'capability', capability, 'how', how) ORDER BY who, capability, how), '[]')::text AS rights
FROM (
  -- what it has by itself, or inherits, need not be said once more of the role that it is from
  SELECT DISTINCT ON (who, capability, how COLLATE "C") who, capability,
    how || CASE WHEN is_other THEN pg_catalog.format(' (as %I)', name) ELSE '' END AS how
  FROM may
  ORDER BY who, capability, how COLLATE "C", is_other, name
) AS said
`,
  'read/blame': `-- Who gave each column its value, as functions/row_blame.sql finds it, ready to be read exactly.
WITH tracked AS MATERIALIZED (
  SELECT :schema.table_id(CASE WHEN pg_catalog.cardinality(pg_catalog.parse_ident($1)) = 1 THEN pg_catalog.to_regclass($1) END, pg_catalog.parse_ident($1)) AS id
)
SELECT
  line.column_name,
  line.value::text,
  pg_catalog.to_char(line.changed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS changed_at,
  line.user_id,
  line.change_reason,
  line.source,
  line.operation,
  line.db_user,
  line.masked::integer AS masked,
  (line.masked AND EXISTS (
    SELECT FROM :schema.auditlog AS event
    WHERE event.id = line.event_id AND line.column_name = ANY (event.redacted)
  ))::integer AS erased,
  line.event_id::text,
  line.context_uuid::text,
  CASE WHEN line.changed_at IS NULL THEN
    pg_catalog.to_char(:schema.known_since(tracked.id) AT TIME ZONE 'UTC'::text, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'::text)
  END AS purged_until,
  :schema.column_types(tracked.id, coalesce(line.changed_at, pg_catalog.now())) ->> line.column_name AS column_type
FROM tracked CROSS JOIN LATERAL :schema.row_blame(tracked.id, :schema.row_id(tracked.id, $2::text::jsonb), $3) AS line
ORDER BY line.event_id DESC NULLS LAST, line.column_name
`,
  'read/blame_labels': `-- What people call the rows that the lines of a blame refer to, by column.
--   $2: the row, as the lines have it
WITH tracked AS MATERIALIZED (
  SELECT :schema.table_id(CASE WHEN pg_catalog.cardinality(pg_catalog.parse_ident($1)) = 1 THEN pg_catalog.to_regclass($1) END, pg_catalog.parse_ident($1)) AS id
)
SELECT :schema.reference_labels(tracked.id, $2::text::jsonb)::text AS labels
FROM tracked
`,
  'read/changed_keys': `-- A page of the rows that were changed between two moments, as
-- functions/changed_keys.sql finds them.
SELECT place, from_id, to_id
FROM :schema.changed_keys($1::integer, $2::text::jsonb, $3::text::jsonb, $4, $5::integer)
`,
  'read/changes': `-- What a transaction, a root, a request or a context changed in the end, as
-- functions/changes.sql finds it, ready to be read exactly.
WITH line AS MATERIALIZED (
  SELECT * FROM :schema.changes($1::bigint, $2::uuid, $3::text, $4::uuid, $5::text::boolean, $6::bigint, $7::integer)
), tracked AS MATERIALIZED (
  SELECT line.table_id, :schema.column_types(line.table_id, pg_catalog.max(line.last_at))::text AS column_types
  FROM line
  GROUP BY line.table_id
)
SELECT
  line.schema_name,
  line.table_name,
  line.object_id,
  line.old_object_id,
  line.label,
  line.operation,
  line.changes::text,
  line.from_labels::text,
  line.to_labels::text,
  pg_catalog.array_to_json(line.masked)::text AS masked,
  line.lossy::integer AS lossy,
  pg_catalog.array_to_json(line.user_ids)::text AS user_ids,
  pg_catalog.array_to_json(line.change_reasons)::text AS change_reasons,
  pg_catalog.to_char(line.first_at AT TIME ZONE 'UTC'::text, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS first_at,
  pg_catalog.to_char(line.last_at AT TIME ZONE 'UTC'::text, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS last_at,
  pg_catalog.array_to_json(line.events::text[])::text AS events,
  tracked.column_types
FROM line JOIN tracked ON tracked.table_id = line.table_id
ORDER BY line.events[1]
`,
  'read/column_history': `-- The values of a column, as functions/column_history.sql finds them, ready to be read exactly.
WITH tracked AS MATERIALIZED (
  SELECT :schema.table_id(CASE WHEN pg_catalog.cardinality(pg_catalog.parse_ident($1)) = 1 THEN pg_catalog.to_regclass($1) END, pg_catalog.parse_ident($1)) AS id
)
SELECT
  period.value::text,
  pg_catalog.to_char(period.since AT TIME ZONE 'UTC'::text, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS since,
  pg_catalog.to_char(period.until AT TIME ZONE 'UTC'::text, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS until,
  period.event_id::text,
  period.operation,
  period.user_id,
  period.change_reason,
  period.source,
  period.db_user,
  period.masked::integer AS masked,
  period.erased::integer AS erased,
  :schema.column_types(tracked.id, coalesce(period.since, period.until, pg_catalog.now())) ->> $3 AS column_type
FROM tracked CROSS JOIN LATERAL :schema.column_history($1, :schema.row_id(tracked.id, $2::text::jsonb), $3) AS period
ORDER BY period.event_id NULLS FIRST
`,
  'read/document_names': `-- The names of the members of each document of an event, as JSON arrays; not of one
-- that is no object, or has more of them than a table can have columns.
SELECT document.name AS document, (
    SELECT CASE WHEN pg_catalog.jsonb_typeof(document.value) = 'object' AND pg_catalog.count(*) <= 1600 THEN coalesce(pg_catalog.json_agg(member.name), '[]') END
    FROM pg_catalog.jsonb_object_keys(CASE pg_catalog.jsonb_typeof(document.value) WHEN 'object' THEN document.value END) AS member (name)
  )::text AS names
FROM :schema.audit_event AS event
LEFT JOIN :schema.audit_context AS context ON context.id = event.context_id AND context.txid = event.txid
CROSS JOIN LATERAL (
  VALUES ('old', event.old), ('new', event.new), ('meta', event.meta), ('metadata', context.metadata)
) AS document (name, value)
WHERE event.id = $1::pg_catalog.int8 AND pg_catalog.trunc(extract(epoch FROM event.changed_at) * 1000000)::text = $2::text
  AND document.value IS NOT NULL
`,
  'read/erasure_records': `-- The records of erasures with an id behind $1, in their order, at most $2, with their
-- contexts, each column as its own text: what functions/erasure_record.sql hashes.
SELECT
  erasure.id::pg_catalog.text AS id,
  pg_catalog.trunc(extract(epoch FROM erasure.erased_at) * 1000000)::pg_catalog.text AS erased_at,
  erasure.context_id::pg_catalog.text AS context_id,
  erasure.db_user AS db_user,
  erasure.reason AS reason,
  erasure.table_id::pg_catalog.text AS table_id,
  pg_catalog.array_to_json(erasure.columns)::pg_catalog.text AS columns,
  erasure.events::pg_catalog.text AS events,
  erasure.contexts::pg_catalog.text AS contexts,
  pg_catalog.array_to_json(erasure.entries)::pg_catalog.text AS entries,
  context.id::pg_catalog.text AS known_context_id,
  context.transaction_id::pg_catalog.text AS transaction_id,
  context.txid::pg_catalog.text AS context_txid,
  pg_catalog.trunc(extract(epoch FROM context.started_at) * 1000000)::pg_catalog.text AS started_at,
  context.uuid::pg_catalog.text AS uuid,
  context.root_uuid::pg_catalog.text AS root_uuid,
  context.user_id AS user_id,
  context.application_name AS application_name,
  pg_catalog.text(context.client_addr) AS client_addr,
  context.metadata::pg_catalog.text AS metadata,
  context.context_error AS context_error
FROM :schema.audit_erasure AS erasure
LEFT JOIN :schema.audit_context AS context ON context.id = erasure.context_id
WHERE erasure.id > $1::pg_catalog.int8
ORDER BY erasure.id
LIMIT $2::pg_catalog.int8
`,
  'read/event_blocks': `-- The blocks that list an event, with its place in each; and how many entries the chain has.
SELECT
  leaf.block::text AS block,
  (pg_catalog.array_position(leaf.ids, $1::bigint) - 1)::text AS place,
  pg_catalog.encode(leaf.hashes, 'hex') AS hashes,
  (SELECT (pg_catalog.max(seal.id)::pg_catalog.numeric + 1)::text FROM :schema.audit_seal AS seal) AS size
FROM :schema.audit_leaf AS leaf
WHERE leaf.first_id <= leaf.last_id AND leaf.last_id < 9223372036854775807 AND pg_catalog.array_ndims(leaf.ids) = 1 AND pg_catalog.int8range(leaf.first_id, leaf.last_id, '[]') @> $1::bigint AND $1::bigint = ANY (leaf.ids)
`,
  'read/event_labels': `-- What people call the rows of a page of events.
SELECT labelled.event_id::text, labelled.label, labelled.old_labels::text, labelled.new_labels::text
FROM :schema.event_labels(
  ARRAY(SELECT event.id::bigint FROM pg_catalog.json_array_elements_text($1::text::json) AS event (id)),
  $2::timestamptz,
  $3::timestamptz
) AS labelled
`,
  'read/event_redactions': `-- Those of the first so many entries that redact an event, which is in this place of its block.
SELECT seal.id::text AS id
FROM :schema.audit_seal AS seal
WHERE seal.entry ->> 'kind' = 'redact'
  AND seal.id < $2::bigint
  AND EXISTS (
    SELECT FROM pg_catalog.json_array_elements(CASE pg_catalog.json_typeof(seal.entry -> 'redacted') WHEN 'array' THEN seal.entry -> 'redacted' END) AS one
    WHERE one ->> 'event' = $1 AND one ->> 'block' = $3 AND one ->> 'place' = $4
  )
ORDER BY seal.id
`,
  'read/events': `-- One page of events, as functions/event_page.sql gives it. A filter that is null
-- filters nothing.
SELECT page.*
FROM :schema.event_page(
  CASE WHEN $1::text IS NOT NULL THEN
    :schema.table_id(CASE WHEN pg_catalog.cardinality(pg_catalog.parse_ident($1)) = 1 THEN pg_catalog.to_regclass($1) END, pg_catalog.parse_ident($1))
  END,
  $2::text::jsonb,
  pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
    'user'::text, $3::text,
    'context'::text, $4::uuid,
    'root'::text, $5::uuid,
    'request'::text, $6::text,
    'transaction'::text, $7::bigint,
    'operation'::text, $8::text,
    'column'::text, $9::text,
    'since'::text, $10::timestamptz,
    'until'::text, $11::timestamptz
  )),
  $12::bigint,
  $13::text = 'asc',
  $14::integer
) AS page
`,
  'read/key_at': `-- The key that a row has at the second moment, from the one at the first.
SELECT :schema.key_at($1::integer, $2, -1, $3::text::jsonb, $4::text::jsonb) AS id
`,
  'read/known_tables': `-- The tables that the log knows, by the ids that blocks name them by.
SELECT known.id::pg_catalog.text AS id FROM :schema.audit_table AS known
`,
  'read/label': `-- What people call a row, as functions/label.sql has it.
WITH tracked AS MATERIALIZED (
  SELECT :schema.table_id(CASE WHEN pg_catalog.cardinality(pg_catalog.parse_ident($1)) = 1 THEN pg_catalog.to_regclass($1) END, pg_catalog.parse_ident($1)) AS id
)
SELECT :schema.row_label(tracked.id, :schema.row_id(tracked.id, $2::text::jsonb)) AS label
FROM tracked
`,
  'read/leaves_of_blocks': `-- The leaves of some blocks: ids as a JSON array of texts, null where they are no list;
-- hashes as base64.
SELECT leaf.block::pg_catalog.text AS block,
  CASE WHEN pg_catalog.array_ndims(leaf.ids) = 1 AND pg_catalog.array_lower(leaf.ids, 1) = 1 THEN pg_catalog.array_to_json(leaf.ids::pg_catalog.text[])::pg_catalog.text END AS ids,
  pg_catalog.encode(leaf.hashes, 'base64') AS hashes,
  leaf.first_id::pg_catalog.text AS first_id,
  leaf.last_id::pg_catalog.text AS last_id
FROM :schema.audit_leaf AS leaf
WHERE leaf.block BETWEEN $1::pg_catalog.int8 AND $2::pg_catalog.int8
ORDER BY leaf.block
`,
  'read/leaves_of_events': `-- Where events with an id behind $1, up to $2, are sealed: their block, their place in
-- it, and their leaf as base64. What is no list of ids lists nothing.
SELECT list.block::pg_catalog.text AS block, (own.place - 1)::pg_catalog.text AS place, own.id::pg_catalog.text AS id,
  pg_catalog.encode(pg_catalog.substr(list.hashes, (32 * (own.place - list.first) + 1)::pg_catalog.int4, 32), 'base64') AS leaf
FROM (
  -- of the hashes what is asked for, once: each look would fetch them anew
  SELECT leaf.block, part.ids, part.places, part.first,
    pg_catalog.substr(leaf.hashes, (32 * part.first - 31)::pg_catalog.int4, (32 * (part.last - part.first + 1))::pg_catalog.int4) AS hashes
  FROM :schema.audit_leaf AS leaf
  CROSS JOIN LATERAL (
    SELECT pg_catalog.min(own.place) AS first, pg_catalog.max(own.place) AS last, pg_catalog.array_agg(own.id) AS ids, pg_catalog.array_agg(own.place) AS places
    FROM pg_catalog.unnest(leaf.ids) WITH ORDINALITY AS own (id, place)
    WHERE own.id > $1::pg_catalog.int8 AND own.id <= $2::pg_catalog.int8
  ) AS part
  WHERE leaf.first_id <= leaf.last_id AND leaf.last_id < 9223372036854775807 AND leaf.block IS NOT NULL AND pg_catalog.array_ndims(leaf.ids) = 1 AND pg_catalog.array_lower(leaf.ids, 1) = 1
    AND pg_catalog.int8range(leaf.first_id, leaf.last_id, '[]') && pg_catalog.int8range($1::pg_catalog.int8, NULLIF($2::pg_catalog.int8, 9223372036854775807), '(]')
  OFFSET 0
) AS list
CROSS JOIN LATERAL ROWS FROM (pg_catalog.unnest(list.ids), pg_catalog.unnest(list.places)) AS own (id, place)
ORDER BY list.block, own.place
`,
  'read/leaving_partitions': `-- Partitions that a purge is dropping, as functions/leaving_partitions.sql tells them: by name.
SELECT DISTINCT own.relname::pg_catalog.text AS name
FROM :schema.audit_purge AS purge
JOIN pg_catalog.pg_class AS own ON own.relname = purge.leaver AND own.relnamespace = ':schema'::pg_catalog.regnamespace
WHERE purge.finished_at IS NULL AND own.relkind = 'r'
  AND EXISTS (SELECT FROM pg_catalog.pg_attribute AS col WHERE col.attrelid = own.oid AND col.attname = 'changed_at')  -- of events
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits AS link WHERE link.inhrelid = own.oid AND NOT link.inhdetachpending)
`,
  'read/long_leaf': `-- The leaf of an event whose documents are long, as base64: what is hashed is $3 to $7
-- with its documents between them, and without a context $3 to $6. Null where that is
-- more than a billion bytes.
SELECT CASE WHEN pg_catalog.octet_length(form.text) <= 1000000000 THEN
  pg_catalog.encode(pg_catalog.sha256(pg_catalog.decode('00', 'hex') || pg_catalog.convert_to(form.text, 'UTF8')), 'base64')
END AS leaf
FROM :schema.audit_event AS event
LEFT JOIN :schema.audit_context AS context ON context.id = event.context_id AND context.txid = event.txid
CROSS JOIN LATERAL (
  SELECT pg_catalog.concat(
    $3::text, coalesce(event.old::text, 'null'), $4::text, coalesce(event.new::text, 'null'), $5::text, coalesce(event.meta::text, 'null'), $6::text,
    CASE WHEN $7::text IS NOT NULL THEN coalesce(context.metadata::text, 'null') END, $7::text
  ) AS text
  OFFSET 0  -- or it would be made twice
) AS form
WHERE event.id = $1::pg_catalog.int8 AND pg_catalog.trunc(extract(epoch FROM event.changed_at) * 1000000)::text = $2::text
`,
  'read/misplaced_conditions': `-- Where the log keeps its rows, and which of these cannot be there, as a condition:
-- what functions/misplaced_rows.sql looks for. Times stand in it as this session writes
-- them: not where it cannot be relied on that they are read as what they were.
SELECT part.relname::pg_catalog.text AS name,
  CASE
    WHEN parent.relname = 'audit_event' AND NOT pg_catalog.starts_with(pg_catalog.current_setting('DateStyle'), 'ISO') THEN 'id IS NULL'
    WHEN range.bounds IS NOT NULL
      THEN pg_catalog.concat_ws(' OR ', 'id IS NULL', own.key || ' IS NULL', own.key || ' < ' || nullif(range.bounds[1], 'MINVALUE'), own.key || ' >= ' || nullif(range.bounds[2], 'MAXVALUE'))
    ELSE pg_catalog.concat_ws(' OR NOT ', 'id IS NULL', CASE WHEN own.bound IS NOT NULL THEN pg_catalog.pg_get_partition_constraintdef(part.oid) END)
  END AS condition
FROM pg_catalog.pg_class AS parent
JOIN pg_catalog.pg_inherits AS link ON link.inhparent = parent.oid
JOIN pg_catalog.pg_class AS part ON part.oid = link.inhrelid
CROSS JOIN LATERAL (
  SELECT CASE parent.relname WHEN 'audit_event' THEN 'changed_at' ELSE 'id' END AS key, pg_catalog.pg_get_expr(part.relpartbound, part.oid) AS bound
) AS own
CROSS JOIN LATERAL pg_catalog.regexp_match(own.bound, '^FOR VALUES FROM [(](MINVALUE|''[^'']+'')[)] TO [(](MAXVALUE|''[^'']+'')[)]$') AS range (bounds)
WHERE parent.relname IN ('audit_event', 'audit_context') AND parent.relnamespace = pg_catalog.to_regnamespace(':schema') AND part.relkind = 'r'
  AND pg_catalog.has_table_privilege(part.oid, 'SELECT')  -- who may read the table need not read its partitions
UNION ALL VALUES
  ('audit_seal', 'id IS NULL'),
  ('audit_erasure', 'id IS NULL'),
  ('audit_purge', 'id IS NULL'),
  ('audit_leaf', 'block IS NULL OR first_id IS NULL OR last_id IS NULL')
ORDER BY name
`,
  'read/next_entry': `-- The smallest place from $1 on that has an entry of the chain, or leaves; null: there is none.
SELECT LEAST(
  (SELECT pg_catalog.min(seal.id) FROM :schema.audit_seal AS seal WHERE seal.id >= $1::pg_catalog.int8),
  (SELECT pg_catalog.min(leaf.block) FROM :schema.audit_leaf AS leaf WHERE leaf.block >= $1::pg_catalog.int8)
)::pg_catalog.text AS next
`,
  'read/next_event': `-- The smallest id of an event from $1 on, there or listed in a block; null: there is none.
SELECT LEAST(
  (SELECT pg_catalog.min(event.id) FROM :schema.audit_event AS event WHERE event.id >= $1::pg_catalog.int8),
  (SELECT pg_catalog.min(GREATEST(leaf.first_id, $1::pg_catalog.int8)) FROM :schema.audit_leaf AS leaf WHERE leaf.last_id >= $1::pg_catalog.int8)
)::pg_catalog.text AS next
`,
  'read/odd_relations': `-- What stands in the place of the log's tables and is none, or does not show to
-- everybody all that is in it: as functions/verify_relations.sql tells it.
WITH wanted AS (
  SELECT own.oid, list.kind
  FROM (
    VALUES ('audit_event', 'p'), ('audit_context', 'p'), ('audit_seal', 'r'), ('audit_leaf', 'r'),
      ('audit_table', 'r'), ('audit_shape', 'r'), ('audit_erasure', 'r'), ('audit_purge', 'r')
  ) AS list (name, kind)
  JOIN pg_catalog.pg_class AS own ON own.relname = list.name AND own.relnamespace = pg_catalog.to_regnamespace(':schema')
), place AS (
  SELECT wanted.oid, wanted.kind FROM wanted
  UNION ALL
  SELECT link.inhrelid, CASE wanted.kind WHEN 'p' THEN 'r' END
  FROM wanted JOIN pg_catalog.pg_inherits AS link ON link.inhparent = wanted.oid
), odd AS (
  SELECT own.relname,
    CASE
      WHEN place.kind IS NULL THEN 'adds rows of its own to a table of the log'
      WHEN own.relkind <> place.kind::pg_catalog."char" THEN pg_catalog.format('is a %s', CASE own.relkind
        WHEN 'r' THEN 'table without partitions' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table'
        ELSE pg_catalog.format('relation of the kind "%s"', own.relkind) END)
      WHEN own.relforcerowsecurity OR pg_catalog.row_security_active(own.oid) THEN 'has row level security for who verifies'
      WHEN EXISTS (SELECT FROM pg_catalog.pg_trigger AS own_trigger WHERE own_trigger.tgrelid = own.oid AND NOT own_trigger.tgisinternal AND own_trigger.tgparentid = 0 AND own_trigger.tgtype & 2 = 2) THEN 'has a trigger that decides what is written'
      WHEN EXISTS (SELECT FROM pg_catalog.pg_rewrite AS rule WHERE rule.ev_class = own.oid) THEN 'has rules'
    END AS what
  FROM place JOIN pg_catalog.pg_class AS own ON own.oid = place.oid
)
SELECT pg_catalog.format('%I %s: what is verified need not be what others read.', odd.relname, odd.what) AS message
FROM odd
WHERE odd.what IS NOT NULL
ORDER BY odd.relname
`,
  'read/past': `-- What is needed to read a table, or a row of it, at a moment, and what is known
-- of the answer.
--   $1 the table; $2, $3, $4 the moment: a time, an event, a transaction; $5 consistent; $6 the row's key as
--   JSON; $7 the moment whose columns are asked for, if another
WITH tracked AS MATERIALIZED (
  SELECT :schema.table_id(CASE WHEN pg_catalog.cardinality(pg_catalog.parse_ident($1)) = 1 THEN pg_catalog.to_regclass($1) END, pg_catalog.parse_ident($1)) AS id
)
SELECT
  tracked.id AS tracked_id,
  CASE WHEN $6::text IS NOT NULL THEN :schema.row_id(tracked.id, $6::text::jsonb) END AS object_id,
  past.relation::text,
  past.moment::text,
  CASE
    WHEN $6::text IS NOT NULL AND $7::text IS NULL
    THEN pg_catalog.jsonb_concat(past.past, pg_catalog.jsonb_build_object('plain', :schema.plain_past(past.relation, past.moment, past.past)))
    ELSE past.past
  END::text AS past,
  pg_catalog.to_char(CASE
    WHEN past.past ->> 'since'::text IS NULL OR $6::text IS NOT NULL THEN (past.past ->> 'since'::text)::timestamptz
    ELSE greatest((past.past ->> 'since'::text)::timestamptz, (past.past ->> 'erased_at'::text)::timestamptz)
  END AT TIME ZONE 'UTC'::text, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS since,
  CASE WHEN (past.past ->> 'keys_erased'::text)::boolean AND (past.past ->> 'erased_at'::text)::timestamptz > (past.moment ->> 'at'::text)::timestamptz THEN
    pg_catalog.to_char((past.past ->> 'erased_at'::text)::timestamptz AT TIME ZONE 'UTC'::text, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
  END AS keys_erased_until
FROM tracked
CROSS JOIN LATERAL :schema.past_of(tracked.id, $2::timestamptz, $3::bigint, $4::bigint, $5::boolean, false, $7::text::jsonb) AS past
`,
  'read/past_rows': `-- A page of the rows of a table at a moment, as functions/past_rows.sql gives it.
-- :columns are those of then, as read/past.sql has found them.
SELECT *
FROM :schema.past_rows($1::integer, $2::oid, $3::text::jsonb, $4::text::jsonb, $5::text::jsonb, $6::integer) AS past (:columns)
`,
  'read/past_rows_of': `-- Single rows at a moment, as functions/past_rows_of.sql gives them. $5 is a
-- JSON array of object_ids; :columns as in past_rows.
SELECT *
FROM :schema.past_rows_of(
  $1::integer, $2::oid, $3::text::jsonb, $4::text::jsonb,
  ARRAY(SELECT pg_catalog.jsonb_array_elements_text($5::text::jsonb)), $6::boolean
) AS past (:columns)
`,
  'read/purge_records': `-- The records of purges with an id behind $1, in their order, at most $2, with their
-- contexts, each column as its own text: what functions/purge_record.sql hashes.
SELECT
  purge.id::pg_catalog.text AS id,
  pg_catalog.trunc(extract(epoch FROM purge.started_at) * 1000000)::pg_catalog.text AS began_at,
  purge.context_id::pg_catalog.text AS context_id,
  purge.db_user AS db_user,
  (extract(year FROM purge.older_than) * 12 + extract(month FROM purge.older_than))::pg_catalog.text AS months,
  extract(day FROM purge.older_than)::pg_catalog.text AS days,
  (extract(hour FROM purge.older_than) * 3600000000 + extract(minute FROM purge.older_than) * 60000000 + extract(microseconds FROM purge.older_than))::pg_catalog.text AS microseconds,
  purge.targets::pg_catalog.text AS targets,
  purge.drops::pg_catalog.text AS drops,
  pg_catalog.trunc(extract(epoch FROM purge.contexts_before) * 1000000)::pg_catalog.text AS contexts_before,
  context.id::pg_catalog.text AS known_context_id,
  context.transaction_id::pg_catalog.text AS transaction_id,
  context.txid::pg_catalog.text AS context_txid,
  pg_catalog.trunc(extract(epoch FROM context.started_at) * 1000000)::pg_catalog.text AS started_at,
  context.uuid::pg_catalog.text AS uuid,
  context.root_uuid::pg_catalog.text AS root_uuid,
  context.user_id AS user_id,
  context.application_name AS application_name,
  pg_catalog.text(context.client_addr) AS client_addr,
  context.metadata::pg_catalog.text AS metadata,
  context.context_error AS context_error
FROM :schema.audit_purge AS purge
LEFT JOIN :schema.audit_context AS context ON context.id = purge.context_id
WHERE purge.id > $1::pg_catalog.int8
ORDER BY purge.id
LIMIT $2::pg_catalog.int8
`,
  'read/row_then': `-- A row at a moment, as functions/row_then.sql gives it.
--   $1 the table; $2 the row's key as JSON; $3, $4, $5 the moment: a time, an event, a transaction; $6 consistent;
--   $7 what read/past.sql told of the table; :columns are those of $7
SELECT *
FROM :schema.row_then(
  pg_catalog.to_regclass($1)::oid, $2::text::jsonb, $3::timestamptz, $4::bigint, $5::bigint, $6::boolean, $7::text::jsonb
) AS past (:columns)
`,
  'read/seal_entries': `-- The chain from an entry on, as it is hashed. Without a limit, all of it.
SELECT seal.id::text AS id, seal.entry::text AS entry
FROM :schema.audit_seal AS seal
WHERE seal.id >= $1::bigint
ORDER BY seal.id
LIMIT $2::bigint
`,
  'read/seal_entries_before': `-- The chain before an entry, backwards, as it is hashed.
SELECT seal.id::text AS id, seal.entry::text AS entry
FROM :schema.audit_seal AS seal
WHERE seal.id < $1::bigint
ORDER BY seal.id DESC
LIMIT $2::bigint
`,
  'read/sealed_event': `-- An event in the form in which it is sealed, as functions/sealed_event.sql gives it;
-- null where it is more than $2 bytes.
SELECT CASE WHEN pg_catalog.octet_length(canonical) <= $2::bigint THEN canonical END AS canonical, pg_catalog.octet_length(canonical)::text AS bytes
FROM :schema.sealed_event($1::bigint) AS canonical
`,
  'read/sealed_reach': `-- What there is to verify: the last place of the chain, the smallest id of events,
-- whether they are there or ought to be, and the greatest of those that are.
SELECT
  (SELECT pg_catalog.max(place) FROM (
    SELECT pg_catalog.max(seal.id) FROM :schema.audit_seal AS seal
    UNION ALL SELECT pg_catalog.max(leaf.block) FROM :schema.audit_leaf AS leaf
  ) AS known (place))::pg_catalog.text AS entries,
  LEAST((SELECT pg_catalog.min(event.id) FROM :schema.audit_event AS event), GREATEST((SELECT pg_catalog.min(leaf.first_id) FROM :schema.audit_leaf AS leaf), 1))::pg_catalog.text AS first_id,
  (SELECT pg_catalog.max(event.id) FROM :schema.audit_event AS event)::pg_catalog.text AS last_id,
  EXISTS (
    SELECT FROM pg_catalog.pg_attribute AS col
    WHERE col.attrelid = ':schema.audit_event'::pg_catalog.regclass AND col.attname = 'salt' AND col.atthasdef
  )::pg_catalog.text AS salted
`,
  'read/search_path': `-- Where this connection looks for what is not qualified, as operators are not: schemas
-- in their order, as a JSON array.
SELECT pg_catalog.array_to_json(pg_catalog.current_schemas(true))::pg_catalog.text AS schemas
`,
  'read/stored_events': `-- Events with their contexts as they are stored, each column as its own text: what
-- the canonical form is made of outside the database. Documents that are long are
-- left out, and \`is_long\` says so: all of them, where $3 says no documents.
SELECT
  event.id::pg_catalog.text AS id,
  pg_catalog.trunc(extract(epoch FROM event.changed_at) * 1000000)::pg_catalog.text AS changed_at,
  event.txid::pg_catalog.text AS txid,
  event.context_id::pg_catalog.text AS context_id,
  event.table_id::pg_catalog.text AS table_id,
  event.operation::pg_catalog.text AS operation,
  event.image::pg_catalog.text AS image,
  event.lossy::pg_catalog.text AS lossy,
  event.object_id AS object_id,
  event.old_object_id AS old_object_id,
  CASE WHEN NOT measured.is_long THEN document.old END AS old,
  CASE WHEN NOT measured.is_long THEN document.new END AS new,
  CASE WHEN NOT measured.is_long THEN document.meta END AS meta,
  pg_catalog.array_to_json(event.masked)::pg_catalog.text AS masked,
  pg_catalog.array_to_json(event.drift)::pg_catalog.text AS drift,
  pg_catalog.array_to_json(event.redacted)::pg_catalog.text AS redacted,
  event.db_user AS db_user,
  pg_catalog.encode(event.salt, 'hex') AS salt,
  context.id::pg_catalog.text AS known_context_id,
  context.transaction_id::pg_catalog.text AS transaction_id,
  context.txid::pg_catalog.text AS context_txid,
  pg_catalog.trunc(extract(epoch FROM context.started_at) * 1000000)::pg_catalog.text AS started_at,
  context.uuid::pg_catalog.text AS uuid,
  context.root_uuid::pg_catalog.text AS root_uuid,
  context.user_id AS user_id,
  context.application_name AS application_name,
  pg_catalog.text(context.client_addr) AS client_addr,
  CASE WHEN NOT measured.is_long THEN document.metadata END AS metadata,
  context.context_error AS context_error,
  measured.is_long::pg_catalog.text AS is_long
FROM :schema.audit_event AS event
LEFT JOIN :schema.audit_context AS context ON context.id = event.context_id AND context.txid = event.txid
CROSS JOIN LATERAL (
  SELECT
    CASE WHEN $3::pg_catalog.bool THEN event.old::pg_catalog.text END AS old,
    CASE WHEN $3::pg_catalog.bool THEN event.new::pg_catalog.text END AS new,
    CASE WHEN $3::pg_catalog.bool THEN event.meta::pg_catalog.text END AS meta,
    CASE WHEN $3::pg_catalog.bool THEN context.metadata::pg_catalog.text END AS metadata
  OFFSET 0  -- or each would be made twice
) AS document
CROSS JOIN LATERAL (
  SELECT NOT $3::pg_catalog.bool OR coalesce(GREATEST(
    pg_catalog.octet_length(document.old), pg_catalog.octet_length(document.new), pg_catalog.octet_length(document.meta), pg_catalog.octet_length(document.metadata)
  ), 0) > 16384 AS is_long
) AS measured
WHERE event.id > $1::pg_catalog.int8 AND event.id <= $2::pg_catalog.int8
`,
  'read/system_identifier': `-- Names the cluster, as functions/system_identifier.sql does.
SELECT control.system_identifier::pg_catalog.text AS system FROM pg_catalog.pg_control_system() AS control
`,
  'read/this_cluster': `-- What transaction ids mean here: the one behind the last that is over, that of this
-- transaction if it has one, and whether this role may know which cluster it is.
SELECT
  pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::pg_catalog.text AS end,
  pg_catalog.pg_current_xact_id_if_assigned()::pg_catalog.text AS own,
  pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')::pg_catalog.text AS may_know
`,
  'read/tracked_tables': `-- The tables that are recorded, as SQL names them and as people read it.
SELECT name, pg_catalog.array_to_string(pg_catalog.parse_ident(name), '.') AS shown FROM :schema.tracked_tables()
`,
  'read/value_hash': `-- The SHA-256 of a value of an event as text, hexadecimal: null where that is more
-- than a billion bytes. $3 is the document, $4 the member of it, null: all of it.
SELECT CASE WHEN pg_catalog.octet_length(form.text) <= 1000000000 THEN
  pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(form.text, 'UTF8')), 'hex')
END AS hash
FROM :schema.audit_event AS event
LEFT JOIN :schema.audit_context AS context ON context.id = event.context_id AND context.txid = event.txid
CROSS JOIN LATERAL (
  SELECT CASE $3::text WHEN 'old' THEN event.old WHEN 'new' THEN event.new WHEN 'meta' THEN event.meta WHEN 'metadata' THEN context.metadata END AS value
) AS document
CROSS JOIN LATERAL (
  SELECT CASE WHEN $4::text IS NULL THEN document.value::text ELSE (document.value -> $4::text)::text END AS text
  OFFSET 0  -- or it would be made twice
) AS form
WHERE event.id = $1::pg_catalog.int8 AND pg_catalog.trunc(extract(epoch FROM event.changed_at) * 1000000)::text = $2::text
`,
  'read/verify_table': `-- A table compared with its log, as functions/verify.sql does it.
WITH tracked AS MATERIALIZED (
  SELECT :schema.table_id(CASE WHEN pg_catalog.cardinality(pg_catalog.parse_ident($1)) = 1 THEN pg_catalog.to_regclass($1) END, pg_catalog.parse_ident($1)) AS id
)
SELECT :schema.verify(tracked.id, $2::integer)::text AS answer
FROM tracked
`,
  'tables/audit_context': `-- Who, when, why and from where: one immutable row per transaction and
-- context, written by the first event that needs it (write_context).
--
-- Metadata, application_name and user_id are what the application claims;
-- client_addr and audit_event.db_user are facts.
CREATE TABLE IF NOT EXISTS :schema.audit_context (
  id               bigint      NOT NULL,  -- milliseconds since 1970 << 20 | sequence: ordered by time, so months of contexts are ranges of ids
  transaction_id   bigint      NOT NULL,  -- id of the transaction's first context: names it for good, where txids start again after a restore
  txid             xid8        NOT NULL,
  started_at       timestamptz NOT NULL,  -- of the transaction
  uuid             uuid        NOT NULL,
  root_uuid        uuid        NOT NULL,  -- of the outermost context: the request, the job
  user_id          text,
  application_name text,
  client_addr      inet,                  -- null: a unix socket
  metadata         jsonb,                 -- null: the application gave no context
  context_error    text,                  -- why what it gave could not be stored
  PRIMARY KEY (id)
) PARTITION BY RANGE (id);

-- only where it is missing: CREATE INDEX IF NOT EXISTS waits for every open
-- write, and lets none begin, also where there is nothing to do
DO $indexes$
BEGIN
  IF to_regclass(':schema.audit_context_root') IS NULL THEN
    CREATE INDEX audit_context_root ON :schema.audit_context (root_uuid);
  END IF;
  IF to_regclass(':schema.audit_context_user') IS NULL THEN
    CREATE INDEX audit_context_user ON :schema.audit_context (user_id, id) WHERE user_id IS NOT NULL;
  END IF;
  IF to_regclass(':schema.audit_context_transaction') IS NULL THEN
    CREATE INDEX audit_context_transaction ON :schema.audit_context (transaction_id) WHERE transaction_id <> id;
  END IF;
END
$indexes$;

CREATE SEQUENCE IF NOT EXISTS :schema.audit_context_id_seq OWNED BY :schema.audit_context.id;
`,
  'tables/audit_erasure': `-- What was erased from events, by whom and why: one row for each act. It says
-- which columns of how many events, and nothing of what they held.
CREATE TABLE IF NOT EXISTS :schema.audit_erasure (
  id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  erased_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  context_id bigint      NOT NULL,               -- audit_context.id: who asked for it, and why
  db_user    text        NOT NULL DEFAULT session_user,
  reason     text,                               -- as it was given; who signs contexts takes none into them from elsewhere
  table_id   integer,                            -- audit_table.id; null: of the contexts of a user
  columns    text[]      NOT NULL,               -- of the row; of contexts as context.user_id
  events     bigint      NOT NULL,
  contexts   bigint      NOT NULL,
  entries    bigint[]    NOT NULL                -- audit_seal.id: where the chain says it; empty where the log is not sealed
);

DO $columns$
BEGIN
  IF NOT EXISTS (
    SELECT FROM pg_attribute
    WHERE attrelid = ':schema.audit_erasure'::regclass AND attname = 'reason' AND NOT attisdropped
  ) THEN
    ALTER TABLE :schema.audit_erasure ADD COLUMN reason text;
  END IF;
END
$columns$;
`,
  'tables/audit_event': `-- The log: one row per changed row, append-only, partitioned by time.
CREATE TABLE IF NOT EXISTS :schema.audit_event (
  id            bigserial   NOT NULL,  -- from a sequence: the order of events within a row, whatever the clock does
  changed_at    timestamptz NOT NULL,  -- clock time
  txid          xid8        NOT NULL,
  context_id    bigint      NOT NULL,  -- audit_context.id; counts only where txid agrees, so a forged one attributes nothing
  table_id      integer     NOT NULL,  -- audit_table.id
  operation     "char"      NOT NULL,  -- I insert, U update, D delete, T truncate, S snapshot of a row that was already there
  image         "char"      NOT NULL,  -- what new (D: old) holds: f the full row, c the key and the changed columns, k the key alone
  lossy         boolean,               -- the row changed in a way that jsonb cannot tell, such as SQL NULL to JSON null
  object_id     text COLLATE "C",      -- the primary key as text, composite ones as a JSON array; null without one
  old_object_id text COLLATE "C",      -- only where the key changed
  old           jsonb,                 -- what the change replaced: an update's changed columns, a delete's row
  new           jsonb,                 -- the row after the change
  meta          jsonb,                 -- declared columns, copied
  masked        text[],                -- columns whose change is recorded and whose values are not
  drift         text[],                -- declared names that the row no longer had
  redacted      text[],                -- columns whose values were erased afterwards
  db_user       text        NOT NULL,  -- session_user
  salt          bytea,                 -- with tamper evidence: makes the leaf unguessable
  PRIMARY KEY (id, changed_at)
) PARTITION BY RANGE (changed_at);

-- only where it is missing: CREATE INDEX IF NOT EXISTS waits for every open
-- write, and lets none begin, also where there is nothing to do
DO $indexes$
BEGIN
  IF to_regclass(':schema.audit_event_object') IS NULL THEN
    CREATE INDEX audit_event_object ON :schema.audit_event (table_id, object_id, id);
  END IF;
  IF to_regclass(':schema.audit_event_old_object') IS NULL THEN
    CREATE INDEX audit_event_old_object ON :schema.audit_event (table_id, old_object_id, id) WHERE old_object_id IS NOT NULL;
  END IF;
  IF to_regclass(':schema.audit_event_context') IS NULL THEN
    CREATE INDEX audit_event_context ON :schema.audit_event (context_id);
  END IF;
  IF to_regclass(':schema.audit_event_time') IS NULL THEN
    -- without autosummarize a BRIN is blind for the newest rows, the most read ones; with the context
    -- it knows where events of transactions are that began long before, with the id what the clock disordered
    CREATE INDEX audit_event_time ON :schema.audit_event USING brin (changed_at, context_id, id) WITH (autosummarize = on, pages_per_range = 32);
  END IF;
END
$indexes$;
`,
  'tables/audit_leaf': `-- The leaves of each block of the chain: which events it seals, and their hashes.
-- It goes when retention has taken the last of them.
CREATE TABLE IF NOT EXISTS :schema.audit_leaf (
  block    bigint      PRIMARY KEY,  -- audit_seal.id, whose root the hashes lead to
  first_id bigint      NOT NULL,     -- the smallest of the ids,
  last_id  bigint      NOT NULL,     -- and the greatest
  since    timestamptz NOT NULL,     -- when the first of the events was,
  until    timestamptz NOT NULL,     -- and the last: which partitions they are in
  ids      bigint[]    NOT NULL,     -- audit_event.id, ascending
  hashes   bytea       NOT NULL      -- of each, in the same order, 32 bytes each
);

-- hashes do not compress
ALTER TABLE :schema.audit_leaf ALTER COLUMN hashes SET STORAGE EXTERNAL;

DO $indexes$
BEGIN
  IF to_regclass(':schema.audit_leaf_ids') IS NULL THEN
    CREATE INDEX audit_leaf_ids ON :schema.audit_leaf USING gist (int8range(first_id, last_id, '[]'));
  END IF;
END
$indexes$;
`,
  'tables/audit_purge': `-- What was purged of the log, by whom and until when: one row for each purge. A
-- purge takes many transactions, and one that was killed is gone on with from
-- what stands here.
CREATE TABLE IF NOT EXISTS :schema.audit_purge (
  id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  started_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  finished_at timestamptz,                       -- null: it is under way, or was killed
  context_id  bigint      NOT NULL,              -- audit_context.id: who asked for it, and why
  db_user     text        NOT NULL DEFAULT session_user,
  older_than  interval,                          -- as it was asked; null: the tables' own retention
  targets     jsonb       NOT NULL,              -- {table_id: until}: what of which table
  drops       boolean     NOT NULL,              -- whether partitions are dropped that hold nothing else
  contexts_before timestamptz NOT NULL,          -- contexts older than this go that no event needs
  counts      jsonb       NOT NULL DEFAULT '{}', -- {table_id: number of events}
  events      bigint      NOT NULL DEFAULT 0,
  contexts    bigint      NOT NULL DEFAULT 0,
  bytes       bigint      NOT NULL DEFAULT 0,    -- of rows that were deleted, and of partitions with their indexes
  partitions  text[]      NOT NULL DEFAULT '{}', -- that it has dropped
  leaver      text,                              -- the one that it is dropping
  place_log   text        NOT NULL DEFAULT 'audit_event',  -- how far it has come: the log,
  place_since timestamptz NOT NULL DEFAULT '-infinity',    -- where the partition begins,
  place_id    bigint      NOT NULL DEFAULT -1              -- and the last id that was looked at
);

DO $columns$
BEGIN
  IF NOT EXISTS (
    SELECT FROM pg_attribute
    WHERE attrelid = ':schema.audit_purge'::regclass AND attname = 'leaver' AND NOT attisdropped
  ) THEN
    ALTER TABLE :schema.audit_purge ADD COLUMN leaver text;
  END IF;
END
$columns$;
`,
  'tables/audit_seal': `-- The chain that makes the log tamper-evident: one entry for each block of sealed
-- events, and for what retention and erasure took out of blocks. Each names the
-- hash of the one before it. Entries are only ever added, one at a time, under a
-- lock of this table.
CREATE TABLE IF NOT EXISTS :schema.audit_seal (
  id    bigint PRIMARY KEY,  -- 0, 1, 2 ... without gaps
  entry json   NOT NULL      -- kept to the byte, for its text is what is hashed
);

DO $indexes$
BEGIN
  IF to_regclass(':schema.audit_seal_amendment') IS NULL THEN
    -- the few that say what became of blocks: there may be millions of these
    CREATE INDEX audit_seal_amendment ON :schema.audit_seal (id) WHERE entry ->> 'kind' IN ('retire', 'redact');
  END IF;
  IF to_regclass(':schema.audit_seal_base') IS NULL THEN
    -- and the fewer that say which cluster it is of
    CREATE INDEX audit_seal_base ON :schema.audit_seal (id) WHERE entry ->> 'kind' IN ('start', 'rebase');
  END IF;
  IF to_regclass(':schema.audit_seal_round') IS NULL THEN
    -- behind the last of these there may be an erasure of many events, whose entries are long
    CREATE INDEX audit_seal_round ON :schema.audit_seal (id) WHERE entry ->> 'kind' IN ('start', 'block', 'rebase');
  END IF;
END
$indexes$;
`,
  'tables/audit_setting': `-- What the log knows of itself: schema_version, incarnation, partitions
-- (how long they are, and how many are made ahead).
CREATE TABLE IF NOT EXISTS :schema.audit_setting (
  name  text  PRIMARY KEY,
  value jsonb NOT NULL
);

INSERT INTO :schema.audit_setting (name, value)
VALUES ('incarnation', '1')  -- counts the clusters that this log has lived in: transaction ids start again in each
ON CONFLICT DO NOTHING;
`,
  'tables/audit_shape': `-- The columns of a tracked table over time. All rows of one table with the
-- same valid_from are one shape, valid until the next one. Time travel needs
-- it to follow renames, typed reading to know which jsonb number was a bigint.
CREATE TABLE IF NOT EXISTS :schema.audit_shape (
  table_id     integer     NOT NULL,
  valid_from   timestamptz NOT NULL,
  attnum       smallint    NOT NULL,  -- within one relation: tells a rename from a drop and an add
  column_name  text        NOT NULL,
  data_type    text        NOT NULL,  -- format_type(), qualified outside pg_catalog
  base_type    text        NOT NULL,  -- the type below all domains
  key_position smallint,              -- 1-based place in the primary key
  identity     "char"      NOT NULL,  -- pg_attribute.attidentity
  generated    "char"      NOT NULL,  -- pg_attribute.attgenerated
  recorded     "char",                -- how changes of it were recorded: y, i ignored (a change of it alone is no event), n not at all
  relation     oid,                   -- of the table then: another one was created anew or restored, and numbers its columns anew
  PRIMARY KEY (table_id, valid_from, column_name)
);

DO $columns$
BEGIN
  IF NOT EXISTS (
    SELECT FROM pg_attribute
    WHERE attrelid = ':schema.audit_shape'::regclass AND attname = 'relation' AND NOT attisdropped
  ) THEN
    ALTER TABLE :schema.audit_shape ADD COLUMN relation oid, ADD COLUMN recorded "char";
  END IF;
END
$columns$;
`,
  'tables/audit_table': `-- One row per tracked table. Events carry the small id, so a table that is
-- renamed, or moved to another schema, keeps its history.
--
-- The live link between a table and its id is the trigger in the catalogue,
-- which calls capture_<id>; the names here are those of the last sync, for
-- tables that are gone.
CREATE TABLE IF NOT EXISTS :schema.audit_table (
  id           integer        GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  schema_name  text           NOT NULL,
  table_name   text           NOT NULL,
  app          text           NOT NULL,  -- whose declaration this is: prune removes only its own
  declaration  jsonb          NOT NULL,
  key_columns  text[]         NOT NULL,  -- empty: no primary key, events without object_id
  tracked      tstzmultirange NOT NULL,  -- the periods in which every change was recorded: since when, with which gaps
  confirmed_at timestamptz    NOT NULL,  -- when the triggers were last seen in place: where an unnoticed gap can begin at the earliest
  rows_known_since timestamptz,          -- from when on each row has an event: the table was empty when its recording began; null: it was not
  purged_until timestamptz,              -- events before it may have been purged; null: none was
  rows_noted_at timestamptz,             -- when backfill last saw to it that each row has an event, noting those that had none, if any
  doubtful     tstzmultirange NOT NULL DEFAULT '{}',  -- in which a change was made that nobody recorded, and was accepted later (accept_unlogged)
  erased_at    timestamptz,              -- values of events before it may have been erased; null: none were
  keys_erased  boolean        NOT NULL DEFAULT false  -- whether something else stands for the object_id of some
);

DO $columns$
BEGIN
  IF NOT EXISTS (
    SELECT FROM pg_attribute
    WHERE attrelid = ':schema.audit_table'::regclass AND attname = 'rows_known_since' AND NOT attisdropped
  ) THEN
    ALTER TABLE :schema.audit_table ADD COLUMN rows_known_since timestamptz;
  END IF;
  IF NOT EXISTS (
    SELECT FROM pg_attribute
    WHERE attrelid = ':schema.audit_table'::regclass AND attname = 'purged_until' AND NOT attisdropped
  ) THEN
    ALTER TABLE :schema.audit_table ADD COLUMN purged_until timestamptz;
  END IF;
  IF NOT EXISTS (
    SELECT FROM pg_attribute
    WHERE attrelid = ':schema.audit_table'::regclass AND attname = 'doubtful' AND NOT attisdropped
  ) THEN
    ALTER TABLE :schema.audit_table ADD COLUMN rows_noted_at timestamptz, ADD COLUMN doubtful tstzmultirange NOT NULL DEFAULT '{}';
  END IF;
  IF NOT EXISTS (
    SELECT FROM pg_attribute
    WHERE attrelid = ':schema.audit_table'::regclass AND attname = 'erased_at' AND NOT attisdropped
  ) THEN
    ALTER TABLE :schema.audit_table ADD COLUMN erased_at timestamptz, ADD COLUMN keys_erased boolean NOT NULL DEFAULT false;
  END IF;
END
$columns$;

CREATE INDEX IF NOT EXISTS audit_table_name ON :schema.audit_table (table_name, schema_name);
`,
  'undo/undo': `-- What functions/undo.sql does or shows, line by line.
--   $1, $2, $3, $4 an event, a transaction, a root, a request; $5 dry run; $6 on conflict
SELECT part, document::text
FROM :schema.undo($1::bigint, $2::bigint, $3::uuid, $4, $5::boolean, $6)
`,
  'views/auditlog': `-- The log as people read it: complete for every operation, no join to write.
-- Readers need SELECT here and USAGE on the schema, nothing else; the diff is
-- spelled out rather than called, because EXECUTE on functions in a view is
-- checked against the reader.
CREATE OR REPLACE VIEW :schema.auditlog AS
SELECT
  event.id,
  event.changed_at,
  CASE event.operation
    WHEN 'I' THEN 'insert'
    WHEN 'U' THEN 'update'
    WHEN 'D' THEN 'delete'
    WHEN 'T' THEN 'truncate'
    WHEN 'S' THEN 'snapshot'
  END AS operation,
  tracked.schema_name,
  tracked.table_name,
  event.object_id,
  context.user_id,
  CASE event.operation
    WHEN 'U' THEN event.new || event.old
    WHEN 'D' THEN event.old
  END AS old_data,
  event.new AS new_data,
  CASE event.operation
    WHEN 'U' THEN (
      SELECT coalesce(jsonb_object_agg(replaced.key, jsonb_build_object('old', replaced.value, 'new', event.new -> replaced.key)), '{}')
      FROM jsonb_each(event.old) AS replaced
      -- as text: 1.0 and 1.00 are equal as jsonb
      WHERE replaced.value::text IS DISTINCT FROM (event.new -> replaced.key)::text
    )
    WHEN 'I' THEN (
      SELECT jsonb_object_agg(inserted.key, jsonb_build_object('old', NULL, 'new', inserted.value))
      FROM jsonb_each(event.new) AS inserted
    )
    WHEN 'D' THEN (
      SELECT jsonb_object_agg(deleted.key, jsonb_build_object('old', deleted.value, 'new', NULL))
      FROM jsonb_each(event.old) AS deleted
    )
  END AS diff,
  context.metadata ->> 'change_reason' AS change_reason,
  context.metadata ->> 'source' AS source,
  event.db_user,
  context.client_addr,
  context.application_name,
  context.transaction_id,
  context.id AS context_id,
  context.uuid AS context_uuid,
  context.root_uuid,
  context.metadata,
  context.context_error,
  event.old_object_id,
  event.meta,
  event.masked,
  event.drift,
  event.redacted,
  CASE event.image WHEN 'f' THEN 'full' WHEN 'c' THEN 'changed' WHEN 'k' THEN 'key' END AS image,
  coalesce(event.lossy, false) AS lossy,
  event.txid,
  event.table_id
FROM :schema.audit_event AS event
JOIN :schema.audit_table AS tracked ON tracked.id = event.table_id
-- on both: whoever forges a context id attributes nothing to somebody else
LEFT JOIN :schema.audit_context AS context ON context.id = event.context_id AND context.txid = event.txid;

COMMENT ON VIEW :schema.auditlog IS 'Every change of every tracked table, one row for each changed row. The order within a row is id.';
COMMENT ON COLUMN :schema.auditlog.id IS 'the order of the changes of a row, whatever the clock does';
COMMENT ON COLUMN :schema.auditlog.changed_at IS 'when the row was changed, by the clock of the server';
COMMENT ON COLUMN :schema.auditlog.operation IS 'insert, update, delete, truncate, or snapshot: a row that was there before it was tracked';
COMMENT ON COLUMN :schema.auditlog.schema_name IS 'the schema of the table, as of the last sync';
COMMENT ON COLUMN :schema.auditlog.table_name IS 'the table, by its name as of the last sync';
COMMENT ON COLUMN :schema.auditlog.object_id IS 'the primary key as text, a composite one as the text of a JSON array in the order of the key; null without one';
COMMENT ON COLUMN :schema.auditlog.old_object_id IS 'the primary key before, where the change was one of the key';
COMMENT ON COLUMN :schema.auditlog.user_id IS 'the actor as text: a claim of the application';
COMMENT ON COLUMN :schema.auditlog.old_data IS 'the row before; with image changed what is known of it';
COMMENT ON COLUMN :schema.auditlog.new_data IS 'the row after; with image changed its key and changed columns';
COMMENT ON COLUMN :schema.auditlog.diff IS '{"column": {"old": ..., "new": ...}} of the recorded columns that changed';
COMMENT ON COLUMN :schema.auditlog.change_reason IS 'why, of the metadata: a claim';
COMMENT ON COLUMN :schema.auditlog.source IS 'where it came from, of the metadata: web, cron; a claim';
COMMENT ON COLUMN :schema.auditlog.meta IS 'the columns declared as meta, as they were';
COMMENT ON COLUMN :schema.auditlog.masked IS 'columns that changed and whose values are stored nowhere, or were erased';
COMMENT ON COLUMN :schema.auditlog.drift IS 'declared columns that the row no longer had: what must not be stored was left out';
COMMENT ON COLUMN :schema.auditlog.redacted IS 'columns whose values were erased afterwards';
COMMENT ON COLUMN :schema.auditlog.image IS 'what the data holds: the full row, the key and changed columns, or the key alone';
COMMENT ON COLUMN :schema.auditlog.lossy IS 'the row changed in a way that JSON cannot tell, such as SQL NULL to JSON null';
COMMENT ON COLUMN :schema.auditlog.db_user IS 'the role that was logged in: a fact';
COMMENT ON COLUMN :schema.auditlog.client_addr IS 'where the connection came from: a fact; null on a unix socket';
COMMENT ON COLUMN :schema.auditlog.application_name IS 'what the connection called itself: a claim';
COMMENT ON COLUMN :schema.auditlog.metadata IS 'who, why and from where: what the application claimed';
COMMENT ON COLUMN :schema.auditlog.context_error IS 'why some or all of what the application gave could not be stored';
COMMENT ON COLUMN :schema.auditlog.context_id IS 'the context of the change: a transaction has a new one when its metadata changes';
COMMENT ON COLUMN :schema.auditlog.context_uuid IS 'the context by the id that the application gave it; the same in all transactions of one block';
COMMENT ON COLUMN :schema.auditlog.root_uuid IS 'the outermost block: everything that one request or job did';
COMMENT ON COLUMN :schema.auditlog.txid IS 'the transaction as PostgreSQL counts it';
COMMENT ON COLUMN :schema.auditlog.table_id IS 'the table, whatever it is called; what the index of the log is on';
COMMENT ON COLUMN :schema.auditlog.transaction_id IS 'names the transaction for good; txid starts again when a dump is restored';
`,
  'views/contexts': `-- The contexts as people read them: who, when, why and from where, one row for
-- each transaction and context. Events refer to them by auditlog.context_id.
-- Readers need SELECT here and USAGE on the schema, nothing else.
CREATE OR REPLACE VIEW :schema.contexts AS
SELECT
  context.id,
  context.started_at,
  context.user_id,
  context.metadata ->> 'change_reason' AS change_reason,
  context.metadata ->> 'source' AS source,
  context.client_addr,
  context.application_name,
  context.transaction_id,
  context.uuid,
  context.root_uuid,
  context.metadata,
  context.context_error,
  context.txid
FROM :schema.audit_context AS context
-- a second item keeps PostgreSQL from passing writes through, also those of the owner
CROSS JOIN (SELECT) AS read_only;

COMMENT ON VIEW :schema.contexts IS 'Who, when, why and from where: one row for each transaction and context that changed something.';
COMMENT ON COLUMN :schema.contexts.id IS 'what context_id of auditlog refers to; ordered by time';
COMMENT ON COLUMN :schema.contexts.started_at IS 'when the transaction began';
COMMENT ON COLUMN :schema.contexts.user_id IS 'the actor as text: a claim of the application';
COMMENT ON COLUMN :schema.contexts.client_addr IS 'where the connection came from: a fact; null on a unix socket';
COMMENT ON COLUMN :schema.contexts.application_name IS 'what the connection called itself: a claim';
COMMENT ON COLUMN :schema.contexts.metadata IS 'what the application claimed; null where it gave no context';
COMMENT ON COLUMN :schema.contexts.context_error IS 'why some or all of what the application gave could not be stored';
COMMENT ON COLUMN :schema.contexts.uuid IS 'the context by the id that the application gave it; the same in all transactions of one block';
COMMENT ON COLUMN :schema.contexts.root_uuid IS 'the outermost block: everything that one request or job did';
COMMENT ON COLUMN :schema.contexts.transaction_id IS 'names the transaction for good; txid starts again when a dump is restored';
`,
  'views/erasures': `-- What was erased from events, as people read it. Readers need SELECT here and
-- USAGE on the schema, nothing else.
CREATE OR REPLACE VIEW :schema.erasures AS
SELECT
  erasure.id,
  erasure.erased_at,
  context.user_id,
  CASE
    -- behind the reasons around it
    WHEN right(context.metadata ->> 'change_reason', length(erasure.reason)) = erasure.reason THEN context.metadata ->> 'change_reason'
    ELSE concat_ws(' -> ', context.metadata ->> 'change_reason', erasure.reason)
  END AS change_reason,
  erasure.db_user,
  context.client_addr,
  context.application_name,
  known.schema_name,
  known.table_name,
  erasure.columns,
  erasure.events,
  erasure.contexts,
  erasure.entries
FROM :schema.audit_erasure AS erasure
LEFT JOIN :schema.audit_table AS known ON known.id = erasure.table_id
LEFT JOIN :schema.audit_context AS context ON context.id = erasure.context_id
-- a second item keeps PostgreSQL from passing writes through, also those of the owner
CROSS JOIN (SELECT) AS read_only;

COMMENT ON VIEW :schema.erasures IS 'What was erased from events: by whom, why, and which columns of how many.';
COMMENT ON COLUMN :schema.erasures.user_id IS 'who asked for it: a claim of the application';
COMMENT ON COLUMN :schema.erasures.db_user IS 'the role that was logged in: a fact';
COMMENT ON COLUMN :schema.erasures.table_name IS 'of a row of which table; null: of the contexts of a user';
COMMENT ON COLUMN :schema.erasures.columns IS 'the columns of the row; what went of contexts is called context.user_id and the like';
COMMENT ON COLUMN :schema.erasures.events IS 'whose values, or whose context, went';
COMMENT ON COLUMN :schema.erasures.contexts IS 'of which something went';
COMMENT ON COLUMN :schema.erasures.entries IS 'of the chain, which says it, and of each sealed event what it is now';
`,
  'views/purges': `-- What was purged of the log, as people read it. Readers need SELECT here and
-- USAGE on the schema, nothing else.
CREATE OR REPLACE VIEW :schema.purges AS
SELECT
  purge.id,
  purge.started_at,
  purge.finished_at,
  context.user_id,
  context.metadata ->> 'change_reason' AS change_reason,
  purge.db_user,
  context.client_addr,
  context.application_name,
  purge.older_than,
  (
    SELECT coalesce(jsonb_agg(
      jsonb_build_object(
        'table', known.schema_name || '.' || known.table_name,
        'until', target.value,
        'events', coalesce((purge.counts -> target.key)::bigint, 0)
      )
      ORDER BY known.id
    ), '[]')
    FROM jsonb_each(purge.targets) AS target
    JOIN :schema.audit_table AS known ON known.id = target.key::integer
  ) AS tables,
  purge.events,
  purge.contexts,
  purge.bytes,
  purge.partitions
FROM :schema.audit_purge AS purge
LEFT JOIN :schema.audit_context AS context ON context.id = purge.context_id
-- a second item keeps PostgreSQL from passing writes through, also those of the owner
CROSS JOIN (SELECT) AS read_only;

COMMENT ON VIEW :schema.purges IS 'What was purged of the log: by whom, how much, and until when.';
COMMENT ON COLUMN :schema.purges.finished_at IS 'null: it is under way, or was killed; maintain() goes on with it';
COMMENT ON COLUMN :schema.purges.user_id IS 'who asked for it: a claim of the application';
COMMENT ON COLUMN :schema.purges.db_user IS 'the role that was logged in: a fact';
COMMENT ON COLUMN :schema.purges.older_than IS 'as it was asked; null: the retention that the tables declare';
COMMENT ON COLUMN :schema.purges.tables IS '[{"table": ..., "until": events before it are gone, "events": how many}]';
COMMENT ON COLUMN :schema.purges.contexts IS 'contexts that no event needed any more';
COMMENT ON COLUMN :schema.purges.bytes IS 'of the rows that were deleted, and of dropped partitions with their indexes';
COMMENT ON COLUMN :schema.purges.partitions IS 'those that were dropped';
`,
} as const
