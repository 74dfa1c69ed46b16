-- What a declared label reaches for beyond the columns of its row and PostgreSQL's
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
      E'CREATE FUNCTION %s RETURNS text LANGUAGE sql BEGIN ATOMIC SELECT (%s\n)::text FROM %s; END',
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
      FROM regexp_matches(tree, ' :funcid (\d+) ', 'g') AS call (ids)
      JOIN pg_proc AS function ON function.oid = call.ids[1]::oid
      WHERE function.provolatile = 'v' OR function.proname ~ '_to_xml'
    ),
    -- in names and values these braces are escaped
    CASE WHEN tree ~ '(^|[^\\])\{SUBLINK ' THEN 'a sub-select' END,
    CASE WHEN tree ~ '[^\\]\{PARAM .*[^\\]\{PARAM ' THEN 'the image of the row' END
  );
  EXECUTE format('DROP FUNCTION %s', draft);
  RETURN reach;
END
$function$;
