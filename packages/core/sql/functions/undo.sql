-- Undoes an event, a transaction, a root or a request, in the transaction of the
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
