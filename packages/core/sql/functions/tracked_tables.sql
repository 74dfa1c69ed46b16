-- The tables that are recorded, or were until their triggers went away unnoticed,
-- and are there.
CREATE OR REPLACE FUNCTION :schema.tracked_tables()
RETURNS TABLE (tracked_id integer, name text)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT known.id, format('%I.%I', namespace.nspname, class.relname)
  FROM :schema.audit_table AS known
  CROSS JOIN LATERAL (SELECT :schema.live_table(known.id) AS relation) AS live
  JOIN pg_class AS class ON class.oid = live.relation
  JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
  WHERE upper_inf(known.tracked)
  ORDER BY namespace.nspname, class.relname
$function$;
