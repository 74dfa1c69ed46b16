-- Tracks a table: writes its capture function and triggers, and what is known
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
