-- What an undo needs to know of a tracked table, as it is now:
--
--   relation, name, schema, table
--   refused             why nothing of it can be undone, as a clause; or null
--   key, types, bases   names of the key's columns; {column: type}, the same below domains
--   writable, required  columns that are not generated; that must be given a value
--   ignored, unrecorded columns whose changes alone are no events; that are in none
--   checked             columns whose values of then may be none of their type now
--   identity            whether a column is GENERATED ALWAYS AS IDENTITY
--   linked              columns of foreign keys, and those that others refer to
--   acted               columns of foreign keys with an action
--   meddled             whether triggers, rules or policies may change what is written
--   distinct, computed  columns of unique indexes; whether one is over an expression
--   filtered            whether a condition (when) leaves changes out
--   inherited           whether rows may be those of tables below it
CREATE OR REPLACE FUNCTION :schema.undo_table(tracked_id integer)
RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  relation oid := :schema.live_table(tracked_id);
  past     jsonb := :schema.table_past(tracked_id, relation);
  columns  jsonb := past -> 'shapes' -> -1 -> 'columns';
  facts    jsonb;
  place    text[] := parse_ident(past ->> 'name');
BEGIN
  SELECT jsonb_build_object('schema', namespace.nspname, 'table', class.relname)
  INTO facts
  FROM pg_class AS class JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
  WHERE class.oid = relation;
  facts := coalesce(facts, jsonb_build_object('schema', place[1], 'table', place[2]))
    || jsonb_build_object('relation', relation::bigint, 'name', coalesce(relation::regclass::text, past ->> 'name'));

  facts := facts || jsonb_build_object('refused', CASE
    WHEN relation IS NULL THEN 'the table is not there any more'
    WHEN past ->> 'since' IS NULL OR NOT EXISTS (
      SELECT FROM pg_trigger AS trigger
      WHERE trigger.tgrelid = relation AND trigger.tgname = :'trigger' AND trigger.tgenabled IN ('O', 'A')
    ) THEN 'the table is not being recorded, and the undo would not be, either'
    WHEN :schema.key_columns(relation) = '{}' THEN 'the table has no primary key, so it is not known which row this was'
  END);
  IF facts ->> 'refused' IS NOT NULL THEN
    RETURN facts;
  END IF;

  RETURN facts || jsonb_build_object('key', to_jsonb(:schema.key_columns(relation)), 'filtered', past -> 'declaration' ? 'when', 'inherited', EXISTS (
    SELECT FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid WHERE inhparent = relation AND NOT child.relispartition
  )) || (
    SELECT jsonb_build_object(
      'linked', coalesce(jsonb_agg(DISTINCT name.name), '[]'),
      'acted', coalesce(jsonb_agg(DISTINCT name.name) FILTER (WHERE known.child = relation AND known.near @> ARRAY[name.name] AND (known.acts OR known.sweeps)), '[]')
    )
    FROM :schema.undo_keys() AS known
    CROSS JOIN LATERAL unnest(CASE relation WHEN known.child THEN known.near END || CASE relation WHEN known.parent THEN known.far END) AS name (name)
  ) || (
    SELECT jsonb_build_object('meddled', class.relhasrules OR row_security_active(relation) OR EXISTS (
      SELECT FROM pg_trigger AS trigger
      JOIN pg_proc AS body ON body.oid = trigger.tgfoid
      WHERE trigger.tgrelid IN (SELECT relation UNION SELECT relid FROM pg_partition_tree(relation))
        AND NOT trigger.tgisinternal AND trigger.tgenabled <> 'D' AND body.pronamespace <> :'schema'::regnamespace
    ))
    FROM pg_class AS class
    WHERE class.oid = relation
  ) || (
    SELECT jsonb_build_object(
      'distinct', coalesce(jsonb_agg(DISTINCT attribute.attname) FILTER (WHERE attribute.attname IS NOT NULL), '[]'),
      'computed', coalesce(bool_or(0 = ANY (index.indkey::smallint[])), false)
    )
    FROM pg_index AS index
    LEFT JOIN pg_attribute AS attribute ON attribute.attrelid = index.indrelid AND attribute.attnum = ANY (index.indkey::smallint[])
    WHERE index.indrelid = relation AND (index.indisunique OR index.indisexclusion)
  ) || (
    SELECT jsonb_build_object(
      'types', jsonb_object_agg(own.part ->> 'name', own.part ->> 'type'),
      'bases', jsonb_object_agg(own.part ->> 'name', own.part ->> 'base'),
      'writable', coalesce(jsonb_agg(own.part -> 'name' ORDER BY attribute.attnum) FILTER (WHERE attribute.attgenerated = ''), '[]'),
      'required', coalesce(jsonb_agg(own.part -> 'name' ORDER BY attribute.attnum) FILTER (
        WHERE attribute.attnotnull AND NOT attribute.atthasdef AND attribute.attidentity = '' AND attribute.attgenerated = ''
      ), '[]'),
      'ignored', coalesce(jsonb_agg(own.part -> 'name' ORDER BY attribute.attnum) FILTER (WHERE own.part ->> 'recorded' = 'i'), '[]'),
      'unrecorded', coalesce(jsonb_agg(own.part -> 'name' ORDER BY attribute.attnum) FILTER (WHERE own.part ->> 'recorded' = 'n' AND attribute.attgenerated = ''), '[]'),
      'checked', coalesce(jsonb_agg(own.part -> 'name' ORDER BY attribute.attnum) FILTER (
        WHERE coalesce(element.typnamespace, type.typnamespace) <> 'pg_catalog'::regnamespace
          OR jsonb_path_exists(past, '$.shapes[*].columns[*] ? ((@.number == $own.number || @.name == $own.name) && @.type != $own.type)', jsonb_build_object('own', own.part))
      ), '[]'),
      'identity', bool_or(attribute.attidentity = 'a')
    )
    FROM jsonb_array_elements(columns) AS own (part)
    JOIN pg_attribute AS attribute ON attribute.attrelid = relation AND attribute.attname = own.part ->> 'name'
    JOIN pg_type AS type ON type.oid = attribute.atttypid
    LEFT JOIN pg_type AS element ON element.oid = type.typelem AND type.typcategory = 'A'
  );
END
$function$;
