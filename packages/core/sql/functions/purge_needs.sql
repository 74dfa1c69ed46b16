-- Whether contexts from one id up to another are needed by an event that stays,
-- or by the record of a purge or an erasure. No SQL function, as purge_report.
CREATE OR REPLACE FUNCTION :schema.purge_needs(targets jsonb, first_id bigint, end_id bigint)
RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off  -- however many they seem to be
AS $function$
BEGIN
  RETURN EXISTS (
    SELECT FROM :schema.audit_event AS event
    WHERE event.context_id >= first_id AND event.context_id < end_id
      AND NOT coalesce(event.changed_at < (targets ->> event.table_id::text)::timestamptz, false)
  ) OR EXISTS (
    SELECT FROM :schema.audit_purge AS purge WHERE purge.context_id >= first_id AND purge.context_id < end_id
  ) OR EXISTS (
    SELECT FROM :schema.audit_erasure AS erasure WHERE erasure.context_id >= first_id AND erasure.context_id < end_id
  );
END
$function$;
