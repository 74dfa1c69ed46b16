-- The rows of a table at a moment: records of the columns of past_columns,
-- followed by two of text, the names of those whose value is not known (a JSON
-- array, or null), and where the next page begins.
--
--   size   rows of a page; null: all. Both are in the order of the key
--   after  the page behind the row that gave this; null: the first one. A row
--          whose key of then cannot be read as one of the table's has its place
--          behind all others, from "" on
--
-- A row that nothing has happened to since then is the live one. Of each other
-- the first event since then tells, and of what was truncated the last one
-- before. All in one snapshot.
CREATE OR REPLACE FUNCTION :schema.past_rows(
  tracked_id integer, relation oid, moment jsonb, past jsonb, after jsonb, size integer
)
RETURNS SETOF record
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO'
SET IntervalStyle = 'postgres'
SET extra_float_digits = '1'
SET bytea_output = 'hex'
SET lc_monetary = 'C'
SET array_nulls = on
SET xmloption = content
AS $function$
DECLARE
  lists     record := :schema.past_lists(past);
  key       record;  -- SQL about the parts of the key, which are called k1, k2, ...
  is_behind boolean := coalesce(jsonb_typeof(after) = 'string', false);
  since     text;    -- is after the moment
  changed   text;    -- has changed since, up to a truncation
  behind    text;    -- the rows of this page and later ones, and how many of them
  page      text;
  parts     text[];
  readable  text := CASE past -> 'checked' WHEN '{}' THEN '(image)' ELSE ':schema.readable_image((image), $4 -> ''checked'')' END;
  alone     text := '(SELECT state FROM :schema.past_row($2, $3, spot.id, $1, $4, false))';
  folded    text;    -- what partial images replaced, oldest last, over the live row; null where past_row must look
