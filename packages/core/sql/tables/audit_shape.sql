-- The columns of a tracked table over time. All rows of one table with the
-- same valid_from are one shape, valid until the next one. Time travel needs
-- it to follow renames, typed reading to know which jsonb number was a bigint.
CREATE TABLE IF NOT EXISTS :schema.audit_shape (
  table_id     integer     NOT NULL,
  valid_from   timestamptz NOT NULL,
  attnum       smallint    NOT NULL,  -- within one relation: tells a rename from a drop and an add
  column_name  text        NOT NULL,
  data_type    text        NOT NULL,  -- format_type(), qualified outside pg_catalog
  base_type    text        NOT NULL,  -- the type below all domains
  key_position smallint,              -- 1-based place in the primary key
  identity     "char"      NOT NULL,  -- pg_attribute.attidentity
  generated    "char"      NOT NULL,  -- pg_attribute.attgenerated
  recorded     "char",                -- how changes of it were recorded: y, i ignored (a change of it alone is no event), n not at all
  relation     oid,                   -- of the table then: another one was created anew or restored, and numbers its columns anew
  PRIMARY KEY (table_id, valid_from, column_name)
);

DO $columns$
BEGIN
  IF NOT EXISTS (
    SELECT FROM pg_attribute
    WHERE attrelid = ':schema.audit_shape'::regclass AND attname = 'relation' AND NOT attisdropped
  ) THEN
    ALTER TABLE :schema.audit_shape ADD COLUMN relation oid, ADD COLUMN recorded "char";
  END IF;
END
$columns$;
