-- What stands for a document in an event that is too large: {name: value_hash} of its
-- members, or one hash where it has more of these than a table can have columns.
CREATE OR REPLACE FUNCTION :schema.document_hashes(document jsonb)
RETURNS jsonb
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT CASE WHEN jsonb_typeof(document) = 'object' AND (SELECT count(*) FROM jsonb_object_keys(CASE jsonb_typeof(document) WHEN 'object' THEN document END)) <= 1600
    THEN coalesce((SELECT jsonb_object_agg(key, :schema.value_hash(value)) FROM jsonb_each(document)), '{}')
    ELSE to_jsonb(:schema.value_hash(document))
  END
$function$;
