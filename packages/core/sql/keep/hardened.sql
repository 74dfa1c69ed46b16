-- Against whom the log was hardened, as remember.sql noted it.
SELECT :schema.hardened()::text AS hardened
