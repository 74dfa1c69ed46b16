-- What a table's capture function sets for itself, as in pg_proc.proconfig: the
-- search_path, and the settings on which the text of its columns' types
-- depends, so that two sessions store the same value the same way. Each costs
-- about half a microsecond a row, hence only where needed. A column that is
-- added or retyped is pinned from the next sync on.
CREATE OR REPLACE FUNCTION :schema.capture_settings(relation oid)
RETURNS text[]
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  WITH RECURSIVE part (type_id) AS (
    SELECT atttypid FROM pg_attribute WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped
    UNION
    -- below domains, inside arrays
    SELECT CASE WHEN type.typtype = 'd' THEN type.typbasetype ELSE type.typelem END
    FROM part JOIN pg_type AS type ON type.oid = part.type_id
    WHERE type.typtype = 'd' OR type.typcategory = 'A'
  ), sensitive AS (
    SELECT CASE
        WHEN type.typtype IN ('d', 'e') OR type.typcategory = 'A' THEN '{}'
        WHEN type.typnamespace <> 'pg_catalog'::regnamespace THEN NULL
        WHEN type.typname IN (
          'bool', 'int2', 'int4', 'int8', 'numeric', 'oid', 'text', 'varchar', 'bpchar', 'char', 'name', 'uuid',
          'json', 'jsonb', 'date', 'timestamp', 'time', 'timetz', 'inet', 'cidr', 'macaddr', 'macaddr8', 'bit',
          'varbit', 'xml', 'tsvector', 'tsquery', 'pg_lsn', 'int4range', 'int8range', 'numrange',
          'int4multirange', 'int8multirange', 'nummultirange'
        ) THEN '{}'
        WHEN type.typname = 'timestamptz' THEN '{TimeZone}'
        WHEN type.typname IN ('float4', 'float8', 'point', 'line', 'lseg', 'box', 'path', 'polygon', 'circle') THEN '{extra_float_digits}'
        WHEN type.typname = 'interval' THEN '{IntervalStyle}'
        WHEN type.typname = 'bytea' THEN '{bytea_output}'
        WHEN type.typname = 'money' THEN '{lc_monetary}'
      END::text[] AS names  -- null: a type not known here, so all
    FROM part JOIN pg_type AS type ON type.oid = part.type_id
  )
  SELECT array_agg(setting.name || '=' || setting.value ORDER BY setting.position)
  FROM (VALUES
    (0, 'search_path', 'pg_catalog, pg_temp'),
    (1, 'TimeZone', 'UTC'),
    (2, 'DateStyle', 'ISO'),
    (3, 'IntervalStyle', 'postgres'),
    (4, 'extra_float_digits', '1'),
    (5, 'bytea_output', 'hex'),
    (6, 'lc_monetary', 'C')
  ) AS setting (position, name, value)
  WHERE setting.position = 0
     OR EXISTS (SELECT FROM sensitive WHERE names IS NULL OR setting.name = ANY (names))
$function$;
