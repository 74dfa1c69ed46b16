-- In which columns a live row differs from what its events tell. The row is found
-- by its place (tableoid and ctid), in the snapshot that found the place.
--
--   names  of these columns; null where the key is that of several rows
--   whole  whether the log tells of all columns
CREATE OR REPLACE FUNCTION :schema.logged_difference(
  tracked_id integer, relation oid, branch oid, place tid, object_id text, event_id bigint, shapes jsonb, types jsonb, has_children boolean,
  OUT names text[], OUT whole boolean
)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  told      record := :schema.logged_columns(tracked_id, object_id, event_id, shapes);
  live      jsonb;
  number    bigint := 1;
  name      text;
  is_same   boolean;
BEGIN
  IF has_children THEN
    EXECUTE format('SELECT count(*) FROM %s AS live WHERE %s', relation::regclass, :schema.live_condition(relation, object_id)) INTO number;
  END IF;
  IF number <> 1 THEN
    RETURN;
  END IF;
  EXECUTE format(
    'SELECT to_jsonb(live.*) FROM %s AS live WHERE live.tableoid = %s AND live.ctid = %L',
    CASE
      -- who may read a partitioned table may not always read its partitions by themselves
      WHEN branch <> relation AND NOT has_children AND (NOT has_table_privilege(branch, 'SELECT') OR row_security_active(branch))
      THEN relation::regclass::text
      ELSE 'ONLY ' || branch::regclass
    END,
    branch, place
  )
  INTO live;
  IF live IS NULL THEN
    RETURN;
  END IF;
  names := '{}';
  whole := told.whole;
  FOR name IN
    SELECT key FROM jsonb_each(told.state) WHERE live ? key AND value::text <> (live -> key)::text ORDER BY key
  LOOP
    is_same := CASE WHEN types ? name THEN :schema.is_same_value(told.state -> name, live -> name, types ->> name) ELSE false END;
    IF is_same IS FALSE THEN
      names := names || name;
    ELSIF is_same IS NULL THEN
      whole := false;
    END IF;
  END LOOP;
END
$function$;
