-- What transaction ids mean here: the one behind the last that is over, that of this
-- transaction if it has one, and whether this role may know which cluster it is.
SELECT
  pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::pg_catalog.text AS end,
  pg_catalog.pg_current_xact_id_if_assigned()::pg_catalog.text AS own,
  pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')::pg_catalog.text AS may_know
