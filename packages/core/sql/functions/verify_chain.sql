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
  least_id CONSTANT bigint  := -9223372036854775808;
  most     CONSTANT bigint  := 9223372036854775807;
  last_id  bigint;
  seen     bigint;
  until    bigint;
  place    bigint;
  links    jsonb := :schema.verify_links();
  problems jsonb := links -> 'problems' || :schema.verify_relations();
  part     jsonb;
  verified bigint := 0;
  redacted bigint := 0;
  pending  bigint := 0;
BEGIN
  IF (links ->> 'entries')::bigint = 0 THEN
    IF NOT :schema.has_salt() AND NOT EXISTS (SELECT FROM :schema.audit_leaf) AND NOT EXISTS (SELECT FROM :schema.audit_event WHERE salt IS NOT NULL) THEN
      RAISE EXCEPTION USING
        ERRCODE = 'AU003',
        MESSAGE = 'The log is not sealed yet.',
        HINT = 'Begin with "auditrum enable-hash-chain", or select :schema.enable_sealing().';
    END IF;
    -- the chain is gone, though the log was sealed
    problems := problems || '[{"kind": "truncated", "event": null, "block": null, "entry": null}]';
  END IF;
  IF (links ->> 'readable')::boolean THEN
    problems := problems || :schema.misplaced_rows() || :schema.verify_tables() || :schema.verify_records() || :schema.verify_blocks(least_id, -1);
    -- from one that is there to the next: whoever puts an entry far behind the others keeps nobody busy
    place := 0;
    LOOP
      SELECT least(
        (SELECT min(seal.id) FROM :schema.audit_seal AS seal WHERE seal.id >= place),
        (SELECT min(leaf.block) FROM :schema.audit_leaf AS leaf WHERE leaf.block >= place)
      ) INTO place;
      EXIT WHEN place IS NULL;
      until := least(place, most - 999) + 999;
      problems := problems || :schema.verify_blocks(place, until);
      EXIT WHEN until = most;
      place := until + 1;
    END LOOP;

    SELECT
      least((SELECT min(event.id) FROM :schema.audit_event AS event), greatest((SELECT min(leaf.first_id) FROM :schema.audit_leaf AS leaf), 1)),
      greatest((SELECT max(event.id) FROM :schema.audit_event AS event), (links ->> 'last')::bigint, 0)
    INTO seen, last_id;
    IF seen = least_id THEN
      -- behind which id it would be, no number says
      problems := problems || jsonb_build_array(jsonb_build_object('kind', 'added', 'event', seen::text, 'block', NULL, 'entry', NULL));
    ELSE
      seen := seen - 1;
    END IF;
    WHILE seen < last_id LOOP
      until := least(seen, most - size) + size;
      part := :schema.verify_events(seen, until);
      IF part -> 'problems' <> '[]' THEN
        -- what was purged in that moment is told by now
        part := :schema.verify_events(seen, until);
      END IF;
      verified := verified + (part ->> 'verified')::bigint;
      redacted := redacted + (part ->> 'redacted')::bigint;
      pending := pending + (part ->> 'pending')::bigint;
      problems := problems || (part -> 'problems');
      seen := until;
      IF seen < last_id AND part @> '{"verified": 0, "pending": 0}' AND part -> 'problems' = '[]' THEN
        SELECT coalesce(least(
          (SELECT min(event.id) FROM :schema.audit_event AS event WHERE event.id > seen),
          (SELECT min(greatest(leaf.first_id, seen + 1)) FROM :schema.audit_leaf AS leaf WHERE leaf.last_id > seen)
        ) - 1, last_id) INTO seen;
      END IF;
    END LOOP;
  END IF;
  RETURN jsonb_build_object(
    'ok', problems = '[]', 'entries', links -> 'entries', 'verified', verified, 'redacted', redacted,
    'retired', links -> 'retired', 'pending', pending, 'problems', problems
  );
END
$function$;
