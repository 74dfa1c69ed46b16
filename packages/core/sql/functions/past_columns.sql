-- What a table looked like at a moment, and what is known of it, for the
-- functions that read its rows:
--
--   name         of the table
--   columns      [{name, type, live: its name now, same: whether its type is}]; with
--                present the columns of now, else those of named_at or the moment
--   definition   the columns as a column definition list
--   key          the names of the primary key's columns now
--   key_steady   whether every object_id that is no hash is one of such a key
--   ordered      whether none is a hash, either, as long keys are, and what stands for erased ones
--   shapes       [{until, map: {name then: name, or null: not asked for}, loose: names whose type was another}]
--   steady       no column has changed since
--   checked      {name: type} of the columns whose values of then may be none of their type now
--   ignored, unrecorded: names of columns whose changes alone are no events, that are in no event
--   recorded_since  since when every change is recorded
--   since        from when on all is known, but for what was erased; complete: whether all is at the moment
--   erased_at    before that, values may have been erased, and with keys_erased keys as well
--   truncated    the first truncation since then; truncated_parts: whether a partition was truncated
--
-- A column is told by its number, which survives renaming, except where the
-- table was created anew or restored: there by its name.
CREATE OR REPLACE FUNCTION :schema.past_columns(
  tracked_id integer, relation oid, moment jsonb, present boolean, named_at jsonb DEFAULT NULL
)
RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET TimeZone = 'UTC'
AS $function$
DECLARE
  facts       jsonb := :schema.table_past(tracked_id, relation);
  declaration jsonb := facts -> 'declaration';
  shapes      jsonb := '[]';
  shape       jsonb;
  earlier     jsonb;
  columns     jsonb;
  last        integer;
  target      integer;
  steady      boolean;
  live        jsonb;  -- the present columns, if the table is there
  ignored     jsonb;
  unrecorded  jsonb;
  key_steady  boolean;
  keys        jsonb;  -- the columns of the key in each shape
  since       timestamptz := facts ->> 'since';
  truncated   record;
  doubtful_until timestamptz;  -- at lies in a period in which a change was made that nobody recorded
  at          timestamptz := moment ->> 'at';
