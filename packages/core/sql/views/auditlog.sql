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
