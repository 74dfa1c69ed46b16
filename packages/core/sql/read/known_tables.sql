-- The tables that the log knows, by the ids that blocks name them by.
SELECT known.id::pg_catalog.text AS id FROM :schema.audit_table AS known
