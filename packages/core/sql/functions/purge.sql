-- Deletes events that are older than that, of one table or of all, and the
-- contexts that no event needs any more, a period later:
--   select auditrum.purge('2 years', dry_run => true);
--   select auditrum.purge('2 years');
--   select auditrum.purge('1 year', 'billing.invoices');
--
-- One step of it, in a transaction of its own, so that nobody is kept waiting:
-- to be called again, with the id that it returned as purge_id, until it says
-- that nothing is pending. What is left undone maintain() does.
--
--   older_than       null, with dry_run: as the tables declare their retention, what maintain() would do
--   drop_partitions  those that hold nothing else are dropped, rather than emptied
--   detach           false: the caller detaches them, as purge_drop says
DROP FUNCTION IF EXISTS :schema.purge(interval, text, boolean, boolean, bigint, boolean, interval);
CREATE OR REPLACE FUNCTION :schema.purge(
  older_than text,
  relation text DEFAULT NULL,
  drop_partitions boolean DEFAULT false,
  dry_run boolean DEFAULT false,
  purge_id bigint DEFAULT NULL,
  detach boolean DEFAULT true,
  patience interval DEFAULT '2 seconds'
)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET "TimeZone" = 'UTC'
SET lock_timeout = '2s'
AS $function$
DECLARE
  named   integer;
  started bigint := purge_id;
  span    interval;
BEGIN
  PERFORM set_config('lock_timeout', ceil(extract(epoch FROM patience) * 1000)::text, true);
  IF :schema.is_span(older_than) THEN
    span := older_than;
  END IF;
  IF span IS NULL AND NOT (older_than IS NULL AND dry_run AND relation IS NULL) THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('Events cannot be purged that are older than %s.', coalesce(quote_literal(older_than), 'null')),
      HINT = 'Give a time in hours, days, weeks, months or years, such as 2 years, 1 year 6 months or 90 days, at most 1000 years.';
  END IF;
  IF purge_id IS NOT NULL AND NOT EXISTS (SELECT FROM :schema.audit_purge AS known WHERE known.id = purge_id) THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('There is no purge %s to go on with.', purge_id),
      HINT = 'Give the id that the first call returned, or none to begin a purge. They are in the view purges.';
  END IF;
  IF relation IS NOT NULL THEN
    named := :schema.table_id(NULL, parse_ident(relation));
  END IF;
  IF dry_run THEN
    RETURN :schema.purge_preview(span, named, drop_partitions);
  END IF;
  IF started IS NULL THEN
    -- the step that follows takes it; first, as in erase, which then writes to audit_table as well
    LOCK TABLE :schema.audit_seal IN SHARE ROW EXCLUSIVE MODE;
    PERFORM :schema.check_whole();
    started := :schema.purge_start(span, named, drop_partitions);
  END IF;
  RETURN coalesce(
    :schema.purge_step(started, detach, patience),
    jsonb_build_object('events', 0, 'contexts', 0, 'bytes', 0, 'partitions', '[]'::jsonb, 'tables', '[]'::jsonb, 'pending', false)
  );
END
$function$;
