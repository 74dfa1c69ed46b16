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
  SELECT
    greatest((SELECT max(id) FROM :schema.audit_seal), (SELECT max(block) FROM :schema.audit_leaf), -1) AS last_entry,
    least((SELECT min(id) FROM :schema.audit_event), greatest((SELECT min(first_id) FROM :schema.audit_leaf), 1)) AS first_id,
    greatest((SELECT max(id) FROM :schema.audit_event), (SELECT max((entry ->> 'last')::bigint) FROM :schema.audit_seal)) AS last_id
  INTO reach;
  IF (links ->> 'entries')::bigint = 0 AND :schema.has_salt() THEN
    -- the chain is gone, though the log was sealed
    problems := problems || '[{"kind": "truncated", "event": null, "block": null, "entry": null}]';
  END IF;
  problems := problems || :schema.verify_blocks(-9223372036854775808, -1);
  FOR place IN 0..reach.last_entry BY 1000 LOOP
    problems := problems || :schema.verify_blocks(place, place + 999);
  END LOOP;
  FOR seen IN coalesce(reach.first_id, 1) - 1 .. coalesce(reach.last_id, 0) - 1 BY size LOOP
    part := :schema.verify_events(seen, seen + size);
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
