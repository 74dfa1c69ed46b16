-- SQL that finds the rows of a table, called live, by keys in documents.
--   definition  the key's columns, as of a record called named
--   condition   live is the row that named names
--   place       the live row's key as a document
CREATE OR REPLACE FUNCTION :schema.key_join(relation oid, OUT definition text, OUT condition text, OUT place text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT
    string_agg(format('%I %s', name, type), ', ' ORDER BY number),
    string_agg(format('live.%1$I OPERATOR(%2$s.=) named.%1$I', name, operators), ' AND ' ORDER BY number),
    format('pg_catalog.jsonb_build_object(%s)', string_agg(format('%1$L::text, live.%1$I', name), ', ' ORDER BY number))
  FROM :schema.key_parts(relation)
$function$;
