-- The tracked id of the table of which a value is a row: of NULL::orders.
CREATE OR REPLACE FUNCTION :schema.row_type_table(row_type regtype)
RETURNS integer
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  class record;
BEGIN
  SELECT class_of.oid, namespace.nspname, class_of.relname
  INTO class
  FROM pg_type AS type
  JOIN pg_class AS class_of ON class_of.oid = type.typrelid AND class_of.relkind IN ('r', 'p')
  JOIN pg_namespace AS namespace ON namespace.oid = class_of.relnamespace
  WHERE type.oid = row_type;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('A value of type %s is no row of a table.', row_type),
      HINT = 'Name the table by its row type: NULL::orders.';
  END IF;
  RETURN :schema.table_id(class.oid, ARRAY[class.nspname, class.relname]::text[]);
END
$function$;
