-- A moment as values, and from when on changes can be after it: what indexes and
-- partitions know before each change is looked at.
CREATE OR REPLACE FUNCTION :schema.moment_parts(
  moment jsonb,
  OUT at timestamptz, OUT event bigint, OUT open xid8[], OUT open_since timestamptz, OUT snapshot pg_snapshot, OUT unseen_since timestamptz,
  OUT earliest timestamptz
)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
AS $function$
BEGIN
  at := moment ->> 'at';
  event := moment ->> 'event';
  open := translate(moment ->> 'open', '[]', '{}');
  open_since := moment ->> 'open_since';
  snapshot := moment ->> 'snapshot';
  unseen_since := moment ->> 'unseen_since';
  earliest := CASE WHEN event IS NULL THEN least(at, open_since, unseen_since) ELSE '-infinity' END;
END
$function$;
