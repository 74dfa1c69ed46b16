-- The last block of the chain, if its hashes are gone and retention did not take them.
CREATE OR REPLACE FUNCTION :schema.lost_leaves()
RETURNS bigint
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT last.id
  FROM (SELECT own.id FROM :schema.audit_seal AS own WHERE own.entry ->> 'kind' = 'block' ORDER BY own.id DESC LIMIT 1) AS last
  WHERE CASE WHEN NOT EXISTS (SELECT FROM :schema.audit_leaf AS leaf WHERE leaf.block = last.id) THEN :schema.verify_blocks(last.id, last.id) <> '[]' END
$function$;
