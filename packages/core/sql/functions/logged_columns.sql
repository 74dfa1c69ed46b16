-- A row as its events tell, up to one of them, under the present names of its
-- columns: what was written last of each that is compared (verification_shapes).
--
--   whole  whether that is the whole row
CREATE OR REPLACE FUNCTION :schema.logged_columns(
  tracked_id integer, object_id text, event_id bigint, shapes jsonb, OUT state jsonb, OUT whole boolean
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET TimeZone = 'UTC'
SET jit = off
AS $function$
DECLARE
  key     text := object_id;
  bound   bigint := event_id + 1;
  blocked text[] := '{}';  -- changed later, and nobody wrote down to what
  erased  text[];
  shape   jsonb;
  event   record;
  image   record;
BEGIN
  state := '{}';
  whole := false;
  LOOP
    SELECT previous.* INTO event
    FROM :schema.event_before(tracked_id, key, bound, '{"at": "infinity"}') AS previous;
    EXIT WHEN NOT FOUND;
    bound := event.id;
    CONTINUE WHEN event.operation = 'T' AND event.meta IS NOT NULL;
    EXIT WHEN event.operation IN ('D', 'T') OR event.object_id <> key;
    SELECT nullif(log.redacted, '{}') INTO erased FROM :schema.audit_event AS log WHERE log.id = event.id AND log.changed_at = event.changed_at;
    image := :schema.past_image(jsonb_build_object('shapes', shapes), event.new, event.image = 'f', event.changed_at);
    shape := shapes -> image.shape;
    state := (
      image.exact - coalesce(erased, '{}') - blocked
      - ARRAY(SELECT shape -> 'map' ->> name FROM jsonb_array_elements_text(shape -> 'unsaid') AS name)
    ) || state;
    whole := event.image = 'f' AND blocked = '{}' AND erased IS NULL;
    EXIT WHEN event.operation IN ('I', 'S') OR event.image = 'f';
    blocked := blocked
      || ARRAY(SELECT shape -> 'map' ->> name FROM unnest(event.masked || erased) AS name WHERE NOT shape -> 'unsaid' ? name)
      || ARRAY(SELECT jsonb_object_keys(image.loose));
    key := coalesce(event.old_object_id, event.object_id);
  END LOOP;
END
$function$;
