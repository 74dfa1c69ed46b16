SELECT :schema.create_partitions(3);

INSERT INTO :schema.audit_setting (name, value)
VALUES ('schema_version', to_jsonb(:version))
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- The application needs no right on anything here to be audited.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA :schema FROM PUBLIC;

-- readable by every role, unlike audit_setting
COMMENT ON SCHEMA :schema IS 'auditrum schema version :version';
