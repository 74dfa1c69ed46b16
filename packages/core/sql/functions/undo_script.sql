-- The statements of an undo as a script for psql, piece by piece. It is another
-- request than the one that it is made in.
CREATE OR REPLACE FUNCTION :schema.undo_script(metadata jsonb, statements jsonb[])
RETURNS SETOF jsonb
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT to_jsonb(line.text)
  FROM (
    SELECT 1 AS place, 0::bigint AS statement, 0::bigint AS n, format(
      E'-- It compares nothing: what was changed since it was written is overwritten.\n-- psql -v ON_ERROR_STOP=1 -f this_file\nSET client_encoding = ''UTF8'';\nBEGIN;\n-- how the values below are written\nSET LOCAL IntervalStyle = ''postgres'';\nSET LOCAL lc_monetary = ''C'';\nSET LOCAL array_nulls = on;\nSET LOCAL xmloption = content;\nSELECT pg_catalog.set_config(''auditrum.context'', %L, true);\n',
      metadata - '{request_id,trace_id,span_id}'::text[]
    ) AS text
    UNION ALL
    SELECT 2, (document ->> 'statement')::bigint, -(document ->> 'n')::bigint, (document ->> 'sql') || E';\n'
    FROM unnest(statements) AS statement (document)
    WHERE (document -> 'is_run')::boolean
    UNION ALL
    SELECT 3, 0, 0, E'COMMIT;\n'
  ) AS line
  WHERE statements <> '{}'
  ORDER BY line.place, line.statement, line.n
$function$;
