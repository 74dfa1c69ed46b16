-- log: bare.log
-- The cheapest conceivable log: no key, no index, no context, no time.
CREATE SCHEMA IF NOT EXISTS bare;
CREATE TABLE IF NOT EXISTS bare.log (row_data jsonb);
CREATE OR REPLACE FUNCTION bare.append() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $function$
BEGIN
  INSERT INTO bare.log VALUES (to_jsonb(CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END));
  RETURN NULL;
END
$function$;
CREATE TRIGGER append AFTER INSERT OR UPDATE OR DELETE ON :table FOR EACH ROW EXECUTE FUNCTION bare.append();
