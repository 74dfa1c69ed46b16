-- What the log knows of itself: schema_version, incarnation, partitions
-- (how long they are, and how many are made ahead).
CREATE TABLE IF NOT EXISTS :schema.audit_setting (
  name  text  PRIMARY KEY,
  value jsonb NOT NULL
);

INSERT INTO :schema.audit_setting (name, value)
VALUES ('incarnation', '1')  -- counts the clusters that this log has lived in: transaction ids start again in each
ON CONFLICT DO NOTHING;
