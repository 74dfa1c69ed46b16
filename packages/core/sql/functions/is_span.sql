-- Whether a text says for how long events are kept, or how old they are to be:
-- calendar units in words, which no setting of a session reads differently, and
-- nobody. (To PostgreSQL '6m' is six minutes, and '1' a second.) At most a thousand
-- years, for what is that long ago has no timestamp.
CREATE OR REPLACE FUNCTION :schema.is_span(text text)
RETURNS boolean
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT CASE
    WHEN text ~ '^[1-9]\d{0,4} (hour|day|week|month|year)s?( [1-9]\d{0,4} (hour|day|week|month|year)s?){0,4}$'
    THEN text::interval <= '1000 years'
    ELSE false
  END
$function$;
