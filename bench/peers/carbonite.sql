-- log: carbonite.changes, carbonite.transactions
-- A trail of the kind that carbonite (Elixir) keeps at its patch level 12: one
-- row of meta for a transaction, one change for a row, settings by table.
-- Departs from it:
-- - There the application inserts the transaction's row before any change, and
--   a change without one is refused. Here the trigger inserts it where the
--   original raises, with the metadata from the setting other.context; an
--   application may still insert it first. This saves the application a
--   statement in each transaction and costs a caught error instead.
-- - store_changed_from is on; it is off by default.
-- - The schema is called carbonite_default there. No outbox here; the mode of a
--   table is text. The sequence of transactions begins at 1.
-- As there: the settings are read and the key's columns fetched by a dynamic
-- statement for every row, the change is written in a subtransaction.
-- Not recorded: the old row of an update but for what changed, updates that
-- change nothing, TRUNCATE, the time of a change and the database's user.
CREATE SCHEMA IF NOT EXISTS carbonite;
DO $do$
BEGIN
  IF to_regtype('carbonite.change_op') IS NULL THEN
    CREATE TYPE carbonite.change_op AS ENUM ('insert', 'update', 'delete');
  END IF;
END
$do$;
CREATE TABLE IF NOT EXISTS carbonite.transactions (
  xact_id xid8 NOT NULL, meta jsonb NOT NULL DEFAULT '{}', inserted_at timestamp NOT NULL, id bigint NOT NULL,
  PRIMARY KEY (id) INCLUDE (xact_id)
);
CREATE SEQUENCE IF NOT EXISTS carbonite.transactions_id_seq OWNED BY carbonite.transactions.id;
CREATE TABLE IF NOT EXISTS carbonite.changes (
  id bigserial PRIMARY KEY,
  transaction_xact_id xid8 NOT NULL, op carbonite.change_op NOT NULL,
  table_prefix varchar(255) NOT NULL, table_name varchar(255) NOT NULL, table_pk varchar(255)[],
  data jsonb NOT NULL, changed varchar(255)[] NOT NULL,
  transaction_id bigint NOT NULL REFERENCES carbonite.transactions ON DELETE CASCADE ON UPDATE CASCADE,
  changed_from jsonb
);
CREATE INDEX IF NOT EXISTS changes_transaction_xact_id_index ON carbonite.changes (transaction_xact_id);
CREATE INDEX IF NOT EXISTS changes_transaction_id_index ON carbonite.changes (transaction_id);
CREATE INDEX IF NOT EXISTS changes_table_index ON carbonite.changes (table_prefix, table_name, table_pk);
CREATE TABLE IF NOT EXISTS carbonite.triggers (
  id bigserial PRIMARY KEY,
  table_prefix varchar(255) NOT NULL, table_name varchar(255) NOT NULL,
  primary_key_columns varchar(255)[] NOT NULL DEFAULT '{id}', excluded_columns varchar(255)[] NOT NULL DEFAULT '{}',
  filtered_columns varchar(255)[] NOT NULL DEFAULT '{}', mode text NOT NULL DEFAULT 'capture',
  store_changed_from boolean NOT NULL DEFAULT false, inserted_at timestamp NOT NULL, updated_at timestamp NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS triggers_table_index ON carbonite.triggers (table_prefix, table_name)
  INCLUDE (primary_key_columns, excluded_columns, filtered_columns, mode, store_changed_from);
-- A second row for the same transaction takes the first one's number, for the
-- application to insert ON CONFLICT (id).
CREATE OR REPLACE FUNCTION carbonite.number() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
  NEW.xact_id := coalesce(NEW.xact_id, pg_current_xact_id());
  IF NEW.id IS NULL THEN
    BEGIN
      SELECT id INTO NEW.id FROM carbonite.transactions
      WHERE id = currval('carbonite.transactions_id_seq') AND xact_id = NEW.xact_id;
    EXCEPTION WHEN object_not_in_prerequisite_state THEN
      NULL; -- the first of this session
    END;
    NEW.id := coalesce(NEW.id, nextval('carbonite.transactions_id_seq'));
  END IF;
  RETURN NEW;
END
$function$;
CREATE OR REPLACE TRIGGER number BEFORE INSERT ON carbonite.transactions
  FOR EACH ROW EXECUTE FUNCTION carbonite.number();
CREATE OR REPLACE FUNCTION carbonite.redact(source jsonb, columns varchar[]) RETURNS jsonb LANGUAGE plpgsql AS $function$
DECLARE
  name text;
BEGIN
  FOR name IN SELECT jsonb_object_keys(source) INTERSECT SELECT unnest(columns) LOOP
    source := jsonb_set(source, ARRAY[name], '"[FILTERED]"');
  END LOOP;
  RETURN source;
END
$function$;
CREATE OR REPLACE FUNCTION carbonite.capture() RETURNS trigger LANGUAGE plpgsql AS $function$
DECLARE
  config carbonite.triggers;
  override text := nullif(current_setting('carbonite.override_mode', true), '');
  entry carbonite.changes;
  source record;
  name text;
  part text;
BEGIN
  SELECT * INTO config FROM carbonite.triggers WHERE table_prefix = TG_TABLE_SCHEMA AND table_name = TG_TABLE_NAME;
  IF NOT FOUND THEN
    RAISE no_data_found USING MESSAGE = format('%I.%I has no settings in carbonite.triggers', TG_TABLE_SCHEMA, TG_TABLE_NAME);
  END IF;
  IF override = 'override' THEN
    override := CASE config.mode WHEN 'capture' THEN 'ignore' ELSE 'capture' END;
  END IF;
  IF coalesce(override, config.mode) = 'ignore' THEN
    RETURN NULL;
  END IF;

  IF TG_OP = 'DELETE' THEN
    source := OLD;
  ELSE
    source := NEW;
  END IF;
  entry := ROW(
    nextval('carbonite.changes_id_seq'), pg_current_xact_id(), lower(TG_OP), TG_TABLE_SCHEMA, TG_TABLE_NAME, NULL,
    to_jsonb(source) - config.excluded_columns, '{}', NULL, NULL);
  IF config.primary_key_columns <> '{}' THEN
    entry.table_pk := '{}';
    FOREACH name IN ARRAY config.primary_key_columns LOOP
      EXECUTE format('SELECT $1.%I::text', name) INTO part USING source;
      entry.table_pk := array_append(entry.table_pk, part);
    END LOOP;
  END IF;
  IF TG_OP = 'UPDATE' THEN
    SELECT jsonb_object_agg(key, value), coalesce(array_agg(key), '{}') INTO entry.changed_from, entry.changed
    FROM jsonb_each(to_jsonb(OLD) - config.excluded_columns)
    WHERE value <> entry.data -> key;
    IF entry.changed = '{}' THEN
      RETURN NULL;
    END IF;
    IF NOT config.store_changed_from THEN
      entry.changed_from := NULL;
    END IF;
  END IF;
  entry.data := carbonite.redact(entry.data, config.filtered_columns);
  IF entry.changed_from IS NOT NULL THEN
    entry.changed_from := carbonite.redact(entry.changed_from, config.filtered_columns);
  END IF;

  LOOP
    BEGIN
      SELECT id INTO STRICT entry.transaction_id FROM carbonite.transactions
      WHERE id = currval('carbonite.transactions_id_seq') AND xact_id = entry.transaction_xact_id;
      INSERT INTO carbonite.changes VALUES (entry.*);
      RETURN NULL;
    EXCEPTION WHEN no_data_found OR object_not_in_prerequisite_state THEN
      -- The original gives up here.
      INSERT INTO carbonite.transactions (meta, inserted_at) VALUES (
        coalesce(nullif(current_setting('other.context', true), '')::jsonb -> 'metadata', '{}'),
        clock_timestamp() AT TIME ZONE 'UTC');
    END;
  END LOOP;
END
$function$;
INSERT INTO carbonite.triggers (table_prefix, table_name, store_changed_from, inserted_at, updated_at)
  VALUES ('public', ':table', true, now(), now());
CREATE CONSTRAINT TRIGGER capture AFTER INSERT OR UPDATE OR DELETE ON :table DEFERRABLE INITIALLY IMMEDIATE
  FOR EACH ROW EXECUTE FUNCTION carbonite.capture();
