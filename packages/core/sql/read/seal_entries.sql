-- The chain from an entry on, as it is hashed. Without a limit, all of it.
SELECT seal.id::text AS id, seal.entry::text AS entry
FROM :schema.audit_seal AS seal
WHERE seal.id >= $1::bigint
ORDER BY seal.id
LIMIT $2::bigint
