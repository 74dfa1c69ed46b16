-- What a new partition is called: audit_event_2026_11, audit_event_2026_w48 or
-- audit_event_2026_11_29, by the unit; a longer one audit_event_2026_09_to_2026_11.
-- Where units were changed within one of them that name can be taken: then the
-- day is said, too.
CREATE OR REPLACE FUNCTION :schema.partition_name(log text, unit text, since timestamptz, until timestamptz)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET "TimeZone" = 'UTC'
AS $function$
  SELECT candidate.name
  FROM (
    SELECT CASE unit WHEN 'month' THEN 'YYYY_MM' WHEN 'week' THEN 'IYYY_"w"IW' ELSE 'YYYY_MM_DD' END AS by_unit, 'YYYY_MM_DD' AS by_day
  ) AS pattern
  CROSS JOIN LATERAL (
    SELECT number, log || '_' || to_char(since, pattern) || CASE
      WHEN until > since + ('1 ' || unit)::interval THEN '_to_' || to_char(until - interval '1 microsecond', pattern)
      ELSE ''
    END || suffix AS name
    FROM (VALUES (1, pattern.by_unit, ''), (2, pattern.by_day, ''), (3, pattern.by_day, to_char(clock_timestamp(), '"_"US'))) AS choice (number, pattern, suffix)
  ) AS candidate
  WHERE to_regclass(format('%I.%I', :'schema', candidate.name)) IS NULL
  ORDER BY candidate.number
  LIMIT 1
$function$;
