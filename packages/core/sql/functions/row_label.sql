-- The label of a row of a tracked table, by its object_id, as the log had the row
-- last. The table itself is not asked: whoever may read the log may read labels,
-- whatever rights on the table he has, and what its owner has put there (policies,
-- indexes over functions, checks of domains) is not run as the owner of the log.
CREATE OR REPLACE FUNCTION :schema.row_label(tracked_id integer, object_id text)
RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  IF object_id IS NULL OR to_regprocedure(format('%I.%I(jsonb)', :'schema', 'label_' || tracked_id)) IS NULL THEN
    RETURN NULL;
  END IF;
  RETURN :schema.label_of(tracked_id, :schema.logged_row(tracked_id, object_id));
END
$function$;
