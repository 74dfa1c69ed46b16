-- Places as a bitmap in base64: bit p & 7 of byte p >> 3, least significant first.
CREATE OR REPLACE FUNCTION :schema.bitmap(places integer[], size integer)
RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT translate(encode(string_agg(set_byte('x'::bytea, 0, coalesce(own.bits, 0)), ''::bytea ORDER BY byte), 'base64'), E'\n', '')
  FROM generate_series(0, (size - 1) / 8) AS byte
  LEFT JOIN (
    SELECT place >> 3 AS byte, bit_or(1 << (place & 7)) AS bits
    FROM unnest(places) AS place
    GROUP BY place >> 3
  ) AS own USING (byte)
$function$;
