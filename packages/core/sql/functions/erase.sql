-- Erases what the log holds of a row, in one act that is itself recorded:
--   select auditrum.erase('customers', '42', reason => 'request 118', dry_run => true);
--   select auditrum.erase('customers', '42', reason => 'request 118');
--   select auditrum.erase('customers', '42', reason => 'request 118', columns => '{email,phone}');
-- The events stay, with who did them and when; columns that changed are told as
-- masked ones are. A sealed log says it in its chain, and stays verifiable. The
-- row itself is the application's affair, and comes first: its deletion is an
-- event that holds its values.
--
--   columns    null: all but the key. Under whatever names they have had
--   object_id  takes the key as well: one that means nothing is put in its place
--   context    takes the reason of these changes as well, and what their contexts hold, but not who did them
--
-- Returns {id, events, contexts, columns, entries, partitions, live, object_id}. live
-- is whether the row is in its table, null where the caller may not look.
--
-- It has the rights of the caller, and its search_path for the name of the table:
-- what the owner of a table has put there is not run as the owner of the log.
CREATE OR REPLACE FUNCTION :schema.erase(
  table_name text,
  row_id text,
  reason text DEFAULT NULL,
  columns text[] DEFAULT NULL,
  object_id boolean DEFAULT false,
  context boolean DEFAULT false,
  dry_run boolean DEFAULT false
)
RETURNS jsonb
LANGUAGE plpgsql
AS $function$
DECLARE
  tracked integer := :schema.table_id(
    CASE WHEN pg_catalog.cardinality(pg_catalog.parse_ident(table_name)) = 1 THEN pg_catalog.to_regclass(table_name) END,
    pg_catalog.parse_ident(table_name)
  );
  wanted  text := :schema.row_id(tracked, pg_catalog.to_jsonb(row_id));
  live    boolean;
BEGIN
  BEGIN
    live := :schema.live_row(:schema.live_table(tracked), wanted) IS NOT NULL;
  EXCEPTION WHEN insufficient_privilege THEN
    live := NULL;
  END;
  IF object_id AND live IS DISTINCT FROM false THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU004',
      MESSAGE = pg_catalog.format('The object id %s of %s cannot be erased while %s.', wanted, table_name, CASE
        WHEN live THEN 'the row is there' ELSE pg_catalog.format('%I may not see whether the row is there', current_user) END),
      HINT = CASE WHEN live THEN 'Delete the row first, or erase without its object id.'
        ELSE pg_catalog.format('GRANT SELECT ON %s TO %I, or erase without the object id.', table_name, current_user) END;
  END IF;
  RETURN pg_catalog.jsonb_concat(
    :schema.erase_row(tracked, wanted, reason, columns, object_id, context, dry_run),
    pg_catalog.jsonb_build_object('live', live)
  );
END
$function$;
