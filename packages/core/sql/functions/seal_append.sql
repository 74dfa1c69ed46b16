-- Adds an entry to the chain, which the caller has locked. Returns its id.
--   body: what it says, besides what every entry says
CREATE OR REPLACE FUNCTION :schema.seal_append(kind text, body jsonb)
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  last   :schema.audit_seal;
  new_id bigint;
BEGIN
  IF kind <> 'start' THEN
    PERFORM :schema.check_chain_end();
  END IF;
  SELECT * INTO last FROM :schema.audit_seal ORDER BY id DESC LIMIT 1;
  new_id := coalesce(last.id + 1, 0);
  INSERT INTO :schema.audit_seal (id, entry)
  VALUES (new_id, (
    jsonb_build_object(
      'v', 1,
      'id', new_id,
      'kind', kind,
      'previous', encode(:schema.entry_leaf(last.entry), 'hex'),
      'at', trunc(extract(epoch FROM clock_timestamp()) * 1000000),
      'by', session_user
    ) || body
  )::json);
  RETURN new_id;
END
$function$;
