-- What retention and erasure took out of blocks, as the chain says: a row for each
-- event, with its new leaf where it was redacted, null where it was retired, and then
-- the event that it is said to be, and the columns that it must say itself to have lost.
-- What was retired may have been redacted before. Entries that have not their form say
-- nothing.
DROP FUNCTION IF EXISTS :schema.amendments(bigint[]);  -- it did not return event and columns
CREATE OR REPLACE FUNCTION :schema.amendments(blocks bigint[])
RETURNS TABLE (entry bigint, block bigint, place integer, leaf bytea, event bigint, columns text[])
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $function$
  WITH amending AS MATERIALIZED (
    SELECT own.id, said
    FROM :schema.audit_seal AS own CROSS JOIN LATERAL :schema.read_entry(own.id, own.entry) AS said
    WHERE own.entry ->> 'kind' IN ('retire', 'redact') AND own.id > (SELECT min(wanted.block) FROM unnest(blocks) AS wanted (block)) AND said IS NOT NULL
      -- of a few blocks: most erasures name none of them, and are long to read
      AND (cardinality(blocks) > 16 OR own.entry::text LIKE ANY (
        ARRAY(SELECT '%"kind": "retire"%' UNION ALL SELECT format('%%"block": %s,%%', wanted.block) FROM unnest(blocks) AS wanted (block))
      ))
  ), sealing AS MATERIALIZED (
    SELECT own.id, (said ->> 'events')::integer AS events
    FROM unnest(blocks) AS wanted (block)
    JOIN :schema.audit_seal AS own ON own.id = wanted.block
    CROSS JOIN LATERAL :schema.read_entry(own.id, own.entry) AS said
    WHERE said ->> 'kind' = 'block' AND EXISTS (SELECT FROM amending)
  )
  SELECT DISTINCT ON (amendment.block, amendment.place) amendment.*
  FROM (
    SELECT amending.id AS entry, sealing.id AS block, retired.place, NULL::bytea AS leaf, NULL::bigint AS event, NULL::text[] AS columns
    FROM amending
    CROSS JOIN jsonb_to_recordset(amending.said -> 'retired') AS piece (block bigint, "to" bigint, which text)
    JOIN sealing ON sealing.id BETWEEN piece.block AND coalesce(piece."to", piece.block)
    CROSS JOIN LATERAL (SELECT decode(piece.which, 'base64') AS bits OFFSET 0) AS bitmap
    CROSS JOIN LATERAL generate_series(0, sealing.events - 1) AS retired (place)
    WHERE amending.said ->> 'kind' = 'retire'
      AND (piece.which IS NULL OR retired.place < 8 * octet_length(bitmap.bits) AND get_bit(bitmap.bits, retired.place) = 1)
    UNION ALL
    SELECT amending.id, piece.block, piece.place, decode(piece.leaf, 'hex'), piece.event,
      ARRAY(SELECT name FROM unnest(piece.columns) AS name WHERE NOT starts_with(name, 'context.'))
    FROM amending
    CROSS JOIN jsonb_to_recordset(amending.said -> 'redacted') AS piece (block bigint, place integer, leaf text, event bigint, columns text[])
    WHERE amending.said ->> 'kind' = 'redact' AND piece.block = ANY (blocks)
  ) AS amendment
  ORDER BY amendment.block, amendment.place, amendment.leaf IS NOT NULL, amendment.entry DESC
$function$;
