-- Says what an answer in SQL has no place for: that it may not be all.
CREATE OR REPLACE FUNCTION :schema.warn_of_gaps(past jsonb)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  IF NOT (past -> 'complete')::boolean THEN
    RAISE WARNING '%', format('The log does not know all of %s at that moment.', past ->> 'name')
      USING HINT = coalesce(
        format('It does since %s.', (past ->> 'since')::timestamptz),
        'Not every change of it is recorded: it has a condition (when), is not tracked any more, or is gone.'
      );
  END IF;
END
$function$;
