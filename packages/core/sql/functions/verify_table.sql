-- Compares a table with its log, and names the rows whose last change was not
-- recorded (a trigger was disabled, a replica role wrote, a backup was restored):
--   select jsonb_pretty(auditrum.verify_table('orders'));
-- One snapshot, no lock but that of any reader. Checksums of all rows are compared
-- here in the database; only rows whose checksum differs are looked at.
--
--   rows          that the table has: verified + partial + unknown + those named
--   verified      are as the log says
--   partial       as well, but the log does not tell all of their columns
--   unknown       the log does not tell: no event, or a condition (when) may explain the difference
--   complete      whether every row is accounted for, those that are gone as well
--   approximate   columns that were not compared in some or all rows
--   problems      [{kind, id, columns, event, at, gap}], at most `size`; event and at are the last that the
--                 log has of the row; gap: the log says itself that it was interrupted after that
--   more          how many further ones there are
CREATE OR REPLACE FUNCTION :schema.verify_table(relation regclass, size integer DEFAULT 100)
RETURNS jsonb
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT :schema.verify(:schema.table_id(relation, parse_ident(relation::text)), size)
$function$;
