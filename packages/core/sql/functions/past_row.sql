-- One row at a moment. What its first change after the moment replaced is what
-- it was; what that change does not tell, a later one does, then the row as it
-- is now; only where that is gone, or its columns are, what was written before
-- the moment.
--
--   follow   if no row had this key then, the row that was given it next
--   state    the row, under the names of past_columns; null: there was none
--   live_id  the key of the live row, if nothing has happened to it since: it
--            is the row, and state holds only what it no longer has
--   missing  columns whose value then is not known
CREATE OR REPLACE FUNCTION :schema.past_row(
  tracked_id integer, relation oid, object_id text, moment jsonb, past jsonb, follow boolean,
  OUT state jsonb, OUT live_id text, OUT missing text[]
)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET TimeZone = 'UTC'
SET DateStyle = 'ISO'
SET IntervalStyle = 'postgres'
SET extra_float_digits = '1'
SET bytea_output = 'hex'
SET lc_monetary = 'C'
AS $function$
DECLARE
  key        text := object_id;
  fate       text := CASE WHEN relation IS NULL THEN 'truncated' ELSE 'live' END;
  touched    boolean := false;  -- changed after the moment
  existed    boolean;           -- null: only what was before the moment can tell
  doubtful   boolean := false;  -- a partition was truncated, perhaps with this row
  event      record;
  image      record;
  bound      bigint := -1;
  exact      jsonb := '{}';
  loose      jsonb := '{}';     -- values of columns that had another type when they were written
  blocked    text[] := '{}';    -- changed, and nobody wrote down from or to what
  unrecorded text[] := ARRAY(SELECT jsonb_array_elements_text(past -> 'unrecorded'));
  live       jsonb;
  part       jsonb;
  value      jsonb;
BEGIN
  <<forward>>
  LOOP
    SELECT next.* INTO event FROM :schema.event_after(tracked_id, key, bound, moment) AS next;
    EXIT WHEN NOT FOUND;
    bound := event.id;
    IF event.operation = 'T' THEN
      doubtful := true;
      CONTINUE WHEN event.meta IS NOT NULL;
      fate := 'truncated';
      EXIT;
    ELSIF event.operation = 'I' OR event.object_id = key AND event.old_object_id IS NOT NULL THEN
      fate := 'another';  -- from here on the key is that of another row
      EXIT;
    END IF;

    existed := true;
    doubtful := false;
    image := :schema.past_image(
      past,
      CASE event.operation WHEN 'S' THEN event.new WHEN 'U' THEN event.new || event.old ELSE event.old END,
      event.image = 'f', event.changed_at
    );
    exact := (image.exact - blocked) || exact;
    loose := (image.loose - blocked) || loose;
    CONTINUE WHEN event.operation = 'S';  -- no change
    touched := true;
    IF event.operation = 'D' THEN
      fate := 'deleted';
      EXIT;
    ELSIF event.image = 'f' THEN
      fate := 'told';
      EXIT;
    END IF;
    blocked := blocked || ARRAY(SELECT past -> 'shapes' -> image.shape -> 'map' ->> name FROM unnest(event.masked) AS name);
    key := event.object_id;
  END LOOP;

  IF fate = 'another' AND existed IS NULL AND NOT doubtful THEN
    IF NOT follow OR event.old_object_id IS NULL THEN
      RETURN;
    END IF;
    -- back through the keys of the row that was given this one, to its key at the moment
    LOOP
      key := event.old_object_id;
      bound := :schema.life_start(tracked_id, key, event.id);
      SELECT log.id, log.old_object_id, :schema.is_after(moment, log.id, log.changed_at, log.txid) AS is_after
      INTO event
      FROM :schema.auditlog AS log
      WHERE log.id IN (bound, bound - 1) AND log.table_id = tracked_id
        AND (log.object_id = key OR log.old_object_id = key OR log.object_id IS NULL)
      ORDER BY log.id DESC
      LIMIT 1;
      EXIT WHEN event.is_after IS NOT TRUE;
      IF event.id <> bound OR event.old_object_id IS NULL THEN
        RETURN;  -- it came into being later
      END IF;
    END LOOP;
    SELECT past_row.* INTO state, live_id, missing
    FROM :schema.past_row(tracked_id, relation, key, moment, past, false) AS past_row;
    RETURN;
  ELSIF fate = 'live' THEN
    live := :schema.live_row(relation, key);
    IF live IS NOT NULL THEN
      existed := true;
      IF NOT touched THEN
        live_id := key;
      END IF;
      FOR part IN SELECT jsonb_array_elements(past -> 'columns') LOOP
        CONTINUE WHEN exact ? (part ->> 'name') OR part ->> 'live' IS NULL;
        -- of a changed row, what is not recorded may have changed as well
        CONTINUE WHEN touched AND part ->> 'name' = ANY (blocked || unrecorded);
        value := jsonb_build_object(part ->> 'name', live -> (part ->> 'live'));
        IF (part -> 'same')::boolean THEN
          exact := exact || value;
        ELSE
          loose := value || loose;
        END IF;
      END LOOP;
    END IF;  -- else its partition is gone: what was written before tells
  END IF;

  key := object_id;
  bound := 9223372036854775807;
  blocked := '{}';
  WHILE existed IS NULL OR EXISTS (
    SELECT FROM jsonb_array_elements(past -> 'columns') AS own (part)
    WHERE NOT exact ? (own.part ->> 'name') AND NOT own.part ->> 'name' = ANY (unrecorded)
  ) LOOP
    SELECT previous.* INTO event FROM :schema.event_before(tracked_id, key, bound, moment) AS previous;
    EXIT WHEN NOT FOUND;
    bound := event.id;
    IF event.operation = 'T' AND event.meta IS NOT NULL THEN
      CONTINUE WHEN existed;
      EXIT;  -- it may have ended here, or later: not known
    END IF;
    EXIT WHEN event.operation IN ('D', 'T') OR event.object_id <> key;
    existed := true;
    image := :schema.past_image(past, event.new, event.image = 'f', event.changed_at);
    blocked := blocked || ARRAY(SELECT past -> 'shapes' -> image.shape -> 'map' ->> name FROM unnest(event.masked) AS name);
    exact := (image.exact - blocked - unrecorded) || exact;
    loose := (image.loose - blocked - unrecorded) || loose;
    EXIT WHEN event.operation IN ('I', 'S') OR event.image = 'f';
    key := coalesce(event.old_object_id, event.object_id);
  END LOOP;
  IF existed IS NULL THEN
    RETURN;
  END IF;

  state := '{}';
  missing := '{}';
  FOR part IN SELECT jsonb_array_elements(past -> 'columns') LOOP
    CONTINUE WHEN live_id IS NOT NULL AND (part -> 'same')::boolean;  -- is read from the live row
    value := coalesce(exact, '{}') -> (part ->> 'name');
    value := coalesce(value, loose -> (part ->> 'name'));
    IF value IS NULL OR past -> 'checked' ? (part ->> 'name') AND NOT :schema.is_readable(value, part ->> 'type') THEN
      missing := missing || (part ->> 'name');
    ELSE
      state := state || jsonb_build_object(part ->> 'name', value);
    END IF;
  END LOOP;
END
$function$;
