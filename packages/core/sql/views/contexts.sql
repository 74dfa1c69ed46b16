-- The contexts as people read them: who, when, why and from where, one row for
-- each transaction and context. Events refer to them by auditlog.context_id.
-- Readers need SELECT here and USAGE on the schema, nothing else.
CREATE OR REPLACE VIEW :schema.contexts AS
SELECT
  context.id,
  context.started_at,
  context.user_id,
  context.metadata ->> 'change_reason' AS change_reason,
  context.metadata ->> 'source' AS source,
  context.client_addr,
  context.application_name,
  context.transaction_id,
  context.uuid,
  context.root_uuid,
  context.metadata,
  context.context_error,
  context.txid
FROM :schema.audit_context AS context
-- a second item keeps PostgreSQL from passing writes through, also those of the owner
CROSS JOIN (SELECT) AS read_only;

COMMENT ON VIEW :schema.contexts IS 'Who, when, why and from where: one row for each transaction and context that changed something.';
COMMENT ON COLUMN :schema.contexts.id IS 'what context_id of auditlog refers to; ordered by time';
COMMENT ON COLUMN :schema.contexts.started_at IS 'when the transaction began';
COMMENT ON COLUMN :schema.contexts.user_id IS 'the actor as text: a claim of the application';
COMMENT ON COLUMN :schema.contexts.client_addr IS 'where the connection came from: a fact; null on a unix socket';
COMMENT ON COLUMN :schema.contexts.application_name IS 'what the connection called itself: a claim';
COMMENT ON COLUMN :schema.contexts.metadata IS 'what the application claimed; null where it gave no context';
COMMENT ON COLUMN :schema.contexts.context_error IS 'why some or all of what the application gave could not be stored';
COMMENT ON COLUMN :schema.contexts.uuid IS 'the context by the id that the application gave it; the same in all transactions of one block';
COMMENT ON COLUMN :schema.contexts.root_uuid IS 'the outermost block: everything that one request or job did';
COMMENT ON COLUMN :schema.contexts.transaction_id IS 'names the transaction for good; txid starts again when a dump is restored';
