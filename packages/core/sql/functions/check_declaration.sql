-- Refuses, before anything is changed, a declaration that does not fit its
-- table. SQLSTATE AU002; the message says what is wrong, the hint what to do.
CREATE OR REPLACE FUNCTION :schema.check_declaration(relation regclass, declaration jsonb)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  known    text[] := ARRAY['only', 'exclude', 'ignore', 'mask', 'meta', 'when', 'image', 'requireContext', 'label'];
  class    record;
  key      text[] := :schema.key_columns(relation);
  option   text;
  name     text;
  operation text;
  expression text;
  problem  text;
  remedy   text;
BEGIN
  SELECT relkind, relpersistence, relispartition, nspname INTO class
  FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
  WHERE pg_class.oid = relation;

  <<examine>>
  BEGIN
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
        remedy := format('The options are: %s.', array_to_string(known, ', '));
        EXIT examine;
      ELSIF option IN ('only', 'exclude', 'ignore', 'mask', 'meta') THEN
        FOR name IN SELECT jsonb_array_elements_text(declaration -> option) LOOP
          IF NOT EXISTS (
            SELECT FROM pg_attribute
            WHERE attrelid = relation AND attname = name AND attnum > 0 AND NOT attisdropped
          ) THEN
            problem := format('Table %s has no column %I, which %L names.', relation, name, option);
            remedy := 'Correct the name, or add the column first.';
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

    IF declaration ->> 'image' NOT IN ('full', 'changed') THEN
      problem := format('The declaration of %s has the image %L.', relation, declaration ->> 'image');
      remedy := 'An image is full or changed.';
      EXIT examine;
    END IF;

    -- evaluated against no row: the parser and the types are what is asked
    FOR operation, expression IN
      SELECT 'when', declaration ->> 'when' WHERE jsonb_typeof(declaration -> 'when') = 'string'
      UNION ALL
      SELECT 'when.' || each.key, each.value
      FROM jsonb_each_text(CASE jsonb_typeof(declaration -> 'when') WHEN 'object' THEN declaration -> 'when' END) AS each
    LOOP
      BEGIN
        EXECUTE format(
          E'SELECT FROM (SELECT (NULL::%1$s).*) AS old, (SELECT (NULL::%1$s).*) AS new WHERE (%2$s\n) LIMIT 0',
          relation, expression);
      EXCEPTION WHEN OTHERS THEN
        problem := format('The condition %L of %s cannot be evaluated: %s.', expression, relation, SQLERRM);
        remedy := 'Write it as SQL over OLD and NEW that gives a boolean, with functions qualified by their schema.';
        EXIT examine;
      END;
    END LOOP;
    RETURN;
  END examine;

  RAISE EXCEPTION USING ERRCODE = 'AU002', MESSAGE = problem, HINT = remedy;
END
$function$;
