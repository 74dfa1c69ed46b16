-- Which of a table's shapes, as past_columns counts them, was valid at a moment.
-- One that no sync has seen yet is valid from now on, unless the last image
-- before the moment tells otherwise, as it does of a change that was noted later.
CREATE OR REPLACE FUNCTION :schema.shape_at(tracked_id integer, shapes jsonb, moment jsonb)
RETURNS integer
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET TimeZone = 'UTC'
AS $function$
DECLARE
  at     timestamptz := moment ->> 'at';
  target integer;
  event  record;
BEGIN
  SELECT coalesce(max(position - 1) FILTER (WHERE coalesce((document ->> 'from')::timestamptz, statement_timestamp()) <= at), 0)
  INTO target
  FROM jsonb_array_elements(shapes) WITH ORDINALITY AS known (document, position);
  IF target + 1 < jsonb_array_length(shapes) THEN
    SELECT log.changed_at, coalesce(log.new_data, log.old_data) AS image
    INTO event
    FROM :schema.auditlog AS log
    WHERE log.table_id = tracked_id AND log.image = 'full' AND log.operation <> 'truncate'
      AND log.changed_at BETWEEN (shapes -> target ->> 'from')::timestamptz AND at
      AND NOT :schema.is_after(moment, log.id, log.changed_at, log.txid)
    ORDER BY log.id DESC
    LIMIT 1;
    IF FOUND THEN
      target := target + (
        SELECT told.shape
        FROM :schema.past_image(
          jsonb_build_object('shapes', (
            SELECT jsonb_agg(jsonb_build_object('map', names.map) ORDER BY position)
            FROM jsonb_array_elements(shapes) WITH ORDINALITY AS known (document, position)
            CROSS JOIN LATERAL (
              SELECT jsonb_object_agg(part ->> 'name', '') AS map FROM jsonb_array_elements(document -> 'columns') AS part
            ) AS names
            WHERE position - 1 IN (target, target + 1)
          )),
          event.image, true, event.changed_at
        ) AS told
      );
    END IF;
  END IF;
  RETURN target;
END
$function$;
