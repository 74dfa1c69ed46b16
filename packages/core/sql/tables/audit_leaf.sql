-- The leaves of each block of the chain: which events it seals, and their hashes.
-- It goes when retention has taken the last of them.
CREATE TABLE IF NOT EXISTS :schema.audit_leaf (
  block    bigint      PRIMARY KEY,  -- audit_seal.id, whose root the hashes lead to
  first_id bigint      NOT NULL,     -- the smallest of the ids,
  last_id  bigint      NOT NULL,     -- and the greatest
  since    timestamptz NOT NULL,     -- when the first of the events was,
  until    timestamptz NOT NULL,     -- and the last: which partitions they are in
  ids      bigint[]    NOT NULL,     -- audit_event.id, ascending
  hashes   bytea       NOT NULL      -- of each, in the same order, 32 bytes each
);

-- hashes do not compress
ALTER TABLE :schema.audit_leaf ALTER COLUMN hashes SET STORAGE EXTERNAL;

DO $indexes$
BEGIN
  IF to_regclass(':schema.audit_leaf_ids') IS NULL THEN
    CREATE INDEX audit_leaf_ids ON :schema.audit_leaf USING gist (int8range(first_id, last_id, '[]'));
  END IF;
END
$indexes$;
