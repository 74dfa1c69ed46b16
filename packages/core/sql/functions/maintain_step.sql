-- One step of the log's housekeeping (maintain), in a transaction of its own, and
-- what it did. "pending" says whether there are more, "blocked" what could not be
-- done, and why. Of several at a time one does the work.
--
--   detach  false: the caller detaches old partitions, as purge_drop says
--   part    partitions or purge: that alone
CREATE OR REPLACE FUNCTION :schema.maintain_step(
  patience interval DEFAULT '2 seconds', detach boolean DEFAULT true, part text DEFAULT NULL
)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $function$
DECLARE
  partitions text[] := '{}';
  attached   text[] := '{}';
  shapes     text[] := '{}';
  closing    text;
  purge_id   bigint;
  purge      jsonb;
  blocked    text;
  hint       text;
  is_again   boolean := false;  -- there is more to do, by another step
BEGIN
  IF part IS DISTINCT FROM 'purge' THEN
    PERFORM set_config('lock_timeout', '30s', true);
    IF part IS NULL THEN
      -- a step of a purge follows, which takes it; first, as in erase and seal
      LOCK TABLE :schema.audit_seal IN SHARE ROW EXCLUSIVE MODE;
    END IF;
    -- one at a time, as in create_partitions and track; nobody else waits behind us
    LOCK TABLE :schema.audit_setting IN SHARE ROW EXCLUSIVE MODE;
  END IF;
  PERFORM set_config('lock_timeout', ceil(extract(epoch FROM patience) * 1000)::text, true);
  IF part IS DISTINCT FROM 'purge' THEN
    -- tracked now: carries its own trigger, enabled
    WITH live AS (
      SELECT DISTINCT ON (known.id) known.id, class.oid, namespace.nspname, class.relname
      FROM :schema.audit_table AS known
      JOIN pg_trigger AS trigger
        ON trigger.tgfoid = to_regprocedure(format('%I.%I()', :'schema', 'capture_' || known.id))
      JOIN pg_class AS class ON class.oid = trigger.tgrelid
      JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
      WHERE trigger.tgname = :'trigger' AND trigger.tgenabled IN ('O', 'A') AND trigger.tgparentid = 0
      -- an inheritance child calls the function of its parent
      ORDER BY known.id, (SELECT count(*) FROM pg_inherits WHERE inhrelid = class.oid), class.oid
    ), confirmed AS (
      UPDATE :schema.audit_table AS known
      SET confirmed_at = clock_timestamp(), schema_name = live.nspname, table_name = live.relname
      FROM live
      WHERE known.id = live.id
        -- who holds one is at it as well, or begins a purge
        AND known.id IN (SELECT own.id FROM :schema.audit_table AS own FOR NO KEY UPDATE SKIP LOCKED)
    )
    SELECT coalesce(array_agg(live.oid::regclass::text), '{}')
    INTO shapes
    FROM live
    WHERE :schema.record_shape(live.id, live.oid);
  END IF;

  IF part IS DISTINCT FROM 'purge' THEN
    BEGIN
      attached := ARRAY(SELECT :schema.attach_again(log, patience) FROM unnest(ARRAY['audit_event', 'audit_context']) AS log);
      -- which may take long: the rest is the next step's, for it locks the log
      is_again := attached <> '{}';
      closing := CASE WHEN NOT is_again THEN :schema.close_overflow(patience) END;
      IF closing IS NULL AND NOT is_again THEN
        partitions := ARRAY(SELECT :schema.create_partitions(patience => patience));
        partitions := partitions || ARRAY(SELECT :schema.mend_log());
        SELECT obstacle.message, obstacle.remedy INTO blocked, hint FROM :schema.overflow_obstacle() AS obstacle;
      END IF;
    EXCEPTION WHEN lock_not_available THEN
      GET STACKED DIAGNOSTICS blocked = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
      IF hint = '' THEN
        -- PostgreSQL's own words say nothing of who it was
        blocked := format('The log could not be kept, for somebody held a lock that it takes for longer than %s.', patience);
        hint := :schema.lock_holders(NULL);
      END IF;
    WHEN deadlock_detected THEN
      is_again := true;
    END;
  END IF;

  -- after a step of closing a lock on the overflow is held until this transaction ends
  IF closing IS NULL AND part IS DISTINCT FROM 'partitions' THEN
    BEGIN
      SELECT known.id INTO purge_id FROM :schema.audit_purge AS known
      WHERE known.finished_at IS NULL
      ORDER BY known.id
      LIMIT 1
      FOR UPDATE SKIP LOCKED;
      IF purge_id IS NOT NULL THEN
        purge := :schema.purge_step(purge_id, detach, patience);
      ELSE
        -- the first step is the next call's, so that others see soon that it is under way
        purge_id := :schema.purge_start(NULL, NULL, true);
        purge := :schema.purge_report(purge_id) || '{"pending": true}';
      END IF;
    EXCEPTION WHEN lock_not_available THEN
      GET STACKED DIAGNOSTICS blocked = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
      IF hint = '' THEN
        -- PostgreSQL's own words say nothing of who it was
        blocked := format('The log could not be kept, for somebody held a lock that it takes for longer than %s.', patience);
        hint := :schema.lock_holders(NULL);
      END IF;
    END;
  END IF;

  RETURN jsonb_build_object(
    'partitions', partitions,
    'shapes', shapes,
    'pending', closing IS NOT NULL OR is_again OR coalesce((purge -> 'pending')::boolean, false)
  ) || jsonb_strip_nulls(jsonb_build_object(
    'attached', nullif(attached, '{}'),
    'closing', closing,
    'purge', purge - 'detach' - 'pending',
    'detach', purge -> 'detach',
    'blocked', blocked || coalesce(' ' || nullif(hint, ''), '')
  ));
END
$function$;
