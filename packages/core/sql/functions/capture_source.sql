-- Writes the body of a table's trigger function. Every table has one of its
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
      E',\n      ' ORDER BY attnum
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
    WHERE context.ctid = substring(current_setting(%3$L, true) FROM '\(\d{1,9},\d{1,4}\)$')::tid
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
