-- What verify_table answers, of a tracked id. TRUNCATE and what rewrites a table
-- are seen at once, even by a snapshot that is older: the lock comes first.
CREATE OR REPLACE FUNCTION :schema.verify(tracked_id integer, size integer)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE  -- each statement has a snapshot of its own
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  relation oid := :schema.live_table(tracked_id);
BEGIN
  IF relation IS NOT NULL THEN
    EXECUTE format('LOCK TABLE %s IN ACCESS SHARE MODE', relation::regclass);
    -- REPEATABLE READ keeps the snapshot that it has; pg_relation_filenode asks what is now
    IF EXISTS (
      WITH RECURSIVE tree (oid) AS (
        SELECT relation
        UNION SELECT inherits.inhrelid FROM tree JOIN pg_inherits AS inherits ON inherits.inhparent = tree.oid
      )
      SELECT FROM tree JOIN pg_class AS class ON class.oid = tree.oid
      WHERE class.relfilenode <> pg_relation_filenode(class.oid)
    ) THEN
      RAISE EXCEPTION USING
        ERRCODE = 'AU005',
        MESSAGE = format('%s was emptied or rewritten after this transaction began, which cannot see its rows any more.', relation::regclass),
        HINT = 'Compare it in a new transaction.';
    END IF;
  END IF;
  RETURN :schema.verification(tracked_id, size);
END
$function$;
