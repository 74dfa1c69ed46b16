-- {key: number} plus {key: number}.
CREATE OR REPLACE FUNCTION :schema.added_counts(counts jsonb, more jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT coalesce(jsonb_object_agg(part.key, part.number), '{}')
  FROM (
    SELECT each.key, sum(each.value::bigint) AS number
    FROM (SELECT * FROM jsonb_each_text(counts) UNION ALL SELECT * FROM jsonb_each_text(more)) AS each
    GROUP BY each.key
  ) AS part
$function$;
