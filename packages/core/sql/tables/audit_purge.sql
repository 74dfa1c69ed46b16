-- What was purged of the log, by whom and until when: one row for each purge. A
-- purge takes many transactions, and one that was killed is gone on with from
-- what stands here.
CREATE TABLE IF NOT EXISTS :schema.audit_purge (
  id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  started_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  finished_at timestamptz,                       -- null: it is under way, or was killed
  context_id  bigint      NOT NULL,              -- audit_context.id: who asked for it, and why
  db_user     text        NOT NULL DEFAULT session_user,
  older_than  interval,                          -- as it was asked; null: the tables' own retention
  targets     jsonb       NOT NULL,              -- {table_id: until}: what of which table
  drops       boolean     NOT NULL,              -- whether partitions are dropped that hold nothing else
  contexts_before timestamptz NOT NULL,          -- contexts older than this go that no event needs
  counts      jsonb       NOT NULL DEFAULT '{}', -- {table_id: number of events}
  events      bigint      NOT NULL DEFAULT 0,
  contexts    bigint      NOT NULL DEFAULT 0,
  bytes       bigint      NOT NULL DEFAULT 0,    -- of rows that were deleted, and of partitions with their indexes
  partitions  text[]      NOT NULL DEFAULT '{}', -- that it has dropped
  leaver      text,                              -- the one that it is dropping
  place_log   text        NOT NULL DEFAULT 'audit_event',  -- how far it has come: the log,
  place_since timestamptz NOT NULL DEFAULT '-infinity',    -- where the partition begins,
  place_id    bigint      NOT NULL DEFAULT -1              -- and the last id that was looked at
);

DO $columns$
BEGIN
  IF NOT EXISTS (
    SELECT FROM pg_attribute
    WHERE attrelid = ':schema.audit_purge'::regclass AND attname = 'leaver' AND NOT attisdropped
  ) THEN
    ALTER TABLE :schema.audit_purge ADD COLUMN leaver text;
  END IF;
END
$columns$;
