-- Queries that write the SQL that deletes, updates or inserts rows, with their
-- values as literals of the columns' types:
--   of_rows  one statement for each row; $1 is their number, $2 the documents, $3 whether they are run
--   of_all   one statement for all; $1 the documents
CREATE OR REPLACE FUNCTION :schema.undo_sql(facts jsonb, op text, columns text[], OUT of_rows text, OUT of_all text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  name      text := facts ->> 'name';
  source    text;   -- the rows, typed
  key       record; -- of the key: conditions with literals and with columns of VALUES
  written   record; -- of the columns: the same
  one_row   text;   -- formats for the literals of key and columns
  all_rows  text;
BEGIN
  SELECT
    count(*) AS number,
    string_agg(format('%I %s', part.name, part.type), ', ' ORDER BY number) AS definition,
    string_agg(format('live.%I OPERATOR(%s.=) %%L::%s', replace(part.name, '%', '%%'), part.operators, part.type), ' AND ' ORDER BY number) AS one,
    string_agg(format('live.%I OPERATOR(%s.=) undo.k%s::%s', part.name, part.operators, number, part.type), ' AND ' ORDER BY number) AS of_all,
    string_agg(format('at.%I::text', part.name), ', ' ORDER BY number) AS literals,
    string_agg(format('k%s', number), ', ' ORDER BY number) AS names
  INTO key
  FROM :schema.key_parts((facts ->> 'relation')::oid) AS part;

  SELECT
    count(*) AS number,
    string_agg(format('%I %s', own.name, own.type), ', ' ORDER BY position) AS definition,
    string_agg(format('%I = %%L::%s', replace(own.name, '%', '%%'), own.type), ', ' ORDER BY position) AS one,
    string_agg(format('%I = undo.c%s::%s', own.name, position, own.type), ', ' ORDER BY position) AS of_all,
    string_agg(format('wanted.%I::text', own.name), ', ' ORDER BY position) AS literals,
    string_agg(format('c%s', position), ', ' ORDER BY position) AS names,
    string_agg(quote_ident(own.name), ', ' ORDER BY position) AS listed
  INTO written
  FROM (SELECT column_of.*, facts -> 'types' ->> column_of.name AS type FROM unnest(columns) WITH ORDINALITY AS column_of (name, position)) AS own;

  source := 'unnest($documents) WITH ORDINALITY AS own (document, position)'
    || format(' CROSS JOIN LATERAL jsonb_to_record(own.document -> ''at'') AS at (%s)', key.definition)
    || CASE WHEN op = 'delete' THEN '' ELSE format(' CROSS JOIN LATERAL jsonb_to_record(own.document -> ''wanted'') AS wanted (%s)', written.definition) END;

  CASE op
    WHEN 'delete' THEN
      one_row := format('format(%L, VARIADIC ARRAY[%s])', format('DELETE FROM %s AS live WHERE %s', replace(name, '%', '%%'), key.one), key.literals);
      all_rows := format('format(%L, string_agg(%s, %L ORDER BY own.position))',
        format('DELETE FROM %s AS live USING (VALUES%%s) AS undo (%s) WHERE %s', replace(name, '%', '%%'), key.names, replace(key.of_all, '%', '%%')),
        format('format(%L, VARIADIC ARRAY[%s])', format(E'\n  (%s)', array_to_string(array_fill('%L'::text, ARRAY[key.number::integer]), ', ')), key.literals),
        ',');
    WHEN 'update' THEN
      one_row := format('format(%L, VARIADIC ARRAY[%s, %s])',
        format('UPDATE %s AS live SET %s WHERE %s', replace(name, '%', '%%'), written.one, key.one), written.literals, key.literals);
      all_rows := format('format(%L, string_agg(%s, %L ORDER BY own.position))',
        format('UPDATE %s AS live SET %s FROM (VALUES%%s) AS undo (%s, %s) WHERE %s',
          replace(name, '%', '%%'), replace(written.of_all, '%', '%%'), written.names, key.names, replace(key.of_all, '%', '%%')),
        format('format(%L, VARIADIC ARRAY[%s, %s])', format(E'\n  (%s)', array_to_string(array_fill('%L'::text, ARRAY[(key.number + written.number)::integer]), ', ')), written.literals, key.literals),
        ',');
    ELSE
      one_row := format('format(%L, VARIADIC ARRAY[%s])', format('INSERT INTO %s (%s)%s VALUES (%s)',
        replace(name, '%', '%%'), replace(written.listed, '%', '%%'), CASE WHEN (facts -> 'identity')::boolean THEN ' OVERRIDING SYSTEM VALUE' ELSE '' END,
        array_to_string(array_fill('%L'::text, ARRAY[written.number::integer]), ', ')), written.literals);
      all_rows := format('format(%L, string_agg(%s, %L ORDER BY own.position))',
        format('INSERT INTO %s (%s)%s VALUES%%s',
          replace(name, '%', '%%'), replace(written.listed, '%', '%%'), CASE WHEN (facts -> 'identity')::boolean THEN ' OVERRIDING SYSTEM VALUE' ELSE '' END),
        format('format(%L, VARIADIC ARRAY[%s])', format(E'\n  (%s)', array_to_string(array_fill('%L'::text, ARRAY[written.number::integer]), ', ')), written.literals),
        ',');
  END CASE;
  of_rows := format('SELECT $1, (own.document ->> ''n'')::bigint, $3, true, %s FROM %s', one_row, replace(source, '$documents', '$2'));
  of_all := format('SELECT CASE count(*) WHEN 1 THEN min(%s) ELSE %s END FROM %s', one_row, all_rows, replace(source, '$documents', '$1'));
END
$function$;
