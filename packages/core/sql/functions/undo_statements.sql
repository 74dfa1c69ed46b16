-- The SQL of an undo, in its order, of rows as undo_links has them. It is the same whether it is run or shown.
--
--   statement, n  the order: by statement, then the greatest n first
--   is_run        whether this is what is run
--   is_row        whether this is what it takes for the row n alone
CREATE OR REPLACE FUNCTION :schema.undo_statements(rows jsonb[], tables jsonb)
RETURNS TABLE (statement bigint, n bigint, is_run boolean, is_row boolean, sql text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO'
SET IntervalStyle = 'postgres'
SET extra_float_digits = '1'
SET bytea_output = 'hex'
SET lc_monetary = 'C'
AS $function$
DECLARE
  works   jsonb := (
    SELECT jsonb_agg(jsonb_build_object('table', work.tracked, 'op', work.op, 'leaves', work.leaves, 'columns', work.columns, 'n', work.n))
    FROM (
      SELECT own.document ->> 'table' AS tracked, own.document ->> 'op' AS op, own.document -> 'leaves' AS leaves, max((own.document ->> 'n')::bigint) AS n,
        coalesce(jsonb_agg(DISTINCT written.name) FILTER (WHERE written.name IS NOT NULL), '[]') AS columns
      FROM unnest(rows) AS own (document)
      LEFT JOIN LATERAL jsonb_array_elements(own.document -> 'columns') AS written (name) ON true
      GROUP BY 1, 2, 3
    ) AS work
  );
  rank    record;
  part    record;
  query   record;  -- writes the SQL of one group of rows
  parts   text[];  -- of a circle
BEGIN
  FOR rank IN
    SELECT DISTINCT ordered.rank, ordered.is_circle FROM :schema.undo_order(works, tables) AS ordered ORDER BY ordered.rank
  LOOP
    parts := '{}';
    FOR part IN
      WITH alone AS MATERIALIZED (
        -- rows that change places in a unique index are written one by one, as they were before
        SELECT kind.*, kind.op = 'update' AND EXISTS (
            SELECT FROM pg_index AS index
            LEFT JOIN pg_attribute AS attribute ON attribute.attrelid = index.indrelid AND attribute.attnum = ANY (index.indkey::smallint[])
            WHERE index.indrelid = (tables -> kind.tracked ->> 'relation')::oid AND (index.indisunique OR index.indisexclusion)
              AND (0 = ANY (index.indkey::smallint[]) OR kind.columns ? attribute.attname::text)
          ) AS is_so
        FROM (SELECT DISTINCT document ->> 'table' AS tracked, document ->> 'op' AS op, document -> 'columns' AS columns FROM unnest(rows) AS row (document)) AS kind
      )
      SELECT ordered.tracked, ordered.op, own.columns, array_agg(own.document ORDER BY own.n DESC) AS documents, max(own.n) AS n, alone.is_so AS is_alone
      FROM :schema.undo_order(works, tables) AS ordered
      JOIN (
        SELECT row.document, row.document ->> 'table' AS tracked, row.document ->> 'op' AS op, row.document -> 'leaves' AS leaves, row.document -> 'columns' AS columns, (row.document ->> 'n')::bigint AS n
        FROM unnest(rows) AS row (document)
      ) AS own ON own.tracked = ordered.tracked AND own.op = ordered.op AND own.leaves = ordered.leaves
      JOIN alone ON alone.tracked = own.tracked AND alone.op = own.op AND alone.columns = own.columns
      WHERE ordered.rank = rank.rank AND own.leaves <> '["followed"]'
      GROUP BY ordered.tracked, ordered.op, own.columns, alone.is_so
      ORDER BY array_position('{delete,update,insert}', ordered.op), max(own.n) DESC
    LOOP
      query := :schema.undo_sql(tables -> part.tracked, part.op, ARRAY(SELECT jsonb_array_elements_text(part.columns)));
      RETURN QUERY EXECUTE query.of_rows USING rank.rank, part.documents, part.is_alone AND NOT rank.is_circle;
      IF part.is_alone AND rank.is_circle THEN
        EXECUTE format('SELECT $4 || array_agg(made.sql ORDER BY made.n DESC) FROM (%s) AS made (statement, n, is_run, is_row, sql)', query.of_rows)
        INTO parts USING rank.rank, part.documents, false, parts;
      ELSIF NOT part.is_alone THEN
        EXECUTE query.of_all INTO sql USING part.documents;
        IF rank.is_circle THEN
          parts := parts || sql;
        ELSE
          RETURN QUERY SELECT rank.rank, part.n, true, false, undo_statements.sql;
        END IF;
      END IF;
    END LOOP;
    IF cardinality(parts) > 0 THEN
      sql := CASE cardinality(parts) WHEN 1 THEN parts[1] ELSE (
        SELECT format(E'WITH %s\nSELECT %s',
          string_agg(format(E'part_%s AS (\n%s\nRETURNING 1\n)', position, one), ', ' ORDER BY position),
          -- read one after the other, they run one after the other
          string_agg(format('(SELECT pg_catalog.count(*) FROM part_%s)', position), ', ' ORDER BY position))
        FROM unnest(parts) WITH ORDINALITY AS one_of (one, position)
      ) END;
      RETURN QUERY SELECT rank.rank, 0::bigint, true, false, undo_statements.sql;
    END IF;
  END LOOP;
END
$function$;
