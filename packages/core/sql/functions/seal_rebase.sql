-- Goes on with the chain in another cluster: of a dump that was restored there, or
-- after pg_upgrade. Transaction ids begin anew in it, so the events that came along
-- unsealed, and those since, are told by their own ids. Says so in the chain.
CREATE OR REPLACE FUNCTION :schema.seal_rebase()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  sequence bigint;
  snapshot pg_snapshot;
  new_incarnation integer;
BEGIN
  LOCK TABLE :schema.audit_seal IN SHARE ROW EXCLUSIVE MODE;
  IF NOT EXISTS (SELECT FROM :schema.audit_seal) THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU003',
      MESSAGE = 'The log is not sealed yet.',
      HINT = 'Begin with "auditrum enable-hash-chain", or select :schema.enable_sealing().';
  END IF;
  PERFORM :schema.check_last_entry();
  IF NOT :schema.sealed_elsewhere() THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = 'This is the cluster in which the log was sealed last.',
      HINT = 'Seal it as always: there is nothing to go on from.';
  END IF;
  IF pg_current_xact_id_if_assigned() IS NOT NULL THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = 'This transaction has written already.',
      HINT = 'Go on with the chain in a transaction of its own.';
  END IF;
  SELECT greatest(CASE WHEN is_called THEN last_value ELSE last_value - 1 END, (:schema.sealed_until()).sequence) INTO sequence FROM :schema.audit_event_id_seq;
  snapshot := pg_current_snapshot();
  SELECT (said ->> 'incarnation')::integer INTO new_incarnation
  FROM :schema.audit_seal AS own CROSS JOIN LATERAL :schema.read_entry(own.id, own.entry) AS said
  WHERE own.entry ->> 'kind' IN ('start', 'block', 'rebase') AND said IS NOT NULL
  ORDER BY own.id DESC
  LIMIT 1;
  UPDATE :schema.audit_setting SET value = to_jsonb(greatest(value::integer, new_incarnation) + 1) WHERE name = 'incarnation' RETURNING value::integer INTO new_incarnation;
  PERFORM :schema.seal_append('rebase', jsonb_build_object(
    'incarnation', new_incarnation,
    'system', :schema.system_identifier(),
    'snapshot', snapshot,
    'sequence', sequence::text,
    'more', true
  ));
END
$function$;
