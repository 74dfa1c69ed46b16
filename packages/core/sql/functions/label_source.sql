-- The SQL of a declared label over a row's image, $1: a table's label_<id> is
-- made of it. It sees the recorded columns and nothing else, whatever the image
-- holds; of a label over the whole row (public.title(orders)) that is sure only
-- where all columns are recorded. Null, and the problem, where it cannot be.
CREATE OR REPLACE FUNCTION :schema.label_source(
  relation oid, declaration jsonb, OUT source text, OUT problem text, OUT is_secret boolean
)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  columns record;
  label   text := declaration ->> 'label';
  rows    text;
BEGIN
  is_secret := false;
  SELECT
    bool_or(own.column_name = label) AS is_named,
    coalesce(bool_or(own.recorded = 'n'), false) AS are_secret,
    string_agg(
      format('%I %s', own.column_name, regexp_replace(regexp_replace(own.base_type, '^character(?=\[|$)', 'bpchar'), '^bit(?=\[|$)', '"bit"')),
      ', ' ORDER BY own.attnum
    ) FILTER (WHERE own.recorded <> 'n') AS definition,
    (SELECT relname FROM pg_class WHERE oid = relation) AS row_name
  INTO columns
  FROM :schema.table_columns(relation, declaration) AS own;
  IF columns.is_named THEN
    label := quote_ident(label);
  END IF;

  FOREACH rows IN ARRAY ARRAY[
    format('jsonb_to_record($1) AS %I (%s)', columns.row_name, columns.definition),
    format('jsonb_populate_record(NULL::%s, $1) AS %I', relation::regclass, columns.row_name)
  ] LOOP
    BEGIN
      -- in WHERE no aggregate and no set is allowed
      EXECUTE format(E'SELECT FROM %s WHERE (%s\n)::text <> %L LIMIT 0', rows, label, '') USING '{}'::jsonb;
      IF problem IS NOT NULL AND columns.are_secret THEN
        is_secret := true;
      ELSE
        problem := NULL;
        source := format(E'SELECT (%s\n)::text FROM %s', label, rows);
      END IF;
      RETURN;
    EXCEPTION WHEN OTHERS THEN
      problem := SQLERRM;
    END;
  END LOOP;
END
$function$;
