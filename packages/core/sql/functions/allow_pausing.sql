-- Whether recording may be paused at all, for databases that hold nothing but
-- what tests write. Only the owner of the log may say so, and status() tells of
-- it for as long as it holds.
CREATE OR REPLACE FUNCTION :schema.allow_pausing(allowed boolean DEFAULT true)
RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $function$
  INSERT INTO :schema.audit_setting (name, value)
  VALUES ('pausing_allowed', to_jsonb(coalesce(allowed, false)))
  ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value
$function$;
