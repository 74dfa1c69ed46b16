-- SQL for the object_id of a live row, called live, as its events have it: for
-- functions with the same settings as those that write them.
CREATE OR REPLACE FUNCTION :schema.live_id(relation oid)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT format(
    CASE
      WHEN bool_and(type IN ('smallint', 'integer', 'bigint', 'boolean', 'uuid', 'date', 'timestamp without time zone', 'timestamp with time zone'))
      THEN '(%s)'
      ELSE ':schema.bounded_id(%s)'
    END,
    :schema.key_expression(
      format('jsonb_build_object(%s)', string_agg(format('%1$L, live.%1$I', name), ', ' ORDER BY number)),
      array_agg(name ORDER BY number)
    )
  )
  FROM :schema.key_parts(relation)
$function$;
