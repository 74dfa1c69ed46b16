-- Where the events between two times end, or with ascending begin: their highest,
-- or lowest, id. Null where that is not found at once. The ids nearly follow the
-- clock: it looks at the last minute, or a longer while if that was a quiet one,
-- then for what the clock put into another order. The index of times tells both.
CREATE OR REPLACE FUNCTION :schema.event_bound(since timestamptz, until timestamptz, ascending boolean)
RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_indexscan = off
SET enable_indexonlyscan = off
SET jit = off
AS $function$
DECLARE
  query text := format(
    'SELECT %s(event.id) FROM :schema.audit_event AS event WHERE event.changed_at >= $1 AND event.changed_at <= $2',
    CASE WHEN ascending THEN 'min' ELSE 'max' END
  );
  span  interval;
  near  bigint;
  bound bigint;
BEGIN
  IF NOT isfinite(CASE WHEN ascending THEN since ELSE until END) THEN
    RETURN NULL;
  END IF;
  FOREACH span IN ARRAY ARRAY['1 minute', '30 minutes', '15 hours']::interval[] LOOP
    EXECUTE query INTO near
    USING
      CASE WHEN ascending THEN since ELSE greatest(since, until - span) END,
      CASE WHEN ascending THEN least(until, since + span) ELSE until END;
    EXIT WHEN near IS NOT NULL;
  END LOOP;
  IF near IS NULL THEN
    RETURN NULL;
  END IF;
  EXECUTE query || CASE WHEN ascending THEN ' AND event.id < $3' ELSE ' AND event.id > $3' END INTO bound USING since, until, near;
  RETURN coalesce(bound, near);
END
$function$;
