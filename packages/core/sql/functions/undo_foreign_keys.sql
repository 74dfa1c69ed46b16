-- The foreign keys that refer to tables of which rows are to be deleted or
-- changed, as SQL for undo_references.
--   loosens  columns with whose change who refers to them loses the reference
--   hides    what is done (delete, update) to rows that row security may hide
CREATE OR REPLACE FUNCTION :schema.undo_foreign_keys(rows jsonb[], tables jsonb)
RETURNS TABLE (parent_id text, child_id text, child text, shown text, columns text[], definition text, condition text, place text, loosens text[], hides text[])
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT
    parent.key, child.key, CASE class.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END || reference.conrelid::regclass::text,
    format('%s (%s)', reference.conrelid::regclass, string_agg(near.attname, ', ' ORDER BY side.position)),
    array_agg(near.attname::text ORDER BY side.position),
    string_agg(format('%I %s', far.attname, format_type(far.atttypid, far.atttypmod)), ', ' ORDER BY side.position),
    string_agg(format('named.%I OPERATOR(%I.%s) live.%I', far.attname, namespace.nspname, operator.oprname, near.attname), ' AND ' ORDER BY side.position),
    key.place,
    CASE WHEN reference.confupdtype IN ('n', 'd') THEN array_agg(far.attname::text) ELSE '{}' END,
    CASE WHEN row_security_active(reference.conrelid) THEN array_remove(ARRAY[
      CASE WHEN reference.confdeltype IN ('c', 'n', 'd') THEN 'delete' END,
      CASE WHEN reference.confupdtype IN ('n', 'd') THEN 'update' END
    ], NULL) ELSE '{}' END
  FROM jsonb_each(tables) AS parent
  JOIN pg_constraint AS reference ON reference.confrelid = (parent.value ->> 'relation')::oid AND reference.contype = 'f' AND reference.conparentid = 0
  JOIN pg_class AS class ON class.oid = reference.conrelid
  LEFT JOIN jsonb_each(tables) AS child ON (child.value ->> 'relation')::oid = reference.conrelid
  LEFT JOIN LATERAL :schema.key_join(reference.conrelid) AS key ON true
  CROSS JOIN LATERAL unnest(reference.conkey, reference.confkey, reference.conpfeqop) WITH ORDINALITY AS side (near, far, operator, position)
  JOIN pg_attribute AS near ON near.attrelid = reference.conrelid AND near.attnum = side.near
  JOIN pg_attribute AS far ON far.attrelid = reference.confrelid AND far.attnum = side.far
  JOIN pg_operator AS operator ON operator.oid = side.operator
  JOIN pg_namespace AS namespace ON namespace.oid = operator.oprnamespace
  WHERE EXISTS (
    SELECT FROM unnest(rows) AS own (document)
    WHERE own.document ->> 'table' = parent.key
      AND (own.document ->> 'op' = 'delete' OR own.document ->> 'op' = 'update' AND reference.confupdtype IN ('n', 'd'))
  )
  GROUP BY parent.key, child.key, reference.oid, reference.conrelid, reference.confupdtype, reference.confdeltype, class.relkind, key.place
$function$;
