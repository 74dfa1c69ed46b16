-- Where this connection looks for what is not qualified, as operators are not: schemas
-- in their order, as a JSON array.
SELECT pg_catalog.array_to_json(pg_catalog.current_schemas(true))::pg_catalog.text AS schemas
