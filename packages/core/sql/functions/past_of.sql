-- What the functions that read rows of the past need: the columns are those of
-- the moment, or with present those of now, or those of the moment named_at.
-- What cannot be answered is an error.
CREATE OR REPLACE FUNCTION :schema.past_of(
  tracked_id integer, at timestamptz, event bigint, transaction bigint, consistent boolean, present boolean, named_at jsonb,
  OUT relation oid, OUT moment jsonb, OUT past jsonb
)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  relation := :schema.live_table(tracked_id);
  moment := :schema.past_moment(at, event, transaction, consistent);
  IF named_at IS NOT NULL THEN
    -- both moments as the same snapshot shows them
    moment := moment || jsonb_build_object('snapshot', named_at -> 'snapshot', 'unseen_since', named_at -> 'unseen_since');
  END IF;
  past := :schema.past_columns(tracked_id, relation, moment, present, named_at);
  IF relation IS NOT NULL AND past -> 'key' = '[]' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('%s has no primary key, so it is not known which of its rows an event is about.', past ->> 'name'),
      HINT = 'Give it a primary key, then its past can be read from there on.';
  END IF;
END
$function$;
