-- Makes the partitions of this month and the given number of months after it,
-- in UTC, and returns the names of the new ones.
--
-- Behind them lies the overflow partition, up to MAXVALUE, so that no write
-- ever lacks a home; the first partition begins at MINVALUE for the same
-- reason. New months are made stand-alone and attached: CREATE TABLE ...
-- PARTITION OF would hold up every audited write behind the longest open
-- transaction. The swap at the end holds them up for an instant, and gives up
-- after lock_timeout.
CREATE OR REPLACE FUNCTION :schema.create_partitions(months integer DEFAULT 3)
RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET "TimeZone" = 'UTC'
SET lock_timeout = '2s'
AS $function$
DECLARE
  this_month   timestamptz := date_trunc('month', clock_timestamp());
  last_month   timestamptz := this_month + make_interval(months => months);
  log          text;
  parent       text;
  overflow     text;
  partition    text;
  first_month  timestamptz;
  month        timestamptz;
  in_use       boolean;
BEGIN
  IF months IS NULL OR months NOT BETWEEN 0 AND 120 THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('Partitions cannot be made %s months ahead.', coalesce(months::text, 'null')),
      HINT = 'Give a number from 0 to 120.';
  END IF;
  LOCK TABLE :schema.audit_setting IN SHARE ROW EXCLUSIVE MODE;

  IF EXISTS (
    SELECT FROM unnest(ARRAY['audit_context', 'audit_event']) AS late (log)
    WHERE coalesce(:schema.overflow_start(late.log), '-infinity') <= last_month
  ) THEN
    -- in the order in which every write takes them: in another it would deadlock with the writers
    LOCK TABLE ONLY :schema.audit_context, ONLY :schema.audit_event IN ACCESS EXCLUSIVE MODE;
  END IF;

  FOREACH log IN ARRAY ARRAY['audit_event', 'audit_context'] LOOP
    parent := format('%I.%I', :'schema', log);
    overflow := format('%I.%I', :'schema', log || '_overflow');
    first_month := :schema.overflow_start(log);

    IF first_month IS NULL THEN
      first_month := this_month + interval '1 month';
      partition := log || to_char(this_month, '_YYYY_MM');
      EXECUTE format('CREATE TABLE %I.%I PARTITION OF %s FOR VALUES FROM (MINVALUE) TO (%L)',
        :'schema', partition, parent, :schema.month_bound(log, first_month));
      EXECUTE format('CREATE TABLE %s PARTITION OF %s FOR VALUES FROM (%L) TO (MAXVALUE)',
        overflow, parent, :schema.month_bound(log, first_month));
      PERFORM :schema.make_private('pg_class'::regclass, overflow::regclass);
      PERFORM :schema.make_private('pg_class'::regclass, format('%I.%I', :'schema', partition)::regclass);
      RETURN NEXT partition;
    END IF;
    CONTINUE WHEN first_month > last_month;

    EXECUTE format('SELECT EXISTS (SELECT FROM %s)', overflow) INTO in_use;
    IF in_use THEN
      RAISE WARNING '% holds rows, so no month was added to %.', overflow, parent
        USING HINT = 'The rows are safe there, and later ones follow them.';
      CONTINUE;
    END IF;

    FOR month IN SELECT generate_series(first_month, last_month, interval '1 month') LOOP
      EXECUTE format('CREATE TABLE %I.%I (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS)',
        :'schema', log || to_char(month, '_YYYY_MM'), parent);
      PERFORM :schema.make_private('pg_class'::regclass, format('%I.%I', :'schema', log || to_char(month, '_YYYY_MM'))::regclass);
    END LOOP;
    EXECUTE format('ALTER TABLE %s DETACH PARTITION %s', parent, overflow);
    FOR month IN SELECT generate_series(first_month, last_month, interval '1 month') LOOP
      partition := log || to_char(month, '_YYYY_MM');
      EXECUTE format('ALTER TABLE %s ATTACH PARTITION %I.%I FOR VALUES FROM (%L) TO (%L)',
        parent, :'schema', partition,
        :schema.month_bound(log, month), :schema.month_bound(log, month + interval '1 month'));
      RETURN NEXT partition;
    END LOOP;
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%L) TO (MAXVALUE)',
      parent, overflow, :schema.month_bound(log, last_month + interval '1 month'));
  END LOOP;
END
$function$;
