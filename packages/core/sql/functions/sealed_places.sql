-- Events with an id behind after, up to until, as they are sealed: their block and
-- place there, their leaf, and the entry of the chain that amended them, if one did:
-- with a new leaf where they were redacted, null where they were retired.
CREATE OR REPLACE FUNCTION :schema.sealed_places(after bigint, until bigint)
RETURNS TABLE (id bigint, block bigint, place integer, sealed_leaf bytea, entry bigint, new_leaf bytea)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $function$
  WITH list AS MATERIALIZED (
    -- in memory, or each look would fetch the hashes anew
    SELECT own.block, own.ids, own.hashes || ''::bytea AS hashes
    FROM :schema.audit_leaf AS own
    WHERE int8range(own.first_id, own.last_id, '[]') && int8range(after, sealed_places.until, '(]')
  ), leaf AS MATERIALIZED (
    -- cut off before anything is sorted, or each row would carry the whole list
    SELECT event.id, list.block, event.place::integer - 1 AS place, substr(list.hashes, 32 * event.place::integer - 31, 32) AS sealed_leaf
    FROM list CROSS JOIN LATERAL unnest(list.ids) WITH ORDINALITY AS event (id, place)
    WHERE event.id > after AND event.id <= sealed_places.until
  )
  SELECT leaf.id, leaf.block, leaf.place, leaf.sealed_leaf, amendment.entry, amendment.leaf
  FROM leaf
  LEFT JOIN :schema.amendments(ARRAY(SELECT list.block FROM list)) AS amendment USING (block, place)
$function$;
