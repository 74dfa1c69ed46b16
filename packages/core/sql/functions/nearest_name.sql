-- The name that was probably meant: the one that shares most pairs of letters
-- with what was written, if it shares half of them.
CREATE OR REPLACE FUNCTION :schema.nearest_name(wanted text, known text[])
RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT candidate.name
  FROM unnest(known) AS candidate (name)
  CROSS JOIN LATERAL (
    SELECT count(*) AS shared
    FROM (
      SELECT substr(lower(wanted), position, 2) FROM generate_series(0, length(wanted)) AS position
      INTERSECT ALL
      SELECT substr(lower(candidate.name), position, 2) FROM generate_series(0, length(candidate.name)) AS position
    ) AS pair
  ) AS likeness
  WHERE 2 * likeness.shared > greatest(length(wanted), length(candidate.name))
  ORDER BY likeness.shared DESC, candidate.name
  LIMIT 1
$function$;
