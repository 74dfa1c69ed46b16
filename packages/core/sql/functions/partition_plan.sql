-- How long partitions are, and how many of them are made ahead: as
-- create_partitions was last told.
CREATE OR REPLACE FUNCTION :schema.partition_plan(OUT unit text, OUT ahead integer)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT coalesce(setting.value ->> 'unit', 'month'), coalesce((setting.value -> 'ahead')::integer, 3)
  FROM (VALUES (1)) AS always (one)
  LEFT JOIN :schema.audit_setting AS setting ON setting.name = 'partitions'
$function$;
