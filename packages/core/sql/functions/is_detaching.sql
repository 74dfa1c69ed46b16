-- Whether somebody is detaching a partition now, by the statement of src/keep/detach.ts.
-- What others do shows only to who may see it: where it does not, this is false.
CREATE OR REPLACE FUNCTION :schema.is_detaching(partition text)
RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT EXISTS (
    SELECT FROM pg_stat_activity AS other
    WHERE other.datname = current_database() AND other.state = 'active' AND other.pid <> pg_backend_pid()
      AND strpos(other.query, format('DETACH PARTITION :schema."%s" CONCURRENTLY', replace(partition, '"', '""'))) > 0
  )
$function$;
