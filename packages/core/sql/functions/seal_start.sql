-- Writes the first entry of a chain, which the caller has locked: it names the log,
-- and nothing is sealed by it.
--   body: what it says, besides what every first entry says
CREATE OR REPLACE FUNCTION :schema.seal_start(body jsonb)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  PERFORM :schema.seal_append('start', jsonb_build_object(
    'log', gen_random_uuid(),
    'incarnation', (SELECT value FROM :schema.audit_setting WHERE name = 'incarnation'),
    'system', :schema.system_identifier(),
    'snapshot', '1:1:',
    'sequence', '0'
  ) || body);
END
$function$;
