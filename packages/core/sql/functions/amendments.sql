-- What retention and erasure took out of blocks, as the chain says: a row for each
-- event, with its new leaf where it was redacted, null where it was retired.
--   blocks: of which; null: of all
CREATE OR REPLACE FUNCTION :schema.amendments(blocks bigint[])
RETURNS TABLE (entry bigint, block bigint, place integer, leaf bytea)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT amending.id, said.block, retired.place, NULL
  FROM :schema.audit_seal AS amending
  CROSS JOIN json_to_recordset(amending.entry -> 'retired') AS said (block bigint, events integer, which text)
  CROSS JOIN LATERAL (SELECT decode(said.which, 'base64') AS bits OFFSET 0) AS bitmap
  JOIN :schema.audit_seal AS sealing ON sealing.id = said.block
  CROSS JOIN LATERAL generate_series(0, (sealing.entry ->> 'events')::integer - 1) AS retired (place)
  WHERE amending.entry ->> 'kind' IN ('retire', 'redact') AND amending.entry ->> 'kind' = 'retire'
    AND (blocks IS NULL OR said.block = ANY (blocks))
    AND (said.which IS NULL OR retired.place < 8 * octet_length(bitmap.bits) AND get_bit(bitmap.bits, retired.place) = 1)
  UNION ALL
  SELECT * FROM (
    SELECT DISTINCT ON (said.block, said.place) amending.id, said.block, said.place, decode(said.leaf, 'hex')
    FROM :schema.audit_seal AS amending
    CROSS JOIN json_to_recordset(amending.entry -> 'redacted') AS said (block bigint, place integer, leaf text)
    WHERE amending.entry ->> 'kind' IN ('retire', 'redact') AND amending.entry ->> 'kind' = 'redact'
      AND (blocks IS NULL OR said.block = ANY (blocks))
    ORDER BY said.block, said.place, amending.id DESC
  ) AS newest
$function$;
