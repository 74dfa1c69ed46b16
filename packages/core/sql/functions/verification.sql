-- What verify answers, in the snapshot of the query that calls it.
CREATE OR REPLACE FUNCTION :schema.verification(tracked_id integer, size integer)
RETURNS jsonb
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
SET row_security = off  -- an error rather than some of the rows
SET jit = off
AS $function$
DECLARE
  relation    oid := :schema.live_table(tracked_id);
  facts       jsonb := :schema.table_past(tracked_id, relation);
  declaration jsonb := facts -> 'declaration';
  filtered    boolean := declaration ? 'when';  -- a difference may be one that was not to be recorded
  period      timestamptz := facts ->> 'since';
  past        jsonb;
  shapes      jsonb;
  types       jsonb;
  first       integer;      -- of older shapes there are no checksums
  since       timestamptz;  -- before that, rows had another key
  known       boolean;      -- each row has an event of this period
  has_children boolean;
  is_deferred boolean;      -- two rows can have one key within a transaction
  seed        bigint := (random() * 9007199254740991)::bigint;  -- no two rows are made to look alike
  spot        record;
  told        record;
  differing   text[];
  seen        integer[] := '{}';
  kind        text;
  rows        bigint := 0;
  verified    bigint := 0;
  partial     bigint := 0;
  unknown     bigint := 0;
  unsure      bigint := 0;  -- rows that are not there, and may never have been, or rightly are not
  found       bigint := 0;
  problems    jsonb[] := '{}';
BEGIN
  IF relation IS NULL THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('%s is gone, so it cannot be compared with its log.', coalesce(facts ->> 'name', 'That table')),
      HINT = 'Its history can be read as before; restore the table to compare it.';
  END IF;
  -- its name now: sync may not have seen that it was renamed
  facts := facts || (
    SELECT jsonb_build_object('name', format('%I.%I', namespace.nspname, class.relname))
    FROM pg_class AS class JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
    WHERE class.oid = relation
  );
  past := :schema.past_columns(tracked_id, relation, jsonb_build_object('at', clock_timestamp()), true);
  shapes := :schema.verification_shapes(tracked_id, relation, past);
  first := greatest(jsonb_array_length(shapes) - 7, 1);
  IF past -> 'key' = '[]' THEN
    RETURN :schema.keyless_verification(tracked_id, relation, facts, shapes, size);
  END IF;

  types := (SELECT jsonb_object_agg(part ->> 'name', part ->> 'type') FROM jsonb_array_elements(past -> 'columns') AS part);
  since := (SELECT max((document ->> 'until')::timestamptz) FROM jsonb_array_elements(shapes) AS document WHERE NOT (document -> 'same_key')::boolean);
  has_children := EXISTS (
    SELECT FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid WHERE inhparent = relation AND NOT child.relispartition
  );
  is_deferred := EXISTS (SELECT FROM pg_index WHERE indrelid = relation AND indisprimary AND NOT indimmediate);
  -- of children a truncation does not tell, and keys of before mean other rows
  known := NOT has_children AND coalesce(since <= period, since IS NULL)
    AND :schema.rows_known(tracked_id, 9223372036854775807, clock_timestamp());

  FOR spot IN EXECUTE format(
    $query$
    SELECT live.id AS live_id, live.branch, live.place, coalesce(live.id, logged.id) AS id,
      logged.event_id, logged.changed_at, logged.gone, logged.doubtful, logged.shape,
      live.checksums[logged.shape - $3 + 1] = logged.checksum AS is_same
    FROM (%s) AS live
    FULL JOIN :schema.last_touches($1, $2, $3, $4, $5, $6) AS logged ON logged.id = live.id
    $query$,
    :schema.live_checksums(tracked_id, relation, declaration, shapes, first, seed)
  )
  USING tracked_id, shapes, first, since, has_children, seed
  LOOP
    kind := NULL;
    differing := NULL;
    IF spot.live_id IS NOT NULL THEN
      rows := rows + 1;
    END IF;
    IF spot.is_same AND NOT spot.gone AND NOT (known AND spot.changed_at < period) THEN
      verified := verified + 1;
      IF NOT spot.shape = ANY (seen) THEN
        seen := seen || spot.shape;
      END IF;
    ELSIF spot.event_id IS NULL OR known AND spot.changed_at < period THEN
      -- what has no event since all rows were noted was not there then
      IF spot.live_id IS NULL THEN
        CONTINUE;
      ELSIF known THEN
        kind := 'unlogged_insert';
      ELSE
        unknown := unknown + 1;
      END IF;
    ELSIF spot.live_id IS NULL THEN
      CONTINUE WHEN spot.gone;
      IF spot.doubtful OR filtered THEN
        unsure := unsure + 1;
      ELSE
        kind := 'unlogged_delete';
      END IF;
    ELSIF spot.gone AND NOT is_deferred THEN
      kind := 'unlogged_insert';
    ELSE
      told := :schema.logged_difference(
        tracked_id, relation, spot.branch, spot.place, spot.id,
        CASE WHEN spot.gone THEN :schema.arrival_before(tracked_id, spot.id, spot.event_id) ELSE spot.event_id END,
        shapes, types, has_children
      );
      -- parts of images cannot be told apart where two rows had the key at once
      IF told.names IS NULL
        OR told.names <> '{}' AND is_deferred AND (spot.is_same IS NULL AND NOT spot.gone OR declaration ->> 'image' = 'changed')
      THEN
        unknown := unknown + 1;
      ELSIF told.names <> '{}' THEN
        kind := CASE WHEN spot.gone THEN 'unlogged_insert' ELSE 'unlogged_update' END;
        differing := CASE WHEN NOT spot.gone THEN told.names END;
      ELSIF told.whole THEN
        verified := verified + 1;
        IF spot.shape IS NOT NULL AND NOT spot.shape = ANY (seen) THEN
          seen := seen || spot.shape;
        END IF;
      ELSE
        partial := partial + 1;
      END IF;
    END IF;

    IF kind IS NOT NULL AND filtered THEN
      unknown := unknown + CASE WHEN spot.live_id IS NULL THEN 0 ELSE 1 END;
    ELSIF kind IS NOT NULL THEN
      found := found + 1;
      IF found <= size THEN
        problems := problems || jsonb_build_object(
          'kind', kind, 'id', spot.id, 'columns', to_jsonb(differing), 'event', spot.event_id::text,
          'at', to_char(spot.changed_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
          'gap', spot.event_id IS NOT NULL AND coalesce(spot.changed_at < period, true)
        );
      END IF;
    END IF;
  END LOOP;

  RETURN jsonb_build_object(
    'table', facts ->> 'name',
    'rows', rows, 'verified', verified, 'partial', partial, 'unknown', unknown,
    'complete', unknown + partial + unsure = 0 AND NOT filtered,
    'approximate', (
      SELECT coalesce(jsonb_agg(DISTINCT name ORDER BY name), '[]')
      FROM (
        SELECT jsonb_array_elements_text(shapes -> number - 1 -> 'unread') FROM unnest(seen) AS number
        UNION SELECT jsonb_array_elements_text(shapes -> -1 -> 'unread')
      ) AS unread (name)
    ),
    'problems', to_jsonb(problems),
    'more', greatest(found - size, 0)
  );
END
$function$;
