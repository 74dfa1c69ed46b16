-- Against whom the log was hardened, as remember.sql noted it.
SELECT value::text AS hardened FROM :schema.audit_setting WHERE name = 'hardened'
