-- What retention and erasure took out of blocks, as the chain says: a row for each
-- event, with its new leaf where it was redacted, null where it was retired. What
-- was retired may have been redacted before.
CREATE OR REPLACE FUNCTION :schema.amendments(blocks bigint[])
RETURNS TABLE (entry bigint, block bigint, place integer, leaf bytea)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $function$
  SELECT DISTINCT ON (amendment.block, amendment.place) amendment.*
  FROM (
    SELECT amending.id AS entry, sealing.id AS block, retired.place, NULL::bytea AS leaf
    FROM :schema.audit_seal AS amending
    CROSS JOIN json_to_recordset(amending.entry -> 'retired') AS said (block bigint, "to" bigint, which text)
    JOIN unnest(blocks) AS wanted (block) ON wanted.block BETWEEN said.block AND coalesce(said."to", said.block)
    JOIN :schema.audit_seal AS sealing ON sealing.id = wanted.block AND sealing.entry ->> 'kind' = 'block' AND sealing.id < amending.id
    CROSS JOIN LATERAL (SELECT decode(said.which, 'base64') AS bits OFFSET 0) AS bitmap
    CROSS JOIN LATERAL generate_series(0, (sealing.entry ->> 'events')::integer - 1) AS retired (place)
    WHERE amending.entry ->> 'kind' = 'retire'
      AND (said.which IS NULL OR retired.place < 8 * octet_length(bitmap.bits) AND get_bit(bitmap.bits, retired.place) = 1)
    UNION ALL
    SELECT amending.id, said.block, said.place, decode(said.leaf, 'hex')
    FROM :schema.audit_seal AS amending
    CROSS JOIN json_to_recordset(amending.entry -> 'redacted') AS said (block bigint, place integer, leaf text)
    WHERE amending.entry ->> 'kind' = 'redact'
      AND said.block = ANY (blocks) AND said.block < amending.id AND said.leaf ~ '^[0-9a-f]{64}$'
  ) AS amendment
  ORDER BY amendment.block, amendment.place, amendment.leaf IS NOT NULL, amendment.entry DESC
$function$;
