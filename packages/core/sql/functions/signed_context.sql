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
  part text[] := regexp_match(payload, '^s1 (\d{1,12}) ([0-9a-f]{64}) (.*)$');
BEGIN
  IF to_regclass(':schema.audit_key') IS NULL THEN
    RETURN coalesce(part[3], payload);
  ELSIF part IS NULL THEN
    RAISE EXCEPTION 'the context is not signed';
  ELSIF part[1]::bigint < extract(epoch FROM clock_timestamp()) THEN
    RAISE EXCEPTION 'the signature of the context has expired';
  ELSIF NOT EXISTS (
    SELECT FROM :schema.audit_key AS key
    WHERE encode(sha256(key.outer_pad || sha256(key.inner_pad || convert_to(part[1] || ' ' || part[3], 'UTF8'))), 'hex') = part[2]
  ) THEN
    RAISE EXCEPTION 'the signature of the context is wrong';
  END IF;
  RETURN part[3];
END
$function$;
