-- The chain that makes the log tamper-evident: one entry for each block of sealed
-- events, and for what retention and erasure took out of blocks. Each names the
-- hash of the one before it. Entries are only ever added, one at a time, under a
-- lock of this table.
CREATE TABLE IF NOT EXISTS :schema.audit_seal (
  id    bigint PRIMARY KEY,  -- 0, 1, 2 ... without gaps
  entry json   NOT NULL      -- kept to the byte, for its text is what is hashed
);

DO $indexes$
BEGIN
  IF to_regclass(':schema.audit_seal_amendment') IS NULL THEN
    -- the few that say what became of blocks: there may be millions of these
    CREATE INDEX audit_seal_amendment ON :schema.audit_seal (id) WHERE entry ->> 'kind' IN ('retire', 'redact');
  END IF;
  IF to_regclass(':schema.audit_seal_base') IS NULL THEN
    -- and the fewer that say which cluster it is of
    CREATE INDEX audit_seal_base ON :schema.audit_seal (id) WHERE entry ->> 'kind' IN ('start', 'rebase');
  END IF;
  IF to_regclass(':schema.audit_seal_round') IS NULL THEN
    -- behind the last of these there may be an erasure of many events, whose entries are long
    CREATE INDEX audit_seal_round ON :schema.audit_seal (id) WHERE entry ->> 'kind' IN ('start', 'block', 'rebase');
  END IF;
END
$indexes$;
