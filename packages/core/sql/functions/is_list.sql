-- Whether the ids of a block are a list of which every event is looked for: in
-- order, each once, and as far as the block says that they reach. No root covers them.
CREATE OR REPLACE FUNCTION :schema.is_list(ids bigint[], first_id bigint, last_id bigint)
RETURNS boolean
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT coalesce(
    array_ndims(ids) = 1 AND array_lower(ids, 1) = 1 AND array_position(ids, NULL) IS NULL
      AND first_id > 0 AND ids[1] = first_id AND ids[cardinality(ids)] = last_id
      AND ids = ARRAY(SELECT DISTINCT id FROM unnest(ids) AS id ORDER BY id),
    false
  )
$function$;
