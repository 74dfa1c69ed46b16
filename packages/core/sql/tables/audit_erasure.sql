-- What was erased from events, by whom and why: one row for each act. It says
-- which columns of how many events, and nothing of what they held.
CREATE TABLE IF NOT EXISTS :schema.audit_erasure (
  id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  erased_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  context_id bigint      NOT NULL,               -- audit_context.id: who asked for it, and why
  db_user    text        NOT NULL DEFAULT session_user,
  reason     text,                               -- as it was given; who signs contexts takes none into them from elsewhere
  table_id   integer,                            -- audit_table.id; null: of the contexts of a user
  columns    text[]      NOT NULL,               -- of the row; of contexts as context.user_id
  events     bigint      NOT NULL,
  contexts   bigint      NOT NULL,
  entries    bigint[]    NOT NULL                -- audit_seal.id: where the chain says it; empty where the log is not sealed
);

DO $columns$
BEGIN
  IF NOT EXISTS (
    SELECT FROM pg_attribute
    WHERE attrelid = ':schema.audit_erasure'::regclass AND attname = 'reason' AND NOT attisdropped
  ) THEN
    ALTER TABLE :schema.audit_erasure ADD COLUMN reason text;
  END IF;
END
$columns$;
