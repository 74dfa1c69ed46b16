-- From when on the log has its partitions; null where it has all. After a purge it
-- has, too: what that took is noted with each table (known_since). It looks for what
-- tells at once that some are gone; a gap that somebody left between two of them
-- mend_log finds.
CREATE OR REPLACE FUNCTION :schema.log_start()
RETURNS timestamptz
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET "TimeZone" = 'UTC'
SET "DateStyle" = 'ISO'
AS $function$
BEGIN
  RETURN (
    WITH part AS NOT MATERIALIZED (
      SELECT inhrelid AS relation FROM pg_inherits
      WHERE inhparent = ':schema.audit_event'::regclass AND NOT inhdetachpending
    ), bound (text) AS NOT MATERIALIZED (
      -- null of one that was dropped after the snapshot was taken
      SELECT pg_get_expr((SELECT relpartbound FROM pg_class WHERE oid = relation), relation) FROM part
    )
    -- the first begins at MINVALUE, and each other where one ends: else somebody dropped what was between
    SELECT CASE
      WHEN NOT EXISTS (SELECT FROM bound WHERE bound.text LIKE '%FROM (MINVALUE)%')
        OR EXISTS (SELECT FROM part WHERE pg_relation_filenode(part.relation) IS NULL)
      THEN (
        SELECT max(substring(own.since FROM $pattern$'([^']+)'$pattern$)::timestamptz)
        FROM (SELECT split_part(substring(bound.text FROM '^FOR VALUES FROM (.*)$'), ' TO ', 1) AS since FROM bound) AS own
        WHERE own.since <> '(MINVALUE)' AND own.since NOT IN (SELECT split_part(bound.text, ' TO ', 2) FROM bound WHERE bound.text IS NOT NULL)
      )
    END
  );
END
$function$;