BEGIN
  IF EXISTS (
    SELECT FROM :schema.auditlog AS log
    WHERE log.table_id = tracked_id AND log.object_id IS NULL AND log.operation = 'truncate'
      AND log.changed_at >= (moment ->> 'unseen_since')::timestamptz
      AND NOT pg_visible_in_snapshot(log.txid, (moment ->> 'snapshot')::pg_snapshot)
  ) THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU004',
      MESSAGE = format('%s was truncated while it was being read.', past ->> 'name'),
      HINT = 'Begin again: of rows that no event tells of, nothing is left.';
  END IF;

  SELECT
    count(*)::integer AS number,
    string_agg(format('live.%I', name), ', ' ORDER BY number) AS live,
    string_agg(format('k%s', number), ', ' ORDER BY number) AS names,
    string_agg(format('spot.k%s', number), ', ' ORDER BY number) AS places,
    string_agg(format('spot.k%s AS %I', number, name), ', ' ORDER BY number) AS named,
    coalesce(string_agg(format('k%s IS NOT NULL', number), ' AND ' ORDER BY number), 'false') AS is_key,
    string_agg(
      format(
        CASE
          WHEN NOT (past -> 'key_steady')::boolean
          THEN 'CASE WHEN :schema.is_readable(key.parts -> %1$s, %2$L) THEN (key.parts ->> %1$s)::%2$s END AS k%3$s'
          WHEN (past -> 'ordered')::boolean AND part.parts = 1 THEN 'touch.id::%2$s AS k%3$s'
          ELSE '(key.parts ->> %1$s)::%2$s AS k%3$s'
        END,
        number - 1, type, number
      ),
      ', ' ORDER BY number
    ) AS typed
  INTO key
  FROM (SELECT *, count(*) OVER () AS parts FROM :schema.key_parts(relation)) AS part;

  since := :schema.after_condition(moment);
  changed := format(
    'log.table_id = %s AND log.object_id IS NOT NULL AND %s%s',
    tracked_id, since,
    -- a snapshot is no change: it tells only what the rows themselves do not
    CASE
      WHEN past ->> 'truncated' IS NOT NULL THEN ' AND log.id < ' || (past ->> 'truncated')
      WHEN relation IS NOT NULL AND NOT (past -> 'truncated_parts')::boolean THEN ' AND log.operation <> ''snapshot'''
    END
  );
  IF size IS NULL THEN
    behind := 'true';
  ELSIF is_behind THEN
    behind := format('spot.place > %L COLLATE "C"', after #>> '{}');
    page := format('ORDER BY spot.place COLLATE "C" FETCH FIRST %s ROWS WITH TIES', size);
  ELSE
    behind := 'spot.place IS NULL' || coalesce(' AND ' || :schema.key_condition(relation, 'named', '>', after), '');
    page := format('ORDER BY %s FETCH FIRST %s ROWS WITH TIES', coalesce(key.places, 'spot.place'), size);
  END IF;

  IF relation IS NOT NULL AND NOT (past -> 'truncated_parts')::boolean THEN
    folded := format(
      $query$
      (
        SELECT CASE WHEN NOT bool_or(log.old_object_id IS NOT NULL OR log.image = 'key' OR log.masked IS NOT NULL) THEN
          CASE WHEN bool_or(log.operation = 'delete') THEN '{}' ELSE (
            SELECT to_jsonb(live.*) - ARRAY(SELECT jsonb_array_elements_text($4 -> 'unrecorded')) FROM %1$s AS live WHERE %2$s
          ) END || jsonb_object_agg(replaced.key, replaced.value ORDER BY log.id DESC)
        END
        FROM :schema.auditlog AS log
        CROSS JOIN LATERAL jsonb_each(log.old_data) AS replaced
        WHERE log.object_id = spot.id AND log.id >= spot.event_id AND %3$s
          -- nor was it given another key later
          AND NOT EXISTS (SELECT FROM :schema.auditlog AS log WHERE log.old_object_id = spot.id AND %3$s)
      )
      $query$,
      relation::regclass,
      (SELECT string_agg(format('live.%I OPERATOR(%s.=) spot.k%s', name, operators, number), ' AND ' ORDER BY number) FROM :schema.key_parts(relation)),
      changed
    );
  END IF;

  IF relation IS NOT NULL AND NOT is_behind AND past ->> 'truncated' IS NULL THEN
    parts := parts || format(
      $query$
        -- nothing has happened to these since
        SELECT %1$s, NULL, %2$s, %3$s
        FROM %4$s AS live
        CROSS JOIN LATERAL (SELECT %5$s AS id) AS own
        %6$s
        WHERE %7$s
          AND %8$s
        %9$s
      $query$,
      key.live,
      lists.live,
      CASE WHEN lists.unread = '{}' THEN 'NULL' ELSE '(SELECT jsonb_agg(name) FROM unnest($6) AS name WHERE NOT past.state ? name)::text' END,
      relation::regclass,
      :schema.live_id(relation),
      CASE WHEN lists.unread <> '{}' THEN
        'CROSS JOIN LATERAL :schema.past_row($2, $3, own.id, $1, $4, false) AS past CROSS JOIN LATERAL ' || lists.source
      END,
      coalesce(:schema.key_condition(relation, 'live', '>', after), 'true'),
      -- of all rows by a join; of a page row by row, in the order of the key
      format(
        CASE WHEN size IS NULL THEN 'NOT EXISTS (%s) AND NOT EXISTS (%s)' ELSE '(%s LIMIT 1) IS NULL AND (%s LIMIT 1) IS NULL' END,
        format('SELECT 1 FROM :schema.auditlog AS log WHERE %s AND log.object_id = own.id', changed),
        format('SELECT 1 FROM :schema.auditlog AS log WHERE %s AND log.old_object_id = own.id', changed)
      ),
      CASE WHEN size IS NOT NULL THEN format('ORDER BY %s FETCH FIRST %s ROWS WITH TIES', key.live, size) END
    );
  END IF;

  parts := parts || format(
    $query$
      -- what the first event since then replaced
      SELECT %1$s, %2$s, (SELECT jsonb_agg(name) FROM unnest($5) AS name WHERE NOT past.state ? name)::text
      FROM (SELECT spot.* FROM placed AS spot CROSS JOIN LATERAL (SELECT %3$s) AS named WHERE %4$s %5$s) AS spot
      JOIN :schema.auditlog AS event ON event.id = spot.event_id AND event.changed_at = spot.changed_at
      CROSS JOIN LATERAL (SELECT %6$s AS state) AS past
      CROSS JOIN LATERAL %7$s
    $query$,
    concat_ws(', ', key.places, 'spot.place'), lists.record, key.named, behind, page,
    CASE WHEN (past -> 'steady')::boolean THEN format(
        'CASE WHEN event.image = %L THEN %s ELSE coalesce(%s) END',
        'full',
        replace(readable, '(image)', '(CASE event.operation WHEN ''snapshot'' THEN event.new_data ELSE event.old_data END)'),
        concat_ws(', ', replace(readable, '(image)', folded), alone)
      )
      ELSE alone
    END,
    lists.source
  );

  IF (past -> 'truncated_parts')::boolean OR relation IS NULL THEN
    parts := parts || format(
      $query$
        -- of what was truncated, what was written before the moment
        SELECT %1$s, %2$s, (SELECT jsonb_agg(name) FROM unnest($5) AS name WHERE NOT past.state ? name)::text
        FROM lost AS spot
        CROSS JOIN LATERAL (SELECT %3$s) AS named
        CROSS JOIN LATERAL :schema.past_row($2, $3, spot.id, $1, $4, false) AS past
        CROSS JOIN LATERAL %4$s
        WHERE past.live_id IS NULL AND past.state IS NOT NULL
          AND NOT EXISTS (SELECT FROM placed WHERE placed.id = spot.id)
          AND %5$s
        %6$s
      $query$,
      concat_ws(', ', key.places, 'spot.place'), lists.record, key.named, lists.source, behind, page
    );
  END IF;

  RETURN QUERY EXECUTE format(
    $query$
    WITH first AS (
      SELECT DISTINCT ON (touch.id) touch.*
      FROM (
        SELECT coalesce(log.old_object_id, log.object_id) AS id, log.operation <> 'insert' AS existed, log.id AS event_id, log.changed_at
        FROM :schema.auditlog AS log
        WHERE %1$s
        UNION ALL
        SELECT log.object_id, false, log.id, log.changed_at
        FROM :schema.auditlog AS log
        WHERE log.old_object_id IS NOT NULL AND %1$s
      ) AS touch
      ORDER BY touch.id, touch.event_id
    ), placed AS (
      SELECT keyed.*, CASE WHEN %2$s THEN NULL ELSE keyed.id END AS place
      FROM (
        SELECT %3$s
        FROM first AS touch
        CROSS JOIN LATERAL (SELECT :schema.id_parts(touch.id, %4$s) AS parts) AS key
        WHERE touch.existed
      ) AS keyed
    ), last AS (
      SELECT DISTINCT ON (touch.id) touch.*
      FROM (
        SELECT log.object_id AS id, log.operation <> 'delete' AS existed, log.id AS event_id
        FROM :schema.auditlog AS log
        WHERE log.table_id = $2 AND log.object_id IS NOT NULL AND NOT (%11$s)
        UNION ALL
        SELECT log.old_object_id, false, log.id
        FROM :schema.auditlog AS log
        WHERE log.table_id = $2 AND log.old_object_id IS NOT NULL AND NOT (%11$s)
      ) AS touch
      ORDER BY touch.id, touch.event_id DESC
    ), lost AS (
      SELECT keyed.*, CASE WHEN %2$s THEN NULL ELSE keyed.id END AS place
      FROM (
        SELECT %5$s
        FROM last AS touch
        CROSS JOIN LATERAL (SELECT :schema.id_parts(touch.id, %4$s) AS parts) AS key
        WHERE touch.existed
      ) AS keyed
    )
    SELECT %6$s, missing, (CASE WHEN spot.place IS NULL THEN jsonb_build_array(%7$s) ELSE to_jsonb(spot.place) END)::text
    FROM (%8$s) AS spot (%9$s)
    %10$s
    $query$,
    changed,
    key.is_key,
    concat_ws(', ', 'touch.id', 'touch.event_id', 'touch.changed_at', key.typed),
    key.number,
    concat_ws(', ', 'touch.id', key.typed),
    lists.result,
    key.places,
    array_to_string(ARRAY(SELECT format('(%s)', part) FROM unnest(parts) AS part), ' UNION ALL '),
    concat_ws(', ', key.names, 'place', lists.result, 'missing'),
    coalesce(page, 'ORDER BY ' || concat_ws(', ', key.places, 'spot.place COLLATE "C"')),
    since
  )
  USING moment, tracked_id, relation, past, lists.names, lists.unread;
END
$function$;
