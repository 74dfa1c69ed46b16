-- Former partitions of a log that somebody has detached by hand and that hold rows
-- still: nobody reads these. Those that a purge let go are none.
CREATE OR REPLACE FUNCTION :schema.detached_partitions(log text)
RETURNS TABLE (name text, relation oid)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  parent    regclass := to_regclass(format('%I.%I', :'schema', log));
  holds_any boolean;
BEGIN
  FOR name, relation IN
    SELECT class.relname::text, class.oid
    FROM pg_class AS class JOIN pg_class AS own ON own.oid = parent
    WHERE class.relkind = 'r' AND NOT class.relispartition AND class.relpersistence = own.relpersistence
      AND class.relnamespace = own.relnamespace AND class.relowner = own.relowner
      AND starts_with(class.relname, log || '_') AND class.relname <> log || '_overflow'
      AND NOT EXISTS (SELECT FROM pg_inherits AS link WHERE class.oid IN (link.inhrelid, link.inhparent))
      AND NOT EXISTS (SELECT FROM :schema.audit_purge AS purge WHERE class.relname = purge.leaver OR class.relname = ANY (purge.partitions))
      AND ARRAY(SELECT (attname, atttypid, attnotnull)::text FROM pg_attribute WHERE attrelid = class.oid AND attnum > 0 AND NOT attisdropped ORDER BY attname)
        = ARRAY(SELECT (attname, atttypid, attnotnull)::text FROM pg_attribute WHERE attrelid = parent AND attnum > 0 AND NOT attisdropped ORDER BY attname)
    ORDER BY class.relname
  LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM %s)', relation::regclass) INTO holds_any;
    IF holds_any THEN
      RETURN NEXT;
    END IF;
  END LOOP;
END
$function$;
