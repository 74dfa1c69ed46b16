-- Events with an id behind after, up to until, as they are sealed: their block and
-- place there, their leaf, and the entry of the chain that amended them, if one did:
-- with a new leaf where they were redacted (lost: the columns that they must say to have
-- lost; null where the entry means another event), null where they were retired.
DROP FUNCTION IF EXISTS :schema.sealed_places(bigint, bigint);  -- it did not return lost
CREATE OR REPLACE FUNCTION :schema.sealed_places(after bigint, until bigint)
RETURNS TABLE (id bigint, block bigint, place integer, sealed_leaf bytea, entry bigint, new_leaf bytea, lost text[])
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $function$
  WITH list AS MATERIALIZED (
    -- in memory, or each look would fetch them anew; what is no list of ids lists nothing
    SELECT own.block, own.ids || '{}'::bigint[] AS ids, own.hashes || ''::bytea AS hashes
    FROM :schema.audit_leaf AS own
    WHERE own.first_id <= own.last_id AND own.last_id < 9223372036854775807 AND int8range(own.first_id, own.last_id, '[]') && int8range(after, nullif(sealed_places.until, 9223372036854775807), '(]')
      AND own.block IS NOT NULL
  ), leaf AS MATERIALIZED (
    -- cut off before anything is sorted, or each row would carry the whole list
    SELECT event.id, list.block, event.place::integer - 1 AS place, substr(list.hashes, 32 * event.place::integer - 31, 32) AS sealed_leaf
    FROM list CROSS JOIN LATERAL unnest(list.ids) WITH ORDINALITY AS event (id, place)
    WHERE event.id > after AND event.id <= sealed_places.until AND array_ndims(list.ids) = 1 AND array_lower(list.ids, 1) = 1
  )
  SELECT leaf.id, leaf.block, leaf.place, leaf.sealed_leaf, amendment.entry, amendment.leaf,
    CASE WHEN amendment.event = leaf.id THEN amendment.columns END
  FROM leaf
  LEFT JOIN :schema.amendments(ARRAY(SELECT list.block FROM list)) AS amendment USING (block, place)
$function$;
