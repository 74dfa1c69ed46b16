-- Has the log forget that it was hardened against a role, which was meant by
-- mistake or is gone for good, so that status says nothing more of it. What was
-- taken from the role stays taken: grant it again, by let_read for one.
--   select auditrum.forget_hardening('shop');
CREATE OR REPLACE FUNCTION :schema.forget_hardening(app_role text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  known text[];
BEGIN
  UPDATE :schema.audit_setting SET value = value - app_role WHERE name = 'hardened' AND value ? app_role;
  IF NOT FOUND THEN
    known := ARRAY(SELECT jsonb_object_keys(:schema.hardened()) ORDER BY 1);
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('The log was not hardened against %I.', app_role),
      HINT = CASE known
        WHEN '{}' THEN 'There is nothing to forget: it was hardened against no role.'
        ELSE format('Give one of these: %s.', array_to_string(known, ', '))
      END;
  END IF;
END
$function$;
