-- log: logidze.nothing
-- A history of the kind that logidze (Ruby) keeps in the row itself: a BEFORE
-- trigger maintains log_data, {"v": version, "h": [{"v", "ts", "c", "m"}, ...]};
-- c is the whole row at first, then the new values of what changed. With its
-- options --limit=10 and, by default, the time from updated_at if there is one.
-- There is no table to name as the log: the one above is always empty, and the
-- stored bytes say 0. The history is in :table, read and written with every
-- version of the row, and ends with the row.
-- Departs from it: the metadata is taken from the setting other.context, not
-- logidze.meta; the functions have a schema of their own. Left out: a selection
-- of columns, debouncing and a detached log, each off by default, and that a
-- write after an undo drops the versions undone.
-- As there: two blocks that catch errors, the row as jsonb several times over,
-- what changed by hstore.
-- Not recorded: deletes (the history goes too), TRUNCATE, old values (only as
-- an earlier version), updates that change nothing, more versions than the
-- limit (the two oldest become one), the database's user, the transaction.
-- The types in c after the first version are guessed: the text 12 is a number.
CREATE EXTENSION IF NOT EXISTS hstore SCHEMA public;
CREATE SCHEMA IF NOT EXISTS logidze;
CREATE TABLE IF NOT EXISTS logidze.nothing ();
ALTER TABLE :table ADD COLUMN IF NOT EXISTS log_data jsonb;
CREATE OR REPLACE FUNCTION logidze.version(number integer, at timestamptz, content jsonb) RETURNS jsonb LANGUAGE plpgsql AS $function$
DECLARE
  entry jsonb := jsonb_build_object(
    'v', number, 'ts', (extract(epoch FROM at) * 1000)::bigint, 'c', content - 'log_data');
  context text := current_setting('other.context', true);
BEGIN
  IF coalesce(context, '') <> '' THEN
    entry := entry || jsonb_build_object('m', context::jsonb -> 'metadata');
  END IF;
  RETURN entry;
END
$function$;
-- The first version. Nested documents become text; built by way of json, as
-- there.
CREATE OR REPLACE FUNCTION logidze.snapshot(content jsonb, time_column text) RETURNS jsonb LANGUAGE plpgsql AS $function$
DECLARE
  name text;
BEGIN
  content := content - 'log_data';
  FOR name IN SELECT key FROM jsonb_each(content) WHERE jsonb_typeof(value) = 'object' LOOP
    content := jsonb_set(content, ARRAY[name], to_jsonb(content ->> name));
  END LOOP;
  RETURN json_build_object('v', 1, 'h', jsonb_build_array(
    logidze.version(1, coalesce((content ->> time_column)::timestamptz, statement_timestamp()), content)));
END
$function$;
-- Makes one of the two oldest versions, as many times as asked.
CREATE OR REPLACE FUNCTION logidze.compact(history jsonb, times integer) RETURNS jsonb LANGUAGE plpgsql AS $function$
BEGIN
  FOR i IN 1..times LOOP
    history := jsonb_set(history - 0, '{0,c}', (history #> '{0,c}') || (history #> '{1,c}'));
  END LOOP;
  RETURN history;
END
$function$;
-- To be replaced by who wants to keep a write whose history fails.
CREATE OR REPLACE FUNCTION logidze.capture_exception(error jsonb) RETURNS boolean LANGUAGE plpgsql AS $function$
BEGIN
  RETURN false;
END
$function$;
CREATE OR REPLACE FUNCTION logidze.log() RETURNS trigger LANGUAGE plpgsql AS $function$
DECLARE
  history_limit integer := TG_ARGV[0];
  time_column text := TG_ARGV[1];
  whole boolean;
  at timestamptz;
  content jsonb;
  history jsonb;
  number integer;
  message text;
BEGIN
  IF NEW.log_data IS NULL OR NEW.log_data = '{}' THEN
    NEW.log_data := logidze.snapshot(to_jsonb(NEW), time_column);
    RETURN NEW;
  END IF;
  IF TG_OP = 'UPDATE' AND to_jsonb(NEW) = to_jsonb(OLD) THEN
    RETURN NEW;
  END IF;

  at := to_jsonb(NEW) ->> time_column;
  IF at IS NULL OR TG_OP = 'UPDATE' AND at = (to_jsonb(OLD) ->> time_column)::timestamptz THEN
    at := statement_timestamp();
  END IF;
  whole := TG_OP = 'INSERT' OR coalesce(current_setting('logidze.full_snapshot', true), '') = 'on';
  BEGIN
    IF whole THEN
      content := hstore_to_jsonb_loose(hstore(NEW));
    ELSE
      content := hstore_to_jsonb_loose(hstore(NEW) - hstore(OLD));
    END IF;
  EXCEPTION WHEN numeric_value_out_of_range THEN
    -- A text such as 1e999999 that was guessed to be a number.
    SELECT jsonb_object_agg(key, CASE jsonb_typeof(value) WHEN 'object' THEN to_jsonb(value::text) ELSE value END)
    INTO content FROM jsonb_each(to_jsonb(NEW))
    WHERE whole OR value IS DISTINCT FROM to_jsonb(OLD) -> key;
  END;
  content := content - 'log_data';
  IF content = '{}' THEN
    RETURN NEW;
  END IF;

  history := NEW.log_data -> 'h';
  number := (history #>> '{-1,v}')::integer + 1;
  history := history || logidze.version(number, at, content);
  IF jsonb_array_length(history) > history_limit THEN
    history := logidze.compact(history, jsonb_array_length(history) - history_limit);
  END IF;
  NEW.log_data := jsonb_build_object('v', number, 'h', history);
  RETURN NEW;
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS message = MESSAGE_TEXT;
  IF logidze.capture_exception(jsonb_build_object(
    'returned_sqlstate', SQLSTATE, 'message_text', message, 'schema_name', TG_TABLE_SCHEMA, 'table_name', TG_TABLE_NAME
  )) THEN
    RETURN NEW;
  END IF;
  RAISE;
END
$function$;
CREATE TRIGGER log BEFORE INSERT OR UPDATE ON :table
  FOR EACH ROW WHEN (coalesce(current_setting('logidze.disabled', true), '') <> 'on')
  EXECUTE FUNCTION logidze.log(10, 'updated_at');
