-- Declared labels that cannot be evaluated any more. The parser may run what they
-- name, so it is asked by the rights of this role, never by those of the owner of the log.
SELECT known.schema_name || '.' || known.table_name AS "table", known.declaration ->> 'label'::text AS label, label.problem
FROM :schema.audit_table AS known
CROSS JOIN LATERAL (SELECT :schema.live_table(known.id) AS relation) AS live
CROSS JOIN LATERAL :schema.label_source(live.relation, known.declaration) AS label
WHERE known.declaration ? 'label'::text AND pg_catalog.upper_inf(known.tracked) AND live.relation IS NOT NULL AND label.source IS NULL
ORDER BY known.id
