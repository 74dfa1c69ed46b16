-- From now on a context counts only if it is signed with this key, or another
-- one that was given under another name: so that keys can be changed while both
-- are in use. Without a key that name's is forgotten; with the last one contexts
-- need no signature again. Keys are kept as the pads of HMAC (RFC 2104), where
-- only the owner of the log and its functions can read them.
CREATE OR REPLACE FUNCTION :schema.sign_contexts(key text, name text DEFAULT 'default')
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
#variable_conflict use_variable
DECLARE
  secret    bytea := convert_to(key, 'UTF8');
  inner_pad bytea;
  outer_pad bytea;
BEGIN
  IF octet_length(secret) < 32 THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('The key has %s bytes, and one of fewer than 32 can be guessed.', octet_length(secret)),
      HINT = 'Make one with: openssl rand -hex 32';
  END IF;
  IF to_regclass(':schema.audit_key') IS NULL THEN
    IF key IS NULL THEN
      RETURN;
    END IF;
    CREATE TABLE :schema.audit_key (
      name      text  PRIMARY KEY,
      inner_pad bytea NOT NULL,
      outer_pad bytea NOT NULL
    );
    PERFORM :schema.make_private('pg_class'::regclass, ':schema.audit_key'::regclass);
  END IF;
  DELETE FROM :schema.audit_key AS known WHERE known.name = sign_contexts.name;
  IF key IS NOT NULL THEN
    IF octet_length(secret) > 64 THEN
      secret := sha256(secret);
    END IF;
    secret := secret || decode(repeat('00', 64 - octet_length(secret)), 'hex');
    inner_pad := secret;
    outer_pad := secret;
    FOR place IN 0 .. 63 LOOP
      inner_pad := set_byte(inner_pad, place, get_byte(secret, place) # 54);  -- 0x36
      outer_pad := set_byte(outer_pad, place, get_byte(secret, place) # 92);  -- 0x5c
    END LOOP;
    INSERT INTO :schema.audit_key (name, inner_pad, outer_pad) VALUES (name, inner_pad, outer_pad);
  ELSIF NOT EXISTS (SELECT FROM :schema.audit_key) THEN
    DROP TABLE :schema.audit_key;
  END IF;
END
$function$;
