-- The tables that are tracked now, as the catalogue shows them to every role.
SELECT DISTINCT class.relname AS name
FROM pg_catalog.pg_trigger AS trigger
JOIN pg_catalog.pg_class AS class ON class.oid = trigger.tgrelid
WHERE trigger.tgname = :'trigger'
ORDER BY 1
