-- Notes whom the log was hardened against, so that status can tell when that was undone.
INSERT INTO :schema.audit_setting (name, value)
SELECT 'hardened', pg_catalog.jsonb_build_object(asked.document ->> 'app'::text, asked.document -> 'remembered'::text)
FROM (SELECT pg_catalog.current_setting('auditrum.hardening')::jsonb AS document) AS asked
ON CONFLICT (name) DO UPDATE SET value = audit_setting.value || excluded.value
