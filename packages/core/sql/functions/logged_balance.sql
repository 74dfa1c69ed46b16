-- How often the log says that a table without a primary key holds each row, by
-- checksum, where it was empty at first; a single null where an event does not
-- tell: of other columns than now (until `since`), or not of the whole row.
CREATE OR REPLACE FUNCTION :schema.logged_balance(tracked_id integer, unread text[], since timestamptz, seed bigint)
RETURNS TABLE (checksum bigint, number bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $function$
#variable_conflict use_column
DECLARE
  emptied bigint := coalesce((
    SELECT max(event.id) FROM :schema.audit_event AS event
    WHERE event.table_id = tracked_id AND event.object_id IS NULL AND event.operation = 'T' AND event.meta IS NULL
  ), 0);
BEGIN
  IF EXISTS (
    SELECT FROM :schema.audit_event AS event
    WHERE event.table_id = tracked_id AND event.id > emptied
      AND (event.operation NOT IN ('I', 'U', 'D') OR event.image <> 'f' OR event.redacted <> '{}' OR event.changed_at <= since)
  ) THEN
    RETURN QUERY SELECT NULL::bigint, NULL::bigint;
  ELSE
    RETURN QUERY
      SELECT hashtextextended((change.image - unread)::text, seed), sum(change.number)::bigint
      FROM :schema.audit_event AS event
      CROSS JOIN LATERAL (VALUES (event.new, 1), (CASE event.operation WHEN 'U' THEN event.new || event.old ELSE event.old END, -1)) AS change (image, number)
      WHERE event.table_id = tracked_id AND event.id > emptied AND change.image IS NOT NULL
      GROUP BY 1
      HAVING sum(change.number) <> 0;
  END IF;
END
$function$;
