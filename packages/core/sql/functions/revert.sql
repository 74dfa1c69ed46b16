-- Undoes what is in the log, for people:
--   select * from auditrum.revert(event => 4711);
--   select * from auditrum.revert(transaction => 1234567890, dry_run => true);
--   select * from auditrum.revert(request => 'abc', on_conflict => 'skip');
-- One line for each row, newest first, then what could not be given back. It
-- writes by the rights of the caller; a row that was changed since is a
-- conflict, and then, unless told otherwise, nothing is written.
CREATE OR REPLACE FUNCTION :schema.revert(
  event bigint DEFAULT NULL,
  transaction bigint DEFAULT NULL,
  root uuid DEFAULT NULL,
  request text DEFAULT NULL,
  dry_run boolean DEFAULT false,
  on_conflict text DEFAULT 'fail'
)
RETURNS TABLE (part text, event_id bigint, table_name text, object_id text, operation text, outcome text, columns text, detail text)
LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
DECLARE
  lines   jsonb[] := ARRAY(
    SELECT pg_catalog.to_jsonb(line)
    FROM :schema.undo(revert.event, revert.transaction, revert.root, revert.request, revert.dry_run, revert.on_conflict) AS line
  );
  problem text;
BEGIN
  problem := :schema.undo_refusal(lines);
  IF problem IS NOT NULL AND NOT revert.dry_run THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU004',
      MESSAGE = pg_catalog.format('Nothing was undone: %s.', problem),
      HINT = 'Look with dry_run => true; on_conflict => ''skip'' leaves such rows as they are, ''force'' overwrites them.';
  END IF;
  RETURN QUERY SELECT * FROM :schema.undo_lines(lines);
END
$function$;
