-- The log: one row per changed row, append-only, partitioned by time.
CREATE TABLE IF NOT EXISTS :schema.audit_event (
  id            bigserial   NOT NULL,  -- from a sequence: the order of events within a row, whatever the clock does
  changed_at    timestamptz NOT NULL,  -- clock time
  txid          xid8        NOT NULL,
  context_id    bigint      NOT NULL,  -- audit_context.id; counts only where txid agrees, so a forged one attributes nothing
  table_id      integer     NOT NULL,  -- audit_table.id
  operation     "char"      NOT NULL,  -- I insert, U update, D delete, T truncate, S snapshot of a row that was already there
  image         "char"      NOT NULL,  -- what new (D: old) holds: f the full row, c the key and the changed columns, k the key alone
  lossy         boolean,               -- the row changed in a way that jsonb cannot tell, such as SQL NULL to JSON null
  object_id     text COLLATE "C",      -- the primary key as text, composite ones as a JSON array; null without one
  old_object_id text COLLATE "C",      -- only where the key changed
  old           jsonb,                 -- what the change replaced: an update's changed columns, a delete's row
  new           jsonb,                 -- the row after the change
  meta          jsonb,                 -- declared columns, copied
  masked        text[],                -- columns whose change is recorded and whose values are not
  drift         text[],                -- declared names that the row no longer had
  redacted      text[],                -- columns whose values were erased afterwards
  db_user       text        NOT NULL,  -- session_user
  salt          bytea,                 -- with tamper evidence: makes the leaf unguessable
  PRIMARY KEY (id, changed_at)
) PARTITION BY RANGE (changed_at);

-- only where it is missing: CREATE INDEX IF NOT EXISTS waits for every open
-- write, and lets none begin, also where there is nothing to do
DO $indexes$
BEGIN
  IF to_regclass(':schema.audit_event_object') IS NULL THEN
    CREATE INDEX audit_event_object ON :schema.audit_event (table_id, object_id, id);
  END IF;
  IF to_regclass(':schema.audit_event_old_object') IS NULL THEN
    CREATE INDEX audit_event_old_object ON :schema.audit_event (table_id, old_object_id, id) WHERE old_object_id IS NOT NULL;
  END IF;
  IF to_regclass(':schema.audit_event_context') IS NULL THEN
    CREATE INDEX audit_event_context ON :schema.audit_event (context_id);
  END IF;
  IF to_regclass(':schema.audit_event_time') IS NULL THEN
    -- without autosummarize a BRIN is blind for the newest rows, the most read ones; with the context
    -- it knows where events of transactions are that began long before, with the id what the clock disordered
    CREATE INDEX audit_event_time ON :schema.audit_event USING brin (changed_at, context_id, id) WITH (autosummarize = on, pages_per_range = 32);
  END IF;
END
$indexes$;
