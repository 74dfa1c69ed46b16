-- The foreign keys of the database, those of partitions aside.
--   acts, cascades  whether something is done to who refers to a row whose key changes; whether it changes, too
--   sweeps          whether something is done to who refers to a row that goes
CREATE OR REPLACE FUNCTION :schema.undo_keys()
RETURNS TABLE (id oid, child oid, parent oid, acts boolean, cascades boolean, sweeps boolean, near text[], far text[])
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT reference.oid, reference.conrelid, reference.confrelid, reference.confupdtype IN ('c', 'n', 'd'), reference.confupdtype = 'c',
    reference.confdeltype IN ('c', 'n', 'd'),
    ARRAY(
      SELECT attribute.attname::text
      FROM unnest(reference.conkey) WITH ORDINALITY AS side (number, position)
      JOIN pg_attribute AS attribute ON attribute.attrelid = reference.conrelid AND attribute.attnum = side.number
      ORDER BY side.position
    ),
    ARRAY(
      SELECT attribute.attname::text
      FROM unnest(reference.confkey) WITH ORDINALITY AS side (number, position)
      JOIN pg_attribute AS attribute ON attribute.attrelid = reference.confrelid AND attribute.attnum = side.number
      ORDER BY side.position
    )
  FROM pg_constraint AS reference
  WHERE reference.contype = 'f' AND reference.conparentid = 0
    -- NOT ENFORCED exists since PostgreSQL 18
    AND to_jsonb(reference) ->> 'conenforced' IS DISTINCT FROM 'false'
$function$;
