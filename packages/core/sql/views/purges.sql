-- What was purged of the log, as people read it. Readers need SELECT here and
-- USAGE on the schema, nothing else.
CREATE OR REPLACE VIEW :schema.purges AS
SELECT
  purge.id,
  purge.started_at,
  purge.finished_at,
  context.user_id,
  context.metadata ->> 'change_reason' AS change_reason,
  purge.db_user,
  context.client_addr,
  context.application_name,
  purge.older_than,
  (
    SELECT coalesce(jsonb_agg(
      jsonb_build_object(
        'table', known.schema_name || '.' || known.table_name,
        'until', target.value,
        'events', coalesce((purge.counts -> target.key)::bigint, 0)
      )
      ORDER BY known.id
    ), '[]')
    FROM jsonb_each(purge.targets) AS target
    JOIN :schema.audit_table AS known ON known.id = target.key::integer
  ) AS tables,
  purge.events,
  purge.contexts,
  purge.bytes,
  purge.partitions
FROM :schema.audit_purge AS purge
LEFT JOIN :schema.audit_context AS context ON context.id = purge.context_id
-- a second item keeps PostgreSQL from passing writes through, also those of the owner
CROSS JOIN (SELECT) AS read_only;

COMMENT ON VIEW :schema.purges IS 'What was purged of the log: by whom, how much, and until when.';
COMMENT ON COLUMN :schema.purges.finished_at IS 'null: it is under way, or was killed; maintain() goes on with it';
COMMENT ON COLUMN :schema.purges.user_id IS 'who asked for it: a claim of the application';
COMMENT ON COLUMN :schema.purges.db_user IS 'the role that was logged in: a fact';
COMMENT ON COLUMN :schema.purges.older_than IS 'as it was asked; null: the retention that the tables declare';
COMMENT ON COLUMN :schema.purges.tables IS '[{"table": ..., "until": events before it are gone, "events": how many}]';
COMMENT ON COLUMN :schema.purges.contexts IS 'contexts that no event needed any more';
COMMENT ON COLUMN :schema.purges.bytes IS 'of the rows that were deleted, and of dropped partitions with their indexes';
COMMENT ON COLUMN :schema.purges.partitions IS 'those that were dropped';
