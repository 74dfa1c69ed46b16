-- One row at a moment, for a caller that has kept what an earlier question told of
-- the table: known is a document of past_columns, with one of plain_past.
-- Records of the columns of known, followed by two of text: the names of those
-- whose value is not known (a JSON array, or null), and what is known of the
-- answer, {found, since, complete, keys_erased_until}. None where known does not hold
-- any more, or not at that moment.
CREATE OR REPLACE FUNCTION :schema.row_then(
  relation oid, identity jsonb, at timestamptz, event bigint, transaction bigint, consistent boolean, known jsonb
)
RETURNS SETOF record
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
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
  plain     jsonb := known -> 'plain';
  present   record := :schema.past_version(relation);
  since     timestamptz := known ->> 'recorded_since';
  moment    jsonb;
  wanted    text;
  truncated record;
  doubtful_until timestamptz;
  erased_at timestamptz := known ->> 'erased_at';
  change    record;
  answer    jsonb;
  state     jsonb;
  missing   jsonb;
  lists     record;
BEGIN
  IF plain ->> 'version' IS DISTINCT FROM present.version THEN
    RETURN;
  END IF;
  wanted := :schema.row_id(present.tracked_id, identity);
  moment := :schema.past_moment(at, event, transaction, consistent);
  IF (moment ->> 'at')::timestamptz < (plain ->> 'from')::timestamptz THEN
    RETURN;
  END IF;
  truncated := :schema.truncations_after(present.tracked_id, moment);
  doubtful_until := (
    SELECT max(period.value::timestamptz) FROM jsonb_each_text(nullif(known -> 'doubtful', 'null')) AS period
    WHERE (moment ->> 'at')::timestamptz >= period.key::timestamptz AND (moment ->> 'at')::timestamptz < period.value::timestamptz
  );
  answer := jsonb_build_object(
    'found', true,
    'since', CASE WHEN since IS NOT NULL THEN to_char(greatest(since, truncated.last, doubtful_until), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') END,
    'complete', coalesce(since <= (moment ->> 'at')::timestamptz, false) AND doubtful_until IS NULL
  );
  SELECT first.* INTO change FROM :schema.event_after(present.tracked_id, wanted, -1, moment) AS first;

  IF change.id IS NULL AND NOT starts_with(wanted, 'md5 ') THEN
    RETURN QUERY EXECUTE plain ->> 'live'
    USING CASE jsonb_array_length(known -> 'key') WHEN 1 THEN jsonb_build_array(wanted) ELSE wanted::jsonb END, NULL::text, answer::text;
    IF FOUND THEN
      RETURN;
    END IF;
  ELSIF change.image = 'f' AND change.operation IN ('U', 'D') AND change.old_object_id IS NULL THEN
    state := CASE change.operation WHEN 'U' THEN change.new || change.old ELSE change.old END;
    missing := (
      SELECT jsonb_agg(part -> 'name') FROM jsonb_array_elements(known -> 'columns') AS part WHERE NOT state ? (part ->> 'name')
    );
    IF coalesce(missing <@ (known -> 'unrecorded'), true) THEN
      RETURN QUERY EXECUTE plain ->> 'told' USING state, missing::text, answer::text;
      RETURN;
    END IF;
  END IF;

  lists := :schema.past_lists(known);
  RETURN QUERY EXECUTE format(
    'SELECT %s, missing, $7 FROM :schema.past_rows_of($1, $2, $3, $4, ARRAY[$5], $6) AS past (%s, missing text, place text)', lists.result, lists.types
  )
  USING present.tracked_id, relation, moment, known, wanted, true, answer::text;
  IF NOT FOUND THEN
    RETURN QUERY EXECUTE format(
      'SELECT nothing.*, NULL::text, $1 FROM (VALUES (true)) AS one LEFT JOIN (SELECT %s) AS nothing ON true',
      (SELECT string_agg(format('NULL::%s', part ->> 'type'), ', ' ORDER BY position) FROM jsonb_array_elements(known -> 'columns') WITH ORDINALITY AS own (part, position))
    )
    USING (answer || jsonb_build_object(
      'found', false,
      'complete', (answer -> 'complete')::boolean AND truncated.number = 0 AND coalesce(erased_at <= (moment ->> 'at')::timestamptz, true),
      'keys_erased_until', CASE WHEN (known -> 'keys_erased')::boolean AND erased_at > (moment ->> 'at')::timestamptz THEN
        to_char(erased_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
      END
    ))::text;
  END IF;
END
$function$;
