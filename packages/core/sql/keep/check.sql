-- Takes everything back where a right on the log is left that should be gone.
DO $harden$
DECLARE
  asked     json := pg_catalog.current_setting('auditrum.hardening')::json;
  found     text;
  remaining text;
BEGIN
  EXECUTE $rights$
:rights
$rights$
  INTO found
  USING pg_catalog.json_build_array(asked ->> 'app')::text, (asked -> 'reading')::text, (asked -> 'keeping')::text;
  SELECT pg_catalog.string_agg(remains.how, ', ' ORDER BY remains.how) INTO remaining
  FROM pg_catalog.json_to_recordset(found::json) AS remains (capability text, how text)
  WHERE remains.capability IN (SELECT pg_catalog.json_array_elements_text(asked -> 'closed'));
  IF remaining IS NOT NULL THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU003',
      MESSAGE = pg_catalog.format('Nothing was changed, because %I would still have rights on the log: %s.', asked ->> 'app', remaining),
      HINT = 'Revoke them as the role that granted them, or end the membership that they come by, and run harden again.';
  END IF;
END
$harden$
