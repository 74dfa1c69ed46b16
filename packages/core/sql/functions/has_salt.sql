-- Whether every new event gets a salt.
CREATE OR REPLACE FUNCTION :schema.has_salt()
RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
AS $function$
  SELECT EXISTS (
    SELECT FROM pg_attribute AS attribute
    JOIN pg_attrdef AS own ON own.adrelid = attribute.attrelid AND own.adnum = attribute.attnum
    WHERE attribute.attrelid = ':schema.audit_event'::regclass AND attribute.attname = 'salt'
      AND pg_get_expr(own.adbin, own.adrelid) = 'uuid_send(gen_random_uuid())'
  )
$function$;
