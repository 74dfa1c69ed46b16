-- The JSON of a context. Where contexts must be signed (sign_contexts), one that
-- is not, or not rightly, or too late, is an error:
--   s1 <expires: seconds since 1970> <HMAC-SHA256 in hex> <JSON>
-- The HMAC (RFC 2104) is over everything else: '<expires> <JSON>'.
CREATE OR REPLACE FUNCTION :schema.signed_context(payload text)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  -- split_part, because a regular expression over the whole takes ten times as long as all the rest
  expires   text := split_part(payload, ' ', 2);
  signature text := split_part(payload, ' ', 3);
  is_signed boolean := starts_with(payload, 's1 ') AND expires ~ '^\d{1,12}$' AND length(signature) = 64;
  document  text := CASE WHEN is_signed THEN substr(payload, 3 + length(expires) + 1 + 64 + 2) ELSE payload END;
BEGIN
  IF to_regclass(':schema.audit_key') IS NULL THEN
    RETURN document;
  ELSIF NOT is_signed THEN
    RAISE EXCEPTION 'the context is not signed';
  ELSIF expires::bigint < extract(epoch FROM clock_timestamp()) THEN
    RAISE EXCEPTION 'the signature of the context has expired';
  ELSIF NOT EXISTS (
    SELECT FROM :schema.audit_key AS key
    WHERE encode(sha256(key.outer_pad || sha256(key.inner_pad || convert_to(expires || ' ' || document, 'UTF8'))), 'hex') = signature
  ) THEN
    RAISE EXCEPTION 'the signature of the context is wrong';
  END IF;
  RETURN document;
END
$function$;
