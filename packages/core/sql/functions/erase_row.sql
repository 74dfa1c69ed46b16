-- What erase does, as the owner of the log. The row is named by its object_id.
CREATE OR REPLACE FUNCTION :schema.erase_row(
  tracked_id integer, wanted text, reason text, columns text[], with_key boolean, with_context boolean, dry_run boolean
)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off  -- however many they seem to be
AS $function$
DECLARE
  -- of the form that long keys have, which every reader knows as one that cannot be read
  tombstone CONSTANT text := 'md5 00000000';
  ids        bigint[];
  times      timestamptz[];
  contexts   bigint[];
  tombstones jsonb := '{}';
BEGIN
  PERFORM :schema.erase_start(reason, dry_run);
  IF columns = '{}' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = 'The list of columns to erase is empty.',
      HINT = 'Name at least one, or leave it out: then all go but the key.';
  END IF;
  SELECT coalesce(array_agg(own.id), '{}'), coalesce(array_agg(own.changed_at), '{}') INTO ids, times
  FROM (SELECT DISTINCT event.id, event.changed_at FROM :schema.erasable_events(tracked_id, wanted) AS event) AS own;
  IF with_context THEN
    contexts := ARRAY(
      SELECT DISTINCT event.context_id
      FROM unnest(ids, times) AS own (id, changed_at)
      JOIN :schema.audit_event AS event ON event.id = own.id AND event.changed_at = own.changed_at
    );
  END IF;
  IF with_key THEN
    SELECT coalesce(jsonb_object_agg(known.key, tombstone || substr(md5(gen_random_uuid()::text), 9)), '{}') INTO tombstones
    FROM (
      SELECT DISTINCT named.key
      FROM unnest(ids, times) AS own (id, changed_at)
      JOIN :schema.audit_event AS event ON event.id = own.id AND event.changed_at = own.changed_at
      CROSS JOIN LATERAL (VALUES (event.object_id), (event.old_object_id)) AS named (key)
      WHERE NOT starts_with(named.key, tombstone)
    ) AS known;
  END IF;
  RETURN :schema.erase_values(
    reason, tracked_id, ids, times, :schema.erasable_names(tracked_id, columns, with_key, ids, times), tombstones,
    contexts, NULL, true, dry_run
  ) || jsonb_build_object('object_id', CASE WHEN dry_run THEN wanted ELSE coalesce(tombstones ->> wanted, wanted) END);
END
$function$;
