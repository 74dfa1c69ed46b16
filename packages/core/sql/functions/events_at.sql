-- Events as people read them, from where they are: each is looked up with its
-- context. The planner, who cannot know that each is one, would rather read all
-- contexts. As event_after it is planned once.
CREATE OR REPLACE FUNCTION :schema.events_at(ids bigint[], times timestamptz[])
RETURNS SETOF :schema.auditlog
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_seqscan = off
SET jit = off
AS $function$
BEGIN
  RETURN QUERY
    SELECT log.*
    FROM unnest(ids, times) AS place (id, changed_at)
    JOIN :schema.auditlog AS log ON log.id = place.id AND log.changed_at = place.changed_at;
END
$function$;
