-- What has become of the rows that were written: triggers of the table may have
-- changed what was written, or kept it from being written.
CREATE OR REPLACE FUNCTION :schema.undo_effects(rows jsonb[], present jsonb[])
RETURNS SETOF jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT own.document || jsonb_build_object(
    'outcome', CASE WHEN is_kept THEN 'skipped' WHEN own.document ->> 'outcome' = 'planned' THEN 'done' ELSE own.document ->> 'outcome' END,
    'lacks', own.document -> 'lacks' || CASE
      WHEN is_kept THEN jsonb_build_array(jsonb_build_object('columns', '{}'::text[], 'why', 'kept'))
      WHEN other.names IS NOT NULL THEN jsonb_build_array(jsonb_build_object('columns', other.names, 'why', 'trigger'))
      ELSE '[]'
    END
  )
  FROM unnest(rows) AS own (document)
  LEFT JOIN unnest(present) AS now (document) ON now.document -> 'n' = own.document -> 'n'
  -- another row has got the key
  LEFT JOIN (
    SELECT DISTINCT row.document -> 'table' AS tracked, row.document -> 'at' AS at FROM unnest(present) AS row (document) WHERE row.document ->> 'op' <> 'delete'
  ) AS taken ON own.document ->> 'op' = 'delete' AND taken.tracked = own.document -> 'table' AND taken.at = own.document -> 'at'
  CROSS JOIN LATERAL (SELECT own.document ->> 'op' = 'delete' AS is_delete) AS kind
  CROSS JOIN LATERAL (SELECT kind.is_delete = (now.document IS NOT NULL AND taken.at IS NULL) AS is_kept) AS fate
  CROSS JOIN LATERAL (
    SELECT CASE WHEN NOT kind.is_delete THEN (
      SELECT jsonb_agg(name)
      FROM jsonb_array_elements_text(own.document -> 'columns') AS name
      WHERE (now.document -> 'live' -> name)::text IS DISTINCT FROM (coalesce(now.document -> 'target', now.document -> 'wanted') -> name)::text
    ) END AS names
  ) AS other
$function$;
