-- The chain before an entry, backwards, as it is hashed.
SELECT seal.id::text AS id, seal.entry::text AS entry
FROM :schema.audit_seal AS seal
WHERE seal.id < $1::bigint
ORDER BY seal.id DESC
LIMIT $2::bigint
