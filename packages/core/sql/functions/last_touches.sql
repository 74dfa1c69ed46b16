-- What the log says of each row of a table last, by its object_id:
--
--   event_id, changed_at  of its last event
--   gone      it was deleted, or given another key
--   doubtful  a partition was truncated after that, perhaps with this row
--   shape     of the table then, from 1
--   checksum  of what is compared of the row; null where that takes a closer look
--
-- Whatever was before `since`, or before the table was truncated, does not count.
-- The newest shapes alone have checksums, from `first` on.
CREATE OR REPLACE FUNCTION :schema.last_touches(
  tracked_id integer, shapes jsonb, first integer, since timestamptz, has_children boolean, seed bigint
)
RETURNS TABLE (id text, event_id bigint, changed_at timestamptz, gone boolean, doubtful boolean, shape integer, checksum bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100000
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET jit = off
AS $function$
#variable_conflict use_column
DECLARE
  whole    bigint := 0;  -- the last truncation of all
  part     bigint := 0;  -- and of a part
  shape_of text := jsonb_array_length(shapes)::text;
  image_of text := 'event.new';
BEGIN
  SELECT coalesce(max(event.id) FILTER (WHERE event.meta IS NULL AND NOT has_children), 0), coalesce(max(event.id), 0)
  INTO whole, part
  FROM :schema.audit_event AS event
  WHERE event.table_id = tracked_id AND event.object_id IS NULL AND event.operation = 'T';

  IF jsonb_array_length(shapes) > 1 THEN
    shape_of := (
      SELECT format('CASE %s ELSE %s END',
        string_agg(format('WHEN event.changed_at <= %L::timestamptz THEN %s', document ->> 'until', position), ' ' ORDER BY position),
        jsonb_array_length(shapes))
      FROM jsonb_array_elements(shapes) WITH ORDINALITY AS known (document, position)
      WHERE document ->> 'until' IS NOT NULL
    );
  END IF;
  image_of := (
    SELECT format('CASE %s END', string_agg(
      format('WHEN told.shape = %s THEN event.new%s', position, CASE WHEN document -> 'unsaid' <> '[]' THEN
        format(' - %L::text[]', ARRAY(SELECT jsonb_array_elements_text(document -> 'unsaid')))
      END),
      ' ' ORDER BY position DESC
    ))
    FROM jsonb_array_elements(shapes) WITH ORDINALITY AS known (document, position)
    WHERE position >= first
  );

  RETURN QUERY EXECUTE format(
    $query$
    SELECT last.id, last.event_id, last.changed_at, last.gone, last.event_id < %1$s, last.shape,
      CASE last.image
        WHEN 'f' THEN last.checksum
        -- of the parts since the last whole image, laid over that
        WHEN 'c' THEN (
          SELECT hashtextextended((%2$s)::text, %3$s)
          FROM (SELECT last.shape) AS told
          CROSS JOIN LATERAL (
            SELECT :schema.folded(array_agg(event.new ORDER BY event.id)) AS new
            FROM :schema.audit_event AS event
            CROSS JOIN LATERAL (SELECT %4$s AS shape) AS own
            WHERE event.table_id = %5$s AND event.object_id = last.id AND event.id <= last.event_id AND event.id >= (
              SELECT event.id FROM :schema.audit_event AS event
              WHERE event.table_id = %5$s AND event.object_id = last.id AND event.id > %6$s AND event.image = 'f'
              ORDER BY event.id DESC
              LIMIT 1
            )
            HAVING bool_and(
              own.shape = last.shape AND coalesce(event.redacted, '{}') = '{}' AND event.operation <> 'D'
              AND (event.image = 'f' OR event.image = 'c' AND event.old_object_id IS NULL)
            )
          ) AS event
        )
      END
    FROM (
      SELECT DISTINCT ON (touch.id) touch.*
      FROM (
        SELECT event.object_id AS id, event.id AS event_id, event.changed_at, event.operation = 'D' AS gone, event.image, told.shape,
          CASE WHEN event.operation <> 'D' AND event.image = 'f' AND coalesce(event.redacted, '{}') = '{}'
            THEN hashtextextended((%2$s)::text, %3$s) END AS checksum
        FROM :schema.audit_event AS event
        CROSS JOIN LATERAL (SELECT %4$s AS shape) AS told
        WHERE event.table_id = %5$s AND event.object_id IS NOT NULL AND event.id > %6$s AND event.changed_at >= %7$L
        UNION ALL
        SELECT event.old_object_id, event.id, event.changed_at, true, NULL, NULL, NULL
        FROM :schema.audit_event AS event
        WHERE event.table_id = %5$s AND event.old_object_id IS NOT NULL AND event.id > %6$s AND event.changed_at >= %7$L
      ) AS touch
      ORDER BY touch.id, touch.event_id DESC
    ) AS last
    $query$,
    part, image_of, seed, shape_of, tracked_id, whole, coalesce(since, '-infinity')
  );
END
$function$;
