-- Whether the log knows a table of this name, now or formerly.
SELECT (:schema.table_id(to_regclass($1), parse_ident($1)) IS NOT NULL)::integer AS known
