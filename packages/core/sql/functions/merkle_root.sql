-- The root over leaf hashes of 32 bytes each: RFC 6962, 2.1. Level by level, for
-- a level has half as many nodes as the one below it, and an odd last one moves up.
CREATE OR REPLACE FUNCTION :schema.merkle_root(hashes bytea)
RETURNS bytea
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $function$
DECLARE
  level bytea := hashes || ''::bytea;  -- in memory, or each look would fetch it anew
  nodes integer := octet_length(hashes) / 32;
BEGIN
  IF nodes = 0 THEN
    RETURN sha256('');
  END IF;
  WHILE nodes > 1 LOOP
    level := (
      SELECT string_agg(
        CASE WHEN 2 * pair + 1 < nodes THEN sha256(decode('01', 'hex') || substr(level, 64 * pair + 1, 64)) ELSE substr(level, 64 * pair + 1, 32) END,
        ''::bytea ORDER BY pair
      )
      FROM generate_series(0, (nodes - 1) / 2) AS pair
    );
    nodes := (nodes + 1) / 2;
  END LOOP;
  RETURN level;
END
$function$;
