-- log: audit_trigger.log
-- A log of the 2ndQuadrant audit-trigger's kind: hstore of the old row and of
-- what changed, session facts, one index; no diff to read, no context.
CREATE EXTENSION IF NOT EXISTS hstore SCHEMA public;
CREATE SCHEMA IF NOT EXISTS audit_trigger;
CREATE TABLE IF NOT EXISTS audit_trigger.log (
  event_id bigserial PRIMARY KEY,
  schema_name text NOT NULL, table_name text NOT NULL, relid oid NOT NULL,
  session_user_name text, transaction_at timestamptz NOT NULL, statement_at timestamptz NOT NULL, clock_at timestamptz NOT NULL,
  transaction_id bigint, application_name text, client_addr inet, client_port integer, client_query text,
  action text NOT NULL, row_data public.hstore, changed_fields public.hstore, statement_only boolean NOT NULL
);
CREATE OR REPLACE FUNCTION audit_trigger.record() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public AS $function$
DECLARE
  entry audit_trigger.log;
  excluded text[] := ARRAY[]::text[];
BEGIN
  entry := ROW(
    nextval('audit_trigger.log_event_id_seq'), TG_TABLE_SCHEMA::text, TG_TABLE_NAME::text, TG_RELID, session_user::text,
    current_timestamp, statement_timestamp(), clock_timestamp(), txid_current(), current_setting('application_name'),
    inet_client_addr(), inet_client_port(), NULL, substring(TG_OP, 1, 1), NULL, NULL, false);
  IF TG_OP = 'UPDATE' THEN
    entry.row_data := public.hstore(OLD.*) - excluded;
    entry.changed_fields := (public.hstore(NEW.*) - entry.row_data) - excluded;
    IF entry.changed_fields = public.hstore('') THEN
      RETURN NULL;
    END IF;
  ELSIF TG_OP = 'DELETE' THEN
    entry.row_data := public.hstore(OLD.*) - excluded;
  ELSE
    entry.row_data := public.hstore(NEW.*) - excluded;
  END IF;
  INSERT INTO audit_trigger.log VALUES (entry.*);
  RETURN NULL;
END
$function$;
CREATE TRIGGER record AFTER INSERT OR UPDATE OR DELETE ON :table FOR EACH ROW EXECUTE FUNCTION audit_trigger.record();
