-- Where events are in the chain, and the hash that they have to have: of the block,
-- or of the last entry that redacted them; null where they were retired.
CREATE OR REPLACE FUNCTION :schema.places_of(ids bigint[])
RETURNS TABLE (event_id bigint, block bigint, place integer, leaf bytea)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $function$
  WITH reach AS (
    SELECT min(id) AS first, max(id) AS last FROM unnest(places_of.ids) AS id
  ), list AS MATERIALIZED (
    SELECT leaf.block, leaf.ids, leaf.hashes || ''::bytea AS hashes
    FROM reach JOIN :schema.audit_leaf AS leaf ON leaf.first_id <= leaf.last_id AND leaf.last_id < 9223372036854775807 AND int8range(leaf.first_id, leaf.last_id, '[]') && int8range(reach.first, reach.last, '[]')
    WHERE EXISTS (SELECT FROM unnest(places_of.ids) AS id WHERE id BETWEEN leaf.first_id AND leaf.last_id)
  ), sealed AS MATERIALIZED (
    -- cut off before anything is joined, or each row would carry the whole list
    SELECT own.id, list.block, own.place::integer - 1 AS place, substr(list.hashes, 32 * own.place::integer - 31, 32) AS leaf
    FROM list
    CROSS JOIN LATERAL unnest(list.ids) WITH ORDINALITY AS own (id, place)
    JOIN (SELECT DISTINCT id FROM unnest(places_of.ids) AS id) AS wanted ON wanted.id = own.id
  ), amendment AS MATERIALIZED (
    SELECT * FROM :schema.amendments(ARRAY(SELECT DISTINCT block FROM sealed))
  )
  SELECT sealed.id, sealed.block, sealed.place, CASE WHEN amendment.entry IS NULL THEN sealed.leaf ELSE amendment.leaf END
  FROM sealed LEFT JOIN amendment USING (block, place)
$function$;
