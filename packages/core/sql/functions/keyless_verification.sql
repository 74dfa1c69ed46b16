-- What verify_table answers of a table without a primary key, whose events name
-- no row: how often the log says that a row is there, and how often it is. That
-- can be told where the table was empty at first, and each event since then holds
-- the whole row with the columns of now; else nothing is claimed.
CREATE OR REPLACE FUNCTION :schema.keyless_verification(tracked_id integer, relation oid, facts jsonb, shapes jsonb, size integer)
RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO'
SET IntervalStyle = 'postgres'
SET extra_float_digits = '1'
SET bytea_output = 'hex'
SET lc_monetary = 'C'
SET array_nulls = on
SET xmloption = content
SET row_security = off
SET jit = off
AS $function$
DECLARE
  seed     bigint := (random() * 9007199254740991)::bigint;
  unread   text[] := ARRAY(SELECT jsonb_array_elements_text(shapes -> -1 -> 'unread'));
  since    timestamptz := shapes -> -2 ->> 'until';
  is_known boolean := NOT facts -> 'declaration' ? 'when'
    AND NOT EXISTS (SELECT FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid WHERE inhparent = relation AND NOT child.relispartition)
    AND :schema.rows_known(tracked_id, 9223372036854775807, clock_timestamp());
  rows     bigint;
  inserted bigint := 0;
  deleted  bigint := 0;
BEGIN
  EXECUTE format(
    $query$
    WITH live AS MATERIALIZED (
      SELECT hashtextextended((to_jsonb(live.*) - $1)::text, $2) AS checksum, count(*) AS number
      FROM %s AS live
      GROUP BY 1
    ), logged AS MATERIALIZED (
      SELECT * FROM :schema.logged_balance($3, $1, $4, $2) WHERE $5
    )
    SELECT
      (SELECT coalesce(sum(number), 0) FROM live),
      coalesce(sum(greatest(difference.number, 0)), 0),
      coalesce(sum(greatest(-difference.number, 0)), 0),
      $5 AND NOT EXISTS (SELECT FROM logged WHERE checksum IS NULL)
    FROM (
      SELECT coalesce(live.number, 0) - coalesce(logged.number, 0) AS number
      FROM live FULL JOIN logged ON logged.checksum = live.checksum
    ) AS difference
    $query$,
    relation::regclass
  )
  INTO rows, inserted, deleted, is_known
  USING unread, seed, tracked_id, since, is_known;
  IF NOT is_known THEN
    inserted := 0;
    deleted := 0;
  END IF;
  RETURN jsonb_build_object(
    'table', facts ->> 'name',
    'rows', rows, 'verified', CASE WHEN is_known THEN rows - inserted ELSE 0 END, 'partial', 0, 'unknown', CASE WHEN is_known THEN 0 ELSE rows END,
    'complete', is_known,
    'approximate', to_jsonb(unread),
    'problems', (
      SELECT coalesce(jsonb_agg(jsonb_build_object('kind', kind, 'id', NULL, 'columns', NULL, 'event', NULL, 'at', NULL, 'gap', false)), '[]')
      FROM (
        SELECT kind FROM (VALUES ('unlogged_insert', inserted), ('unlogged_delete', deleted)) AS found (kind, number)
        CROSS JOIN LATERAL generate_series(1, least(number, size))
        LIMIT size
      ) AS problem
    ),
    'more', greatest(inserted + deleted - size, 0)
  );
END
$function$;
