-- The label of a row of a tracked table, by its object_id: of the live row, or
-- where that is gone, or its table is not to be read, of its last full event.
-- Whoever may read the log may ask, whatever rights on the table he has.
CREATE OR REPLACE FUNCTION :schema.row_label(tracked_id integer, object_id text)
RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  relation oid;
  image    jsonb;
BEGIN
  IF object_id IS NULL OR to_regprocedure(format('%I.%I(jsonb)', :'schema', 'label_' || tracked_id)) IS NULL THEN
    RETURN NULL;
  END IF;
  relation := :schema.live_table(tracked_id);
  IF has_table_privilege(relation, 'SELECT') THEN
    BEGIN
      image := :schema.live_row(relation, object_id);
    EXCEPTION WHEN OTHERS THEN
      NULL;  -- the log may still know
    END;
  END IF;
  IF image IS NULL THEN
    SELECT last.image
    INTO image
    FROM (
      (
        SELECT event.id, coalesce(event.new, event.old) AS image
        FROM :schema.audit_event AS event
        WHERE event.table_id = $1 AND event.object_id = $2 AND event.image = 'f'
        ORDER BY event.id DESC
        LIMIT 1
      )
      UNION ALL
      (
        -- when it was given another key
        SELECT event.id, event.new || event.old
        FROM :schema.audit_event AS event
        WHERE event.table_id = $1 AND event.old_object_id = $2 AND event.image = 'f'
        ORDER BY event.id DESC
        LIMIT 1
      )
    ) AS last
    ORDER BY last.id DESC
    LIMIT 1;
  END IF;
  RETURN :schema.label_of(tracked_id, image);
END
$function$;
