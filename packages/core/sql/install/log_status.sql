-- What functions/log_status.sql finds, and whether this role may evaluate labels.
SELECT :schema.log_status()::text AS status,
  pg_catalog.has_function_privilege(':schema.label_source(oid, jsonb)', 'EXECUTE') AS "mayEvaluate"
