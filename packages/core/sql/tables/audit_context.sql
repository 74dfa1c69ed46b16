-- Who, when, why and from where: one immutable row per transaction and
-- context, written by the first event that needs it (write_context).
--
-- Metadata, application_name and user_id are what the application claims;
-- client_addr and audit_event.db_user are facts.
CREATE TABLE IF NOT EXISTS :schema.audit_context (
  id               bigint      NOT NULL,  -- milliseconds since 1970 << 20 | sequence: ordered by time, so months of contexts are ranges of ids
  transaction_id   bigint      NOT NULL,  -- id of the transaction's first context: names it for good, where txids start again after a restore
  txid             xid8        NOT NULL,
  started_at       timestamptz NOT NULL,  -- of the transaction
  uuid             uuid        NOT NULL,
  root_uuid        uuid        NOT NULL,  -- of the outermost context: the request, the job
  user_id          text,
  application_name text,
  client_addr      inet,                  -- null: a unix socket
  metadata         jsonb,                 -- null: the application gave no context
  context_error    text,                  -- why what it gave could not be stored
  PRIMARY KEY (id)
) PARTITION BY RANGE (id);

-- only where it is missing: CREATE INDEX IF NOT EXISTS waits for every open
-- write, and lets none begin, also where there is nothing to do
DO $indexes$
BEGIN
  IF to_regclass(':schema.audit_context_root') IS NULL THEN
    CREATE INDEX audit_context_root ON :schema.audit_context (root_uuid);
  END IF;
  IF to_regclass(':schema.audit_context_user') IS NULL THEN
    CREATE INDEX audit_context_user ON :schema.audit_context (user_id, id) WHERE user_id IS NOT NULL;
  END IF;
  IF to_regclass(':schema.audit_context_transaction') IS NULL THEN
    CREATE INDEX audit_context_transaction ON :schema.audit_context (transaction_id) WHERE transaction_id <> id;
  END IF;
END
$indexes$;

CREATE SEQUENCE IF NOT EXISTS :schema.audit_context_id_seq OWNED BY :schema.audit_context.id;
