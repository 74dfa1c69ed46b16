-- What roles may do by way of what recorded tables are made of: which code of
-- theirs runs as the owner of the log when he reads, changes or undoes rows, and
-- what they can drop together with columns or triggers of these tables. What a
-- function calls in its turn no catalogue knows. As rights.sql otherwise.
--   $1: JSON array of role names
WITH RECURSIVE log_schema AS (
  SELECT oid, nspname, nspowner FROM pg_catalog.pg_namespace WHERE nspname = :'schema'
), stranger AS (
  SELECT asked.rolname AS who, role.oid, role.rolname AS name, role.oid <> asked.oid AS is_other
  FROM pg_catalog.pg_roles AS asked
  JOIN pg_catalog.pg_roles AS role ON pg_catalog.pg_has_role(asked.oid, role.oid, 'MEMBER')
  WHERE asked.rolname IN (SELECT pg_catalog.json_array_elements_text($1::text::json))
    AND NOT asked.rolsuper AND NOT role.rolsuper AND role.oid NOT IN (SELECT nspowner FROM log_schema)
), audited (oid) AS (
  SELECT trigger.tgrelid
  FROM log_schema
  JOIN pg_catalog.pg_proc AS function ON function.pronamespace = log_schema.oid AND function.proname::text ~ '^capture_[0-9]+$'
  JOIN pg_catalog.pg_trigger AS trigger ON trigger.tgfoid = function.oid
  UNION
  SELECT inherits.inhrelid
  FROM audited JOIN pg_catalog.pg_inherits AS inherits ON inherits.inhparent = audited.oid
), recorded AS (
  SELECT class.oid, class.relnamespace, pg_catalog.format('%I.%I', namespace.nspname, class.relname) AS name,
    class.relowner IN (SELECT nspowner FROM log_schema) AS is_his
  FROM audited
  JOIN pg_catalog.pg_class AS class ON class.oid = audited.oid
  JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
), part (table_oid, type_id) AS (
  -- the types of their columns, and what these are made of
  SELECT recorded.oid, attribute.atttypid
  FROM recorded
  JOIN pg_catalog.pg_attribute AS attribute ON attribute.attrelid = recorded.oid
  WHERE attribute.attnum > 0 AND NOT attribute.attisdropped
  UNION
  SELECT part.table_oid, inner_part.type_id
  FROM part
  JOIN pg_catalog.pg_type AS type ON type.oid = part.type_id
  CROSS JOIN LATERAL (
    SELECT type.typbasetype AS type_id WHERE type.typtype = 'd'::"char"
    UNION ALL SELECT type.typelem WHERE type.typelem <> 0::oid
    UNION ALL
    SELECT attribute.atttypid FROM pg_catalog.pg_attribute AS attribute
    WHERE attribute.attrelid = type.typrelid AND type.typtype = 'c'::"char" AND attribute.attnum > 0 AND NOT attribute.attisdropped
  ) AS inner_part
), own_type AS (
  -- those that are not of PostgreSQL itself
  SELECT type.*, pg_catalog.format('the type %s in %s', pg_catalog.format_type(type.oid, NULL::integer), recorded.name) AS title,
    recorded.name AS table_name, recorded.relnamespace AS table_namespace
  FROM part
  JOIN pg_catalog.pg_type AS type ON type.oid = part.type_id
  JOIN recorded ON recorded.oid = part.table_oid
  WHERE type.oid >= 16384::oid
), compared AS (
  -- by which operators, found by name in their schema, key columns are compared: where they are not
  -- declared for exactly these types (domains are not), one that is would be called instead
  SELECT recorded.name AS table_name, attribute.attname, attribute.atttypid AS type_id, operator.oprnamespace AS namespace,
    operator.oprleft = attribute.atttypid AS is_exact
  FROM recorded
  JOIN pg_catalog.pg_index AS index ON index.indrelid = recorded.oid AND index.indisprimary
  CROSS JOIN LATERAL ROWS FROM (pg_catalog.unnest(index.indkey::smallint[]), pg_catalog.unnest(index.indclass::oid[])) AS key (attnum, class)
  JOIN pg_catalog.pg_attribute AS attribute ON attribute.attrelid = recorded.oid AND attribute.attnum = key.attnum
  JOIN pg_catalog.pg_opclass AS class ON class.oid = key.class
  JOIN pg_catalog.pg_amop AS member
    ON member.amopfamily = class.opcfamily AND member.amoplefttype = class.opcintype AND member.amoprighttype = class.opcintype
  JOIN pg_catalog.pg_operator AS operator ON operator.oid = member.amopopr
  UNION
  SELECT recorded.name, attribute.attname, attribute.atttypid, operator.oprnamespace,
    (CASE WHEN side.is_far THEN operator.oprleft ELSE operator.oprright END) = attribute.atttypid
  FROM recorded
  JOIN pg_catalog.pg_constraint AS reference ON reference.confrelid = recorded.oid AND reference.contype = 'f'::"char"
  CROSS JOIN LATERAL (
    SELECT reference.confrelid AS relation, true AS is_far, far.attnum, far.operator
    FROM ROWS FROM (pg_catalog.unnest(reference.confkey), pg_catalog.unnest(reference.conpfeqop)) AS far (attnum, operator)
    UNION ALL
    SELECT reference.conrelid, false, near.attnum, near.operator
    FROM ROWS FROM (pg_catalog.unnest(reference.conkey), pg_catalog.unnest(reference.conpfeqop)) AS near (attnum, operator)
  ) AS side
  JOIN pg_catalog.pg_attribute AS attribute ON attribute.attrelid = side.relation AND attribute.attnum = side.attnum
  JOIN pg_catalog.pg_operator AS operator ON operator.oid = side.operator
), evaluated (class, id, title) AS (
  -- what he evaluates when he reads or changes rows; of tables that he owns also when others change
  -- them: foreign keys, vacuum and analyze act as the owner of a table
  SELECT 'pg_catalog.pg_policy'::regclass::oid, policy.oid, pg_catalog.format('the policy %I of %s', policy.polname, recorded.name)
  FROM recorded JOIN pg_catalog.pg_policy AS policy ON policy.polrelid = recorded.oid
  UNION ALL
  SELECT 'pg_catalog.pg_constraint'::regclass::oid, domain_check.oid, own_type.title
  FROM own_type JOIN pg_catalog.pg_constraint AS domain_check ON domain_check.contypid = own_type.oid
  UNION ALL
  SELECT 'pg_catalog.pg_class'::regclass::oid, index.indexrelid, 'an index of ' || recorded.name
  FROM recorded JOIN pg_catalog.pg_index AS index ON index.indrelid = recorded.oid
  WHERE recorded.is_his OR index.indisprimary
  UNION ALL
  SELECT part_of_table.class, part_of_table.id, part_of_table.kind || recorded.name
  FROM recorded
  CROSS JOIN LATERAL (
    SELECT 'pg_catalog.pg_class'::regclass::oid AS class, recorded.oid AS id, 'the partitioning of ' AS kind
    UNION ALL
    SELECT 'pg_catalog.pg_constraint'::regclass::oid, oid, 'a constraint of ' FROM pg_catalog.pg_constraint WHERE conrelid = recorded.oid
    UNION ALL
    SELECT 'pg_catalog.pg_attrdef'::regclass::oid, oid, 'a column of ' FROM pg_catalog.pg_attrdef WHERE adrelid = recorded.oid
    UNION ALL
    SELECT 'pg_catalog.pg_trigger'::regclass::oid, oid, pg_catalog.format('the trigger %I of ', tgname) FROM pg_catalog.pg_trigger WHERE tgrelid = recorded.oid
    UNION ALL
    SELECT 'pg_catalog.pg_statistic_ext'::regclass::oid, oid, 'the statistics of ' FROM pg_catalog.pg_statistic_ext WHERE stxrelid = recorded.oid
  ) AS part_of_table
  WHERE recorded.is_his
), named (class, id, title) AS (
  SELECT depend.refclassid, depend.refobjid, evaluated.title
  FROM evaluated JOIN pg_catalog.pg_depend AS depend ON depend.classid = evaluated.class AND depend.objid = evaluated.id
), family (id, title) AS (
  SELECT class.opcfamily, named.title
  FROM named JOIN pg_catalog.pg_opclass AS class ON class.oid = named.id
  WHERE named.class = 'pg_catalog.pg_opclass'::regclass::oid
  UNION
  SELECT class.opcfamily, own_type.title
  FROM own_type JOIN pg_catalog.pg_opclass AS class ON class.opcintype = own_type.oid AND class.opcdefault
), operator (id, title) AS (
  SELECT named.id, named.title FROM named WHERE named.class = 'pg_catalog.pg_operator'::regclass::oid
  UNION
  SELECT member.amopopr, family.title FROM family JOIN pg_catalog.pg_amop AS member ON member.amopfamily = family.id
  UNION
  SELECT operator.oid, pg_catalog.format('the comparison of %I of %s', compared.attname, compared.table_name)
  FROM compared
  JOIN pg_catalog.pg_operator AS operator
    ON operator.oprnamespace = compared.namespace AND compared.type_id IN (operator.oprleft, operator.oprright)
), called (function_id, title) AS (
  SELECT named.id, named.title FROM named WHERE named.class = 'pg_catalog.pg_proc'::regclass::oid
  UNION
  SELECT definition.oprcode::oid, operator.title FROM operator JOIN pg_catalog.pg_operator AS definition ON definition.oid = operator.id
  UNION
  SELECT member.amproc::oid, family.title FROM family JOIN pg_catalog.pg_amproc AS member ON member.amprocfamily = family.id
  UNION
  SELECT function.id, own_type.title
  FROM own_type
  LEFT JOIN pg_catalog.pg_range AS range ON range.rngtypid = own_type.oid
  CROSS JOIN LATERAL pg_catalog.unnest(ARRAY[
    own_type.typinput, own_type.typoutput, own_type.typreceive, own_type.typsend, own_type.typmodin, own_type.typmodout,
    own_type.typanalyze, own_type.typsubscript, range.rngcanonical, range.rngsubdiff
  ]::oid[]) AS function (id)
  UNION
  SELECT conversion.castfunc, own_type.title
  FROM own_type JOIN pg_catalog.pg_cast AS conversion ON own_type.oid IN (conversion.castsource, conversion.casttarget)
  UNION
  SELECT conversion.castfunc, pg_catalog.format('the comparison of %I of %s', compared.attname, compared.table_name)
  FROM compared JOIN pg_catalog.pg_cast AS conversion ON conversion.castsource = compared.type_id
  UNION
  SELECT event_trigger.evtfoid, pg_catalog.format('the event trigger %I', event_trigger.evtname)
  FROM pg_catalog.pg_event_trigger AS event_trigger
  WHERE event_trigger.evtenabled <> 'D'::"char"
), droppable (owner, capability, how) AS (
  SELECT namespace.nspowner, 'drop_tables', pg_catalog.format('owner of the schema %I, which has %s', namespace.nspname, own_type.title)
  FROM own_type JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = own_type.typnamespace
  WHERE own_type.typnamespace <> own_type.table_namespace
  UNION
  SELECT extension.extowner, member.capability, pg_catalog.format('owner of the extension %I, which has %s', extension.extname, member.title)
  FROM (
    SELECT 'pg_catalog.pg_type'::regclass::oid AS class, own_type.oid AS id, 'drop_tables' AS capability, own_type.title FROM own_type
    UNION ALL
    SELECT 'pg_catalog.pg_class'::regclass::oid, recorded.oid, 'drop_tables', recorded.name FROM recorded
    UNION ALL
    SELECT 'pg_catalog.pg_language'::regclass::oid, language.oid, 'disable_triggers', 'the language of the trigger functions'
    FROM pg_catalog.pg_language AS language WHERE language.lanname = 'plpgsql'
  ) AS member
  JOIN pg_catalog.pg_depend AS depend
    ON depend.classid = member.class AND depend.objid = member.id AND depend.deptype = 'e'::"char"
    AND depend.refclassid = 'pg_catalog.pg_extension'::regclass::oid
  JOIN pg_catalog.pg_extension AS extension ON extension.oid = depend.refobjid
  UNION
  SELECT language.lanowner, 'disable_triggers', pg_catalog.format('owner of the language %I of the trigger functions', language.lanname)
  FROM pg_catalog.pg_language AS language WHERE language.lanname = 'plpgsql'
), may (who, name, is_other, capability, how) AS (
  SELECT who, stranger.name, is_other, 'run_as_owner',
    pg_catalog.format('owner of %s: a cast of it to json would be called', own_type.title)
  FROM stranger JOIN own_type ON own_type.typowner = stranger.oid
  WHERE own_type.typtype IN ('c', 'e', 'd', 'r', 'b') AND own_type.typelem = 0::oid
  UNION ALL
  SELECT who, stranger.name, is_other, 'run_as_owner',
    pg_catalog.format('owner of the function %I.%I, which %s calls', namespace.nspname, function.proname, called.title)
  FROM stranger
  JOIN pg_catalog.pg_proc AS function ON function.proowner = stranger.oid
  JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = function.pronamespace
  JOIN called ON called.function_id = function.oid
  UNION ALL
  SELECT who, stranger.name, is_other, 'run_as_owner',
    pg_catalog.format('may create in the schema %I, whose operators compare %I of %s', namespace.nspname, compared.attname, compared.table_name)
  FROM stranger
  CROSS JOIN compared
  JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = compared.namespace
  WHERE NOT compared.is_exact AND namespace.nspname <> 'pg_catalog'
    AND pg_catalog.has_schema_privilege(stranger.oid, namespace.oid, 'CREATE')
  UNION ALL
  -- by a foreign key from a table of its own, whose type has a cast of its own
  SELECT who, stranger.name, is_other, 'run_as_owner',
    pg_catalog.format('REFERENCES on %s: the cast that a foreign key needs would be called', recorded.name)
  FROM stranger CROSS JOIN recorded
  WHERE recorded.is_his AND (
    pg_catalog.has_table_privilege(stranger.oid, recorded.oid, 'REFERENCES')
    OR pg_catalog.has_any_column_privilege(stranger.oid, recorded.oid, 'REFERENCES')
  )
  UNION ALL
  SELECT who, stranger.name, is_other, droppable.capability, droppable.how
  FROM stranger JOIN droppable ON droppable.owner = stranger.oid
)
SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('role', who, 'capability', capability, 'how', how) ORDER BY who, capability, how), '[]')::text AS rights
FROM (
  SELECT DISTINCT ON (who, capability, how COLLATE "C") who, capability,
    how || CASE WHEN is_other THEN pg_catalog.format(' (as %I)', name) ELSE '' END AS how
  FROM may
  ORDER BY who, capability, how COLLATE "C", is_other, name
) AS said