BEGIN
  FOR shape IN SELECT jsonb_array_elements(facts -> 'shapes') LOOP
    earlier := shapes -> -1;
    CONTINUE WHEN earlier -> 'plain' = shape -> 'columns';
    SELECT jsonb_agg(own.part || jsonb_build_object('identity', coalesce(
      (
        SELECT before.part ->> 'identity'
        FROM jsonb_array_elements(earlier -> 'columns') AS before (part)
        WHERE CASE
          WHEN coalesce(earlier ->> 'relation' = shape ->> 'relation', true) THEN before.part -> 'number' = own.part -> 'number'
          ELSE before.part -> 'name' = own.part -> 'name'
        END
      ),
      jsonb_array_length(shapes) || '.' || (own.part ->> 'number')
    )))
    INTO columns
    FROM jsonb_array_elements(shape -> 'columns') AS own (part);
    shapes := shapes || jsonb_build_array(shape || jsonb_build_object('columns', columns, 'plain', shape -> 'columns'));
  END LOOP;
  last := jsonb_array_length(shapes) - 1;
  IF relation IS NOT NULL THEN
    live := shapes -> -1 -> 'columns';
  END IF;

  target := :schema.shape_at(tracked_id, shapes, moment);
  -- a shape may differ from the next in what was recorded alone
  steady := target = last OR NOT EXISTS (
    SELECT FROM jsonb_array_elements(shapes) WITH ORDINALITY AS known (document, position)
    WHERE position - 1 >= target
      AND jsonb_path_query_array(document, '$.columns[*].keyvalue() ? (@.key == "name" || @.key == "type" || @.key == "identity").value')
        <> jsonb_path_query_array(shapes -> -1, '$.columns[*].keyvalue() ? (@.key == "name" || @.key == "type" || @.key == "identity").value')
  );
  IF present THEN
    target := last;
  ELSIF named_at IS NOT NULL THEN
    target := :schema.shape_at(tracked_id, shapes, named_at);
    steady := steady AND target >= :schema.shape_at(tracked_id, shapes, moment);
  END IF;

  SELECT jsonb_agg(
    jsonb_build_object(
      'name', own.part ->> 'name',
      'identity', own.part ->> 'identity',
      'key', own.part -> 'key',
      'type', CASE
        WHEN type.oid IS NULL THEN 'text'
        -- a driver is not told of domains, and their checks are those of now
        WHEN type.typtype = 'd' AND NOT present THEN regexp_replace(regexp_replace(own.part ->> 'base', '^character(?=\[|$)', 'bpchar'), '^bit(?=\[|$)', '"bit"')
        ELSE own.part ->> 'type'
      END,
      'checked', type.oid IS NULL OR coalesce(element.typnamespace, type.typnamespace) <> 'pg_catalog'::regnamespace
        -- names of objects, which may be gone
        OR starts_with(coalesce(element.typname, type.typname), 'reg'),
      'live', now.part ->> 'name',
      'same', coalesce(now.part ->> 'type' = own.part ->> 'type', false)
    )
    ORDER BY own.position
  )
  INTO columns
  FROM jsonb_array_elements(shapes -> target -> 'columns') WITH ORDINALITY AS own (part, position)
  LEFT JOIN jsonb_array_elements(live) AS now (part) ON now.part -> 'identity' = own.part -> 'identity'
  LEFT JOIN pg_type AS type ON type.oid = to_regtype(own.part ->> 'type')
  LEFT JOIN pg_type AS element ON element.oid = type.typelem AND type.typcategory = 'A';

  SELECT
    coalesce(jsonb_agg(own.part -> 'name') FILTER (WHERE declared.is_ignored), '[]'),
    coalesce(jsonb_agg(own.part -> 'name') FILTER (WHERE declared.is_unrecorded), '[]')
  INTO ignored, unrecorded
  FROM jsonb_array_elements(columns) AS own (part)
  CROSS JOIN LATERAL (
    SELECT bool_or(other.part ->> 'recorded' = 'i') AS is_ignored, bool_or(other.part ->> 'recorded' = 'n') AS is_unrecorded
    FROM jsonb_array_elements(shapes) WITH ORDINALITY AS known (document, position)
    CROSS JOIN LATERAL jsonb_array_elements(known.document -> 'columns') AS other (part)
    WHERE known.position > target AND other.part -> 'identity' = own.part -> 'identity'
  ) AS declared;

  truncated := :schema.truncations_after(tracked_id, moment);

  keys := (
    SELECT jsonb_agg(
      (
        SELECT coalesce(jsonb_agg(jsonb_build_object('identity', part -> 'identity', 'type', part -> 'type') ORDER BY part -> 'key'), '[]')
        FROM jsonb_array_elements(known.document -> 'columns') AS part
        WHERE part ->> 'key' IS NOT NULL
      )
      ORDER BY known.position
    )
    FROM jsonb_array_elements(shapes) WITH ORDINALITY AS known (document, position)
  );
  IF declaration ? 'when' OR live IS NULL THEN
    since := NULL;
  ELSIF since IS NOT NULL THEN
    -- under another key rows had other names
    since := greatest(since, (
      SELECT max(coalesce((shapes -> position::integer - 1 ->> 'from')::timestamptz, statement_timestamp()))
      FROM jsonb_array_elements(keys) WITH ORDINALITY AS known (key, position)
      WHERE position - 1 > target AND jsonb_path_query_array(key, '$[*].identity') <> jsonb_path_query_array(keys -> position::integer - 2, '$[*].identity')
    ));
  END IF;

  key_steady := live IS NOT NULL
    AND NOT EXISTS (SELECT FROM jsonb_array_elements(keys) AS other WHERE other <> keys -> -1)
    -- labels of an enum can be renamed, domains get checks
    AND NOT jsonb_path_exists(keys, '$[last][*].type ? (@ like_regex "[.]")');

  doubtful_until := (
    SELECT max(period.value::timestamptz) FROM jsonb_each_text(nullif(facts -> 'doubtful', 'null')) AS period
    WHERE at >= period.key::timestamptz AND at < period.value::timestamptz
  );

  shapes := (
    SELECT jsonb_agg(jsonb_build_object(
      'until', CASE WHEN position - 1 < last THEN coalesce(shapes -> position::integer ->> 'from', 'infinity') END,
      'map', map.names,
      'loose', map.loose
    ) ORDER BY position)
    FROM jsonb_array_elements(shapes) WITH ORDINALITY AS known (document, position)
    CROSS JOIN LATERAL (
      SELECT jsonb_object_agg(part ->> 'name', own ->> 'name') AS names,
        coalesce(jsonb_agg(own ->> 'name') FILTER (WHERE asked ->> 'type' <> part ->> 'type'), '[]') AS loose
      FROM jsonb_array_elements(known.document -> 'columns') AS part
      LEFT JOIN jsonb_array_elements(columns) AS own ON own -> 'identity' = part -> 'identity'
      LEFT JOIN jsonb_array_elements(shapes -> target -> 'columns') AS asked ON asked -> 'identity' = part -> 'identity'
    ) AS map
  );
  RETURN jsonb_build_object(
    'name', facts -> 'name',
    'columns', columns,
    'definition', (SELECT string_agg(format('%I %s', part ->> 'name', part ->> 'type'), ', ' ORDER BY position) FROM jsonb_array_elements(columns) WITH ORDINALITY AS own (part, position)),
    'key', coalesce((SELECT jsonb_agg(part -> 'name' ORDER BY part -> 'key') FROM jsonb_array_elements(live) AS part WHERE part ->> 'key' IS NOT NULL), '[]'),
    'key_steady', key_steady,
    'ordered', key_steady AND NOT (facts -> 'keys_erased')::boolean AND NOT EXISTS (
      SELECT FROM jsonb_array_elements(live) AS part
      WHERE part ->> 'key' IS NOT NULL AND part ->> 'type' NOT IN (
        'smallint', 'integer', 'bigint', 'boolean', 'uuid', 'date', 'timestamp without time zone', 'timestamp with time zone'
      )
    ),
    'shapes', shapes,
    'steady', steady,
    'checked', coalesce((
      SELECT jsonb_object_agg(part ->> 'name', part ->> 'type')
      FROM jsonb_array_elements(columns) AS part
      WHERE (part -> 'checked')::boolean OR jsonb_path_exists(shapes, '$[*].loose[*] ? (@ == $name)', jsonb_build_object('name', part -> 'name'))
    ), '{}'),
    'ignored', ignored,
    'unrecorded', unrecorded,
    'recorded_since', since,
    'doubtful', facts -> 'doubtful',
    'since', CASE WHEN since IS NOT NULL THEN greatest(since, truncated.last, doubtful_until) END,
    'erased_at', facts -> 'erased_at',
    'keys_erased', facts -> 'keys_erased',
    'complete', coalesce(since <= at, false) AND doubtful_until IS NULL AND truncated.number = 0
      AND coalesce((facts ->> 'erased_at')::timestamptz <= at, true),
    'complete_rows', coalesce(since <= at, false) AND doubtful_until IS NULL,
    'truncated', truncated.first_whole,
    'truncated_parts', truncated.number > 0
  );
END
$function$;
