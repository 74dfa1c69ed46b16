-- The columns of a tracked table over time. All rows of one table with the
-- same valid_from are one shape, valid until the next one. Time travel needs
-- it to follow renames, typed reading to know which jsonb number was a bigint.
CREATE TABLE IF NOT EXISTS :schema.audit_shape (
  table_id     integer     NOT NULL,
  valid_from   timestamptz NOT NULL,
  attnum       smallint    NOT NULL,  -- tells a rename from a drop and an add; renumbered by dump and restore
  column_name  text        NOT NULL,
  data_type    text        NOT NULL,  -- format_type(), qualified outside pg_catalog
  base_type    text        NOT NULL,  -- the type below all domains
  key_position smallint,              -- 1-based place in the primary key
  identity     "char"      NOT NULL,  -- pg_attribute.attidentity
  generated    "char"      NOT NULL,  -- pg_attribute.attgenerated
  PRIMARY KEY (table_id, valid_from, column_name)
);
