-- The foreign keys of a tracked table that refer to rows with a label: the
-- referring columns, in the order of the referenced primary key, and the id of
-- the referenced table. Those that refer to another unique key are left out:
-- the log finds rows by the primary one.
CREATE OR REPLACE FUNCTION :schema.labelled_references(tracked_id integer)
RETURNS TABLE (columns text[], referenced_id integer)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT key.columns, referenced.id
  FROM pg_constraint AS reference
  CROSS JOIN LATERAL (SELECT :schema.tracked_id(reference.confrelid) AS id) AS referenced
  CROSS JOIN LATERAL (
    SELECT array_agg(own.attname::text ORDER BY place.number) AS columns, bool_and(place.number IS NOT NULL) AS is_primary
    FROM unnest(reference.conkey, reference.confkey) AS pair (own, other)
    JOIN pg_attribute AS own ON own.attrelid = reference.conrelid AND own.attnum = pair.own
    JOIN pg_attribute AS other ON other.attrelid = reference.confrelid AND other.attnum = pair.other
    CROSS JOIN LATERAL (SELECT array_position(:schema.key_columns(reference.confrelid), other.attname::text) AS number) AS place
  ) AS key
  WHERE reference.conrelid = :schema.live_table($1) AND reference.contype = 'f'
    AND reference.conparentid = 0  -- one that PostgreSQL made for a partition
    AND key.is_primary
    AND to_regprocedure(format('%I.%I(jsonb)', :'schema', 'label_' || referenced.id)) IS NOT NULL
  ORDER BY reference.conname
$function$;
