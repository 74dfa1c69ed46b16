-- Whether the log is what was sealed, from SQL alone:
--   select auditrum.verify_chain();
-- Returns {ok, entries, verified, redacted, retired, pending, problems}. It trusts
-- this database: what a superuser rewrote together with the chain is told only by a
-- digest that was kept elsewhere.
CREATE OR REPLACE FUNCTION :schema.verify_chain()
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  size     CONSTANT integer := 20000;
  links    jsonb := :schema.verify_links();
  problems jsonb := links -> 'problems';
  reach    record;
  part     jsonb;
  verified bigint := 0;
  redacted bigint := 0;
  pending  bigint := 0;
BEGIN
  SELECT * INTO reach FROM :schema.sealed_reach();
  FOR first IN 0..reach.blocks BY 100 LOOP
    problems := problems || (:schema.verify_blocks(first, first + 99) -> 'problems');
  END LOOP;
  FOR after IN reach.first_id - 1 .. reach.last_id - 1 BY size LOOP
    part := :schema.verify_events(after, after + size);
    verified := verified + (part ->> 'verified')::bigint;
    redacted := redacted + (part ->> 'redacted')::bigint;
    pending := pending + (part ->> 'pending')::bigint;
    problems := problems || (part -> 'problems');
  END LOOP;
  RETURN jsonb_build_object(
    'ok', problems = '[]', 'entries', links -> 'entries', 'verified', verified, 'redacted', redacted,
    'retired', links -> 'retired', 'pending', pending, 'problems', problems
  );
END
$function$;
