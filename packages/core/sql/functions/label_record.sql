-- SQL for the record over which a table's label is evaluated, made of the row's
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
      ELSE regexp_replace(regexp_replace(own.base_type, '^character(?=\[|$)', 'bpchar'), '^bit(?=\[|$)', '"bit"')
    END),
    ', ' ORDER BY own.attnum
  ))
  FROM :schema.table_columns($1, $2) AS own
  LEFT JOIN pg_type AS type ON type.oid = to_regtype(own.base_type)
  WHERE own.recorded <> 'n'
$function$;
