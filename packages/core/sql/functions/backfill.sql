-- Records the present rows of a tracked table as snapshots, and returns how
-- many:
--   select auditrum.backfill('orders');
-- Only rows that have no event since the table is recorded without a gap: run
-- again it records nothing, and after a gap every row anew. What `when` would
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
        E'AND (' || condition || E'\n) IS NOT FALSE'
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
