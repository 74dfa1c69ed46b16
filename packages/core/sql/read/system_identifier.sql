-- Names the cluster, as functions/system_identifier.sql does.
SELECT control.system_identifier::pg_catalog.text AS system FROM pg_catalog.pg_control_system() AS control
