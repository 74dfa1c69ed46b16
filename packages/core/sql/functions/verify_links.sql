-- Whether the entries of the chain follow each other: each has to say its place,
-- and the hash of the one before it. Returns {entries, retired, problems}.
CREATE OR REPLACE FUNCTION :schema.verify_links()
RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $function$
  WITH link AS (
    SELECT own.id, own.entry,
      row_number() OVER sequence - 1 AS place,
      encode(lag(:schema.entry_leaf(own.entry)) OVER sequence, 'hex') AS before
    FROM :schema.audit_seal AS own
    WINDOW sequence AS (ORDER BY own.id)
  ), broken AS (
    SELECT id
    FROM link
    WHERE id <> place OR (entry ->> 'id') IS DISTINCT FROM id::text OR (entry ->> 'previous') IS DISTINCT FROM before
      OR (entry ->> 'kind' = 'start') IS DISTINCT FROM (id = 0)
  )
  SELECT jsonb_build_object(
    'entries', (SELECT count(*) FROM link),
    'retired', (SELECT coalesce(sum((entry ->> 'events')::bigint), 0) FROM link WHERE entry ->> 'kind' = 'retire'),
    'problems', (
      SELECT coalesce(jsonb_agg(jsonb_build_object('kind', 'rewritten', 'event', NULL, 'block', id::text, 'entry', id) ORDER BY id), '[]')
      FROM broken
    )
  )
$function$;
