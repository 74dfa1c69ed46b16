-- The tables that are recorded, as SQL names them and as people read it.
SELECT name, pg_catalog.array_to_string(pg_catalog.parse_ident(name), '.') AS shown FROM :schema.tracked_tables()
