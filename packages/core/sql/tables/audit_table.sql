-- One row per tracked table. Events carry the small id, so a table that is
-- renamed, or moved to another schema, keeps its history.
--
-- The live link between a table and its id is the trigger in the catalogue,
-- which calls capture_<id>; the names here are those of the last sync, for
-- tables that are gone.
CREATE TABLE IF NOT EXISTS :schema.audit_table (
  id           integer        GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  schema_name  text           NOT NULL,
  table_name   text           NOT NULL,
  app          text           NOT NULL,  -- whose declaration this is: prune removes only its own
  declaration  jsonb          NOT NULL,
  key_columns  text[]         NOT NULL,  -- empty: no primary key, events without object_id
  tracked      tstzmultirange NOT NULL,  -- the periods in which every change was recorded: since when, with which gaps
  confirmed_at timestamptz    NOT NULL,  -- when the triggers were last seen in place: where an unnoticed gap can begin at the earliest
  rows_known_since timestamptz,          -- from when on each row has an event: the table was empty when its recording began; null: it was not
  purged_until timestamptz,              -- events before it may have been purged; null: none was
  rows_noted_at timestamptz,             -- when backfill last saw to it that each row has an event, noting those that had none, if any
  doubtful     tstzmultirange NOT NULL DEFAULT '{}',  -- in which a change was made that nobody recorded, and was accepted later (accept_unlogged)
  erased_at    timestamptz,              -- values of events before it may have been erased; null: none were
  keys_erased  boolean        NOT NULL DEFAULT false  -- whether something else stands for the object_id of some
);

DO $columns$
BEGIN
  IF NOT EXISTS (
    SELECT FROM pg_attribute
    WHERE attrelid = ':schema.audit_table'::regclass AND attname = 'rows_known_since' AND NOT attisdropped
  ) THEN
    ALTER TABLE :schema.audit_table ADD COLUMN rows_known_since timestamptz;
  END IF;
  IF NOT EXISTS (
    SELECT FROM pg_attribute
    WHERE attrelid = ':schema.audit_table'::regclass AND attname = 'purged_until' AND NOT attisdropped
  ) THEN
    ALTER TABLE :schema.audit_table ADD COLUMN purged_until timestamptz;
  END IF;
  IF NOT EXISTS (
    SELECT FROM pg_attribute
    WHERE attrelid = ':schema.audit_table'::regclass AND attname = 'doubtful' AND NOT attisdropped
  ) THEN
    ALTER TABLE :schema.audit_table ADD COLUMN rows_noted_at timestamptz, ADD COLUMN doubtful tstzmultirange NOT NULL DEFAULT '{}';
  END IF;
  IF NOT EXISTS (
    SELECT FROM pg_attribute
    WHERE attrelid = ':schema.audit_table'::regclass AND attname = 'erased_at' AND NOT attisdropped
  ) THEN
    ALTER TABLE :schema.audit_table ADD COLUMN erased_at timestamptz, ADD COLUMN keys_erased boolean NOT NULL DEFAULT false;
  END IF;
END
$columns$;

CREATE INDEX IF NOT EXISTS audit_table_name ON :schema.audit_table (table_name, schema_name);
