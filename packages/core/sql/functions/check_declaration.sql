-- Refuses, before anything is changed, a declaration that does not fit its
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
    ELSIF declaration ? 'label' AND (jsonb_typeof(declaration -> 'label') <> 'string' OR declaration ->> 'label' !~ '\S') THEN
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
          E'SELECT FROM (SELECT (NULL::%1$s).*) AS %3$I, (SELECT (NULL::%1$s).*) AS %4$I WHERE (%2$s\n) LIMIT 0',
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
