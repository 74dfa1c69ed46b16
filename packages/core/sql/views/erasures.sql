-- What was erased from events, as people read it. Readers need SELECT here and
-- USAGE on the schema, nothing else.
CREATE OR REPLACE VIEW :schema.erasures AS
SELECT
  erasure.id,
  erasure.erased_at,
  context.user_id,
  CASE
    -- behind the reasons around it
    WHEN right(context.metadata ->> 'change_reason', length(erasure.reason)) = erasure.reason THEN context.metadata ->> 'change_reason'
    ELSE concat_ws(' -> ', context.metadata ->> 'change_reason', erasure.reason)
  END AS change_reason,
  erasure.db_user,
  context.client_addr,
  context.application_name,
  known.schema_name,
  known.table_name,
  erasure.columns,
  erasure.events,
  erasure.contexts,
  erasure.entries
FROM :schema.audit_erasure AS erasure
LEFT JOIN :schema.audit_table AS known ON known.id = erasure.table_id
LEFT JOIN :schema.audit_context AS context ON context.id = erasure.context_id
-- a second item keeps PostgreSQL from passing writes through, also those of the owner
CROSS JOIN (SELECT) AS read_only;

COMMENT ON VIEW :schema.erasures IS 'What was erased from events: by whom, why, and which columns of how many.';
COMMENT ON COLUMN :schema.erasures.user_id IS 'who asked for it: a claim of the application';
COMMENT ON COLUMN :schema.erasures.db_user IS 'the role that was logged in: a fact';
COMMENT ON COLUMN :schema.erasures.table_name IS 'of a row of which table; null: of the contexts of a user';
COMMENT ON COLUMN :schema.erasures.columns IS 'the columns of the row; what went of contexts is called context.user_id and the like';
COMMENT ON COLUMN :schema.erasures.events IS 'whose values, or whose context, went';
COMMENT ON COLUMN :schema.erasures.contexts IS 'of which something went';
COMMENT ON COLUMN :schema.erasures.entries IS 'of the chain, which says it, and of each sealed event what it is now';
