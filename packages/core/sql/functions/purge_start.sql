-- Begins a purge: writes its record, and takes back what the log claims to know
-- of the tables, before anything of it goes. Returns the id of the record; null
-- where there is nothing to purge.
CREATE OR REPLACE FUNCTION :schema.purge_start(older_than interval, table_id integer, drops boolean)
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET "TimeZone" = 'UTC'
SET lock_timeout = '30s'  -- a step of another purge may take long, and nobody waits behind us
AS $function$
DECLARE
  wanted  jsonb := :schema.purge_targets(older_than, table_id);
  targets jsonb;
  before  timestamptz;
  oldest  bigint;
  started bigint;
BEGIN
  IF wanted = '{}' THEN
    RETURN NULL;
  END IF;
  IF older_than IS NULL THEN
    -- one at a time; the steps of others are not in the way
    LOCK TABLE :schema.audit_purge IN SHARE UPDATE EXCLUSIVE MODE;
    IF EXISTS (SELECT FROM :schema.audit_purge AS other WHERE other.older_than IS NULL AND other.finished_at IS NULL) THEN
      RETURN NULL;
    END IF;
  END IF;
  SELECT coalesce(jsonb_object_agg(target.key, target.value), '{}'),
    max(target.value::timestamptz) - ('1 ' || (:schema.partition_plan()).unit)::interval
  INTO targets, before
  FROM jsonb_each_text(wanted) AS target
  WHERE EXISTS (
    SELECT FROM :schema.audit_event AS event
    WHERE event.table_id = target.key::integer AND event.changed_at < target.value::timestamptz
  );
  IF targets = '{}' THEN
    -- contexts go one period after their events, perhaps after the last of these
    SELECT max(target.value::timestamptz) - ('1 ' || (:schema.partition_plan()).unit)::interval INTO before FROM jsonb_each_text(wanted) AS target;
    SELECT min(context.id) INTO oldest FROM :schema.audit_context AS context WHERE context.id < :schema.partition_bound('audit_context', before)::bigint;
    IF oldest IS NULL OR :schema.purge_needs(targets, oldest, oldest + 1) THEN
      RETURN NULL;
    END IF;
  END IF;

  UPDATE :schema.audit_table AS known
  SET purged_until = greatest(known.purged_until, target.value::timestamptz)
  FROM jsonb_each_text(targets) AS target
  WHERE known.id = target.key::integer;
  INSERT INTO :schema.audit_purge (context_id, older_than, targets, drops, contexts_before)
  VALUES (:schema.this_context(), older_than, targets, drops, before)
  RETURNING id INTO started;
  RETURN started;
END
$function$;
