-- The log as people read it: complete for every operation, no join to write.
-- Readers need SELECT here and USAGE on the schema, nothing else; the diff is
-- spelled out rather than called, because EXECUTE on functions in a view is
-- checked against the reader.
CREATE OR REPLACE VIEW :schema.auditlog AS
SELECT
  event.id,
  event.changed_at,
  CASE event.operation
    WHEN 'I' THEN 'insert'
    WHEN 'U' THEN 'update'
    WHEN 'D' THEN 'delete'
    WHEN 'T' THEN 'truncate'
    WHEN 'S' THEN 'snapshot'
  END AS operation,
  tracked.schema_name,
  tracked.table_name,
  event.object_id,
  context.user_id,
  CASE event.operation
    WHEN 'U' THEN event.new || event.old
    WHEN 'D' THEN event.old
  END AS old_data,
  event.new AS new_data,
  CASE event.operation
    WHEN 'U' THEN (
      SELECT coalesce(jsonb_object_agg(replaced.key, jsonb_build_object('old', replaced.value, 'new', event.new -> replaced.key)), '{}')
      FROM jsonb_each(event.old) AS replaced
      -- as text: 1.0 and 1.00 are equal as jsonb
      WHERE replaced.value::text IS DISTINCT FROM (event.new -> replaced.key)::text
    )
    WHEN 'I' THEN (
      SELECT jsonb_object_agg(inserted.key, jsonb_build_object('old', NULL, 'new', inserted.value))
      FROM jsonb_each(event.new) AS inserted
    )
    WHEN 'D' THEN (
      SELECT jsonb_object_agg(deleted.key, jsonb_build_object('old', deleted.value, 'new', NULL))
      FROM jsonb_each(event.old) AS deleted
    )
  END AS diff,
  context.metadata ->> 'change_reason' AS change_reason,
  context.metadata ->> 'source' AS source,
  event.db_user,
  context.client_addr,
  context.application_name,
  context.transaction_id,
  context.id AS context_id,
  context.uuid AS context_uuid,
  context.root_uuid,
  context.metadata,
  context.context_error,
  event.old_object_id,
  event.meta,
  event.masked,
  event.drift,
  event.redacted,
  CASE event.image WHEN 'f' THEN 'full' WHEN 'c' THEN 'changed' WHEN 'k' THEN 'key' END AS image,
  coalesce(event.lossy, false) AS lossy,
  event.txid,
  event.table_id
FROM :schema.audit_event AS event
JOIN :schema.audit_table AS tracked ON tracked.id = event.table_id
-- on both: whoever forges a context id attributes nothing to somebody else
LEFT JOIN :schema.audit_context AS context ON context.id = event.context_id AND context.txid = event.txid;

COMMENT ON VIEW :schema.auditlog IS 'Every change of every tracked table, one row for each changed row. The order within a row is id.';
COMMENT ON COLUMN :schema.auditlog.id IS 'the order of the changes of a row, whatever the clock does';
COMMENT ON COLUMN :schema.auditlog.changed_at IS 'when the row was changed, by the clock of the server';
COMMENT ON COLUMN :schema.auditlog.operation IS 'insert, update, delete, truncate, or snapshot: a row that was there before it was tracked';
COMMENT ON COLUMN :schema.auditlog.schema_name IS 'the schema of the table, as of the last sync';
COMMENT ON COLUMN :schema.auditlog.table_name IS 'the table, by its name as of the last sync';
COMMENT ON COLUMN :schema.auditlog.object_id IS 'the primary key as text, a composite one as the text of a JSON array in the order of the key; null without one';
COMMENT ON COLUMN :schema.auditlog.old_object_id IS 'the primary key before, where the change was one of the key';
COMMENT ON COLUMN :schema.auditlog.user_id IS 'the actor as text: a claim of the application';
COMMENT ON COLUMN :schema.auditlog.old_data IS 'the row before; with image changed what is known of it';
COMMENT ON COLUMN :schema.auditlog.new_data IS 'the row after; with image changed its key and changed columns';
COMMENT ON COLUMN :schema.auditlog.diff IS '{"column": {"old": ..., "new": ...}} of the recorded columns that changed';
COMMENT ON COLUMN :schema.auditlog.change_reason IS 'why, of the metadata: a claim';
COMMENT ON COLUMN :schema.auditlog.source IS 'where it came from, of the metadata: web, cron; a claim';
COMMENT ON COLUMN :schema.auditlog.meta IS 'the columns declared as meta, as they were';
COMMENT ON COLUMN :schema.auditlog.masked IS 'columns that changed and whose values are stored nowhere, or were erased';
COMMENT ON COLUMN :schema.auditlog.drift IS 'declared columns that the row no longer had: what must not be stored was left out';
COMMENT ON COLUMN :schema.auditlog.redacted IS 'columns whose values were erased afterwards';
COMMENT ON COLUMN :schema.auditlog.image IS 'what the data holds: the full row, the key and changed columns, or the key alone';
COMMENT ON COLUMN :schema.auditlog.lossy IS 'the row changed in a way that JSON cannot tell, such as SQL NULL to JSON null';
COMMENT ON COLUMN :schema.auditlog.db_user IS 'the role that was logged in: a fact';
COMMENT ON COLUMN :schema.auditlog.client_addr IS 'where the connection came from: a fact; null on a unix socket';
COMMENT ON COLUMN :schema.auditlog.application_name IS 'what the connection called itself: a claim';
COMMENT ON COLUMN :schema.auditlog.metadata IS 'who, why and from where: what the application claimed';
COMMENT ON COLUMN :schema.auditlog.context_error IS 'why some or all of what the application gave could not be stored';
COMMENT ON COLUMN :schema.auditlog.context_id IS 'the context of the change: a transaction has a new one when its metadata changes';
COMMENT ON COLUMN :schema.auditlog.context_uuid IS 'the context by the id that the application gave it; the same in all transactions of one block';
COMMENT ON COLUMN :schema.auditlog.root_uuid IS 'the outermost block: everything that one request or job did';
COMMENT ON COLUMN :schema.auditlog.txid IS 'the transaction as PostgreSQL counts it';
COMMENT ON COLUMN :schema.auditlog.table_id IS 'the table, whatever it is called; what the index of the log is on';
COMMENT ON COLUMN :schema.auditlog.transaction_id IS 'names the transaction for good; txid starts again when a dump is restored';
