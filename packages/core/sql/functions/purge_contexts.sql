-- Deletes the next contexts that no event needs, looking at so many at a time;
-- false where none is left. They are a period older than the events that went
-- with them: a transaction that was under way then is over.
CREATE OR REPLACE FUNCTION :schema.purge_contexts(purge_id bigint, size integer)
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET enable_seqscan = off  -- however many they seem to be
AS $function$
DECLARE
  purge  :schema.audit_purge;
  after  bigint;
  end_id bigint;
  gone   record;
BEGIN
  -- as purge_drop: what is not in its place may need them. Then they are left to the next purge
  LOCK TABLE :schema.audit_seal IN SHARE ROW EXCLUSIVE MODE;
  IF EXISTS (SELECT FROM :schema.audit_purge AS other WHERE other.finished_at IS NULL AND other.leaver IS NOT NULL AND other.id <> purge_id)
    OR :schema.missed_partition() IS NOT NULL
  THEN
    RETURN false;
  END IF;
  SELECT * INTO purge FROM :schema.audit_purge WHERE id = purge_id;
  after := purge.place_id;
  LOOP
    SELECT max(next.id)
    INTO end_id
    FROM (
      SELECT context.id
      FROM :schema.audit_context AS context
      WHERE context.id > after AND context.id < :schema.partition_bound('audit_context', purge.contexts_before)::bigint
      ORDER BY context.id
      LIMIT size
    ) AS next;
    IF end_id IS NULL THEN
      RETURN false;
    END IF;
    WITH needed AS MATERIALIZED (
      SELECT event.context_id FROM :schema.audit_event AS event WHERE event.context_id > after AND event.context_id <= end_id
      UNION
      SELECT own.context_id FROM :schema.audit_purge AS own
      UNION
      SELECT own.context_id FROM :schema.audit_erasure AS own
    ), gone AS (
      DELETE FROM :schema.audit_context AS context
      WHERE context.id > after AND context.id <= end_id AND NOT EXISTS (SELECT FROM needed WHERE needed.context_id = context.id)
      RETURNING pg_column_size(context.*) AS bytes
    )
    SELECT count(*) AS contexts, coalesce(sum(deleted.bytes), 0) AS bytes INTO gone FROM gone AS deleted;
    after := end_id;
    IF gone.contexts > 0 THEN
      UPDATE :schema.audit_purge AS own
      SET place_id = end_id, contexts = own.contexts + gone.contexts, bytes = own.bytes + gone.bytes
      WHERE own.id = purge_id;
      RETURN true;
    END IF;
  END LOOP;
END
$function$;
