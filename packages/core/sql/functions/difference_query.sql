-- A query that tells whether two rows of a table, $1 and $2, differ byte by
-- byte in one of these columns. For the rare update of which jsonb cannot tell
-- whether it changed anything that is recorded: the comparison of whole rows
-- cannot leave columns out. Names that are gone are passed over.
CREATE OR REPLACE FUNCTION :schema.difference_query(relation oid, names text[])
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT format(
    'SELECT NOT ROW(%s)::record OPERATOR(pg_catalog.*=) ROW(%s)::record',
    string_agg(format('($1).%I', attname), ', ' ORDER BY attnum),
    string_agg(format('($2).%I', attname), ', ' ORDER BY attnum)
  )
  FROM pg_attribute
  WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped AND attname = ANY (names)
$function$;
