-- The columns of a table's primary key, in key order, with what it takes to
-- compare them by its index under any search_path: the type without its
-- modifier, and the schema of its operators.
CREATE OR REPLACE FUNCTION :schema.key_parts(relation oid)
RETURNS TABLE (number integer, name text, type text, operators text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $function$
#variable_conflict use_column
BEGIN
  RETURN QUERY
    SELECT
      key.position::integer,
      attribute.attname::text,
      -- these two would have a modifier where none is written
      CASE attribute.atttypid WHEN 'bpchar'::regtype THEN 'bpchar' WHEN 'bit'::regtype THEN '"bit"' ELSE format_type(attribute.atttypid, NULL) END,
      quote_ident(namespace.nspname)
    FROM pg_index AS index
    CROSS JOIN unnest(index.indkey::smallint[], index.indclass::oid[]) WITH ORDINALITY AS key (attnum, class, position)
    JOIN pg_attribute AS attribute ON attribute.attrelid = index.indrelid AND attribute.attnum = key.attnum
    JOIN pg_opclass AS class ON class.oid = key.class
    JOIN pg_amop AS member
      ON member.amopfamily = class.opcfamily AND member.amopstrategy = 3
      AND member.amoplefttype = class.opcintype AND member.amoprighttype = class.opcintype
    JOIN pg_operator AS operator ON operator.oid = member.amopopr
    JOIN pg_namespace AS namespace ON namespace.oid = operator.oprnamespace
    WHERE index.indrelid = relation AND index.indisprimary AND key.position <= index.indnkeyatts;
END
$function$;
