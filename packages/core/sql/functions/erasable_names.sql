-- Under which names columns of a table are in its events: those that they have had
-- over time. Without columns, all that the events hold but the key.
--   with_key  takes the key as well; else naming it is an error
CREATE OR REPLACE FUNCTION :schema.erasable_names(tracked_id integer, columns text[], with_key boolean, ids bigint[], times timestamptz[])
RETURNS text[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET jit = off
AS $function$
DECLARE
  key_columns text[] := (SELECT known.key_columns FROM :schema.audit_table AS known WHERE known.id = tracked_id);
  key_names   text[] := :schema.names_over_time(tracked_id, key_columns);
  named       text;
BEGIN
  FOREACH named IN ARRAY coalesce(columns, '{}') LOOP
    PERFORM :schema.known_column(tracked_id, named);
    IF named = ANY (key_columns) AND NOT with_key THEN
      RAISE EXCEPTION USING
        ERRCODE = 'AU005',
        MESSAGE = format('"%s" is of the key, which names the row in its events.', named),
        HINT = 'Leave it out, or erase the object id as well: object_id => true, objectId: true, --object-id.';
    END IF;
  END LOOP;
  RETURN ARRAY(
    SELECT name
    FROM (
      SELECT name
      FROM unnest(CASE WHEN columns IS NOT NULL THEN :schema.names_over_time(tracked_id, columns) END) AS name
      UNION
      SELECT key.name
      FROM unnest(ids, times) AS own (id, changed_at)
      JOIN :schema.audit_event AS event ON event.id = own.id AND event.changed_at = own.changed_at
      CROSS JOIN LATERAL jsonb_object_keys(coalesce(event.old, '{}') || coalesce(event.new, '{}') || coalesce(event.meta, '{}')) AS key (name)
      WHERE columns IS NULL
      UNION
      SELECT unnest(key_names)
    ) AS own
    WHERE with_key OR NOT name = ANY (key_names)
    ORDER BY name COLLATE "C"
  );
END
$function$;
