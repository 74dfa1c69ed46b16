-- The SQL of a declared label over a row's image, $1: a table's label_<id> is
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
      FOR probe IN EXECUTE format(E'SELECT FROM %s WHERE (%s\n)::text <> %L LIMIT 0', record, label, '') USING '{}'::jsonb LOOP
      END LOOP;
      IF problem IS NULL THEN
        source := format(E'SELECT (%s\n)::text FROM %s', label, record);
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
