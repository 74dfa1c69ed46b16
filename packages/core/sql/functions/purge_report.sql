-- What a purge has done, as purge and maintain return it. No SQL function: these
-- keep a plan for all of a transaction, also where partitions of it were dropped.
CREATE OR REPLACE FUNCTION :schema.purge_report(purge_id bigint)
RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET "TimeZone" = 'UTC'
AS $function$
BEGIN
  RETURN (
    SELECT jsonb_build_object(
      'id', purge.id::text,
      'events', purge.events,
      'contexts', purge.contexts,
      'bytes', purge.bytes,
      'partitions', purge.partitions,
      'tables', purge.tables
    )
    FROM :schema.purges AS purge
    WHERE purge.id = purge_id
  );
END
$function$;
