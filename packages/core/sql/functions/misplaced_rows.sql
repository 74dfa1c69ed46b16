-- Whether the log has rows that no statement finds where it looks for them: in a
-- partition whose bounds they do not fit, or without the id that they are found by.
-- Returns problems as verify_relations does.
CREATE OR REPLACE FUNCTION :schema.misplaced_rows()
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET constraint_exclusion = off  -- or it would be believed that there are none
SET DateStyle = 'ISO'  -- bounds are put into queries
SET TimeZone = 'UTC'
SET jit = off
AS $function$
DECLARE
  place    record;
  is_there boolean;
  problems jsonb := '[]';
BEGIN
  FOR place IN
    SELECT part.relname, CASE
      WHEN range.bounds IS NOT NULL
        THEN concat_ws(' OR ', 'id IS NULL', own.key || ' IS NULL', own.key || ' < ' || nullif(range.bounds[1], 'MINVALUE'), own.key || ' >= ' || nullif(range.bounds[2], 'MAXVALUE'))
      -- it is gone meanwhile: of such a one this function fails
      ELSE concat_ws(' OR NOT ', 'id IS NULL', CASE WHEN own.bound IS NOT NULL THEN pg_get_partition_constraintdef(part.oid) END)
    END AS condition
    FROM pg_inherits AS link
    JOIN pg_class AS part ON part.oid = link.inhrelid
    CROSS JOIN LATERAL (
      SELECT CASE link.inhparent WHEN ':schema.audit_event'::regclass THEN 'changed_at' ELSE 'id' END AS key, pg_get_expr(part.relpartbound, part.oid) AS bound
    ) AS own
    CROSS JOIN LATERAL regexp_match(own.bound, '^FOR VALUES FROM [(](MINVALUE|''[^'']+'')[)] TO [(](MAXVALUE|''[^'']+'')[)]$') AS range (bounds)
    WHERE link.inhparent IN (':schema.audit_event'::regclass, ':schema.audit_context'::regclass) AND part.relkind = 'r'
    UNION ALL VALUES
      ('audit_seal', 'id IS NULL'),
      ('audit_erasure', 'id IS NULL'),
      ('audit_purge', 'id IS NULL'),
      ('audit_leaf', 'block IS NULL OR first_id IS NULL OR last_id IS NULL')
    ORDER BY relname
  LOOP
    BEGIN
      EXECUTE format('SELECT EXISTS (SELECT FROM ONLY :schema.%I WHERE %s)', place.relname, place.condition) INTO is_there;
    EXCEPTION WHEN undefined_table THEN
      is_there := false;  -- retention has dropped it meanwhile
    END;
    IF is_there THEN
      problems := problems || jsonb_build_array(jsonb_build_object(
        'kind', 'rewritten', 'event', NULL, 'block', NULL, 'entry', NULL,
        'message', format('%s holds a row that cannot be in it: it has no id, or is of other partitions.', place.relname)
      ));
    END IF;
  END LOOP;
  RETURN problems;
END
$function$;
