-- What is to be undone, net: one document for each row, however often it was
-- changed, also under several keys; newest first in n.
--
--   n, event, first, table   the place in the order; the last and the first event; audit_table.id
--   key                      the object_id that people know
--   op                       what undoes it: insert, update, delete, none; truncate: a truncation itself
--   wanted, expected         column values before, and behind, what is to be undone
--   at                       the key, as an object, under which the row is to be found
--   broken                   [{column, expected, present, event}]: changed by others in between
--   lacks, refused, doubt    as undo_changes has them
CREATE OR REPLACE FUNCTION :schema.undo_rows(event bigint, transaction bigint, root uuid, request text)
RETURNS SETOF jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO'
AS $function$
  WITH RECURSIVE change AS MATERIALIZED (
    SELECT * FROM :schema.undo_changes($1, $2, $3, $4)
  ), touch AS (
    -- a key is touched by what happens to its row, when it is taken from a row (1), and when it is given to one (2)
    SELECT change.n, change.table_id, side.key, side.role
    FROM change
    CROSS JOIN LATERAL (
      SELECT coalesce(change.key_out, change.key_in), 0 WHERE coalesce(change.key_in = change.key_out, true)
      UNION ALL SELECT change.key_in, 1 WHERE change.key_in <> change.key_out
      UNION ALL SELECT change.key_out, 2 WHERE change.key_in <> change.key_out
    ) AS side (key, role)
    WHERE change.kind <> 'T' AND change.refused IS NULL
  ), held AS (
    SELECT touch.*, count(*) FILTER (WHERE role = 2) OVER until + count(*) FILTER (WHERE role = 1) OVER before AS holder
    FROM touch
    WINDOW until AS (PARTITION BY table_id, key ORDER BY n), before AS (PARTITION BY table_id, key ORDER BY n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
  ), spell AS MATERIALIZED (
    -- the time for which one row held a key
    SELECT held.n, held.role, min(2 * n + CASE role WHEN 2 THEN 1 ELSE 0 END) OVER (PARTITION BY table_id, key, holder) AS spell
    FROM held
  ), moved AS MATERIALIZED (
    SELECT gone.spell AS source, came.spell AS target FROM spell AS gone JOIN spell AS came USING (n) WHERE gone.role = 1 AND came.role = 2
  ), life (spell, life) AS (
    SELECT DISTINCT spell.spell, spell.spell FROM spell WHERE NOT EXISTS (SELECT FROM moved WHERE moved.target = spell.spell)
    UNION ALL
    SELECT moved.target, life.life FROM life JOIN moved ON moved.source = life.spell
  ), member AS MATERIALIZED (
    SELECT life.life, change.*
    FROM spell JOIN life USING (spell) JOIN change USING (n)
    WHERE spell.role <> 1
  ), span AS MATERIALIZED (
    SELECT life, min(n) AS first_n, max(n) AS last_n, count(*) AS number, max(doubt) AS doubt,
      jsonb_path_query_array(jsonb_agg(lacks) FILTER (WHERE lacks IS NOT NULL), '$[*][*]') AS lacks
    FROM member
    GROUP BY life
  ), touched AS (
    -- of rows that were changed more than once, each value before and after
    SELECT own.*, own.kind <> 'I' AND own.kind_before <> 'D' AND own.value_before::text IS DISTINCT FROM own.old_value::text AS is_broken
    FROM (
      SELECT member.life, member.n, member.id, member.kind, name.name, member.old -> name.name AS old_value, member.new -> name.name AS new_value,
        lag(member.new -> name.name) OVER column_order AS value_before, lag(member.kind) OVER column_order AS kind_before
      FROM member
      JOIN span USING (life)
      CROSS JOIN LATERAL jsonb_object_keys(coalesce(member.old, member.new)) AS name (name)
      WHERE span.number > 1
      WINDOW column_order AS (PARTITION BY member.life, name.name ORDER BY member.n)
    ) AS own
  ), fold AS (
    SELECT life,
      jsonb_object_agg(name, old_value ORDER BY n DESC) FILTER (WHERE kind <> 'I') AS wanted,
      jsonb_object_agg(name, new_value ORDER BY n) FILTER (WHERE kind <> 'D') AS expected,
      jsonb_agg(jsonb_build_object('column', name, 'expected', value_before, 'present', old_value, 'event', id)) FILTER (WHERE is_broken) AS broken
    FROM touched
    GROUP BY life
  ), subject AS MATERIALIZED (
    SELECT own.table_id, own.facts -> 'key' AS key, own.facts -> 'types' AS types, own.facts -> 'checked' AS checked
    FROM (SELECT table_id, :schema.undo_table(table_id) AS facts FROM change GROUP BY table_id) AS own
  ), net AS MATERIALIZED (
    SELECT
      span.*, last.id, first.id AS first_id, last.table_id, coalesce(last.key_out, first.key_in) AS key,
      CASE
        WHEN first.kind = 'I' THEN CASE WHEN last.kind = 'D' THEN 'none' ELSE 'delete' END
        ELSE CASE WHEN last.kind = 'D' THEN 'insert' ELSE 'update' END
      END AS op,
      CASE WHEN span.number = 1 THEN last.old ELSE fold.wanted END AS wanted,
      CASE
        WHEN span.number <> 1 THEN fold.expected
        WHEN last.kind <> 'U' THEN last.new
        ELSE (SELECT jsonb_object_agg(name, last.new -> name) FROM jsonb_object_keys(last.old) AS name)
      END AS expected,
      fold.broken,
      CASE WHEN last.kind = 'D' THEN coalesce(first.new, '{}') || first.old ELSE last.new END AS whole
    FROM span
    JOIN member AS first ON first.n = span.first_n
    JOIN member AS last ON last.n = span.last_n
    LEFT JOIN fold ON fold.life = span.life
  ), unreadable AS MATERIALIZED (
    -- labels of an enum are renamed, domains get checks, columns other types
    SELECT part.table_id, part.name, part.value
    FROM (
      SELECT DISTINCT net.table_id, checked.name, image.value, subject.types ->> checked.name AS type
      FROM subject
      CROSS JOIN LATERAL jsonb_array_elements_text(subject.checked) AS checked (name)
      JOIN net USING (table_id)
      CROSS JOIN LATERAL (VALUES (net.wanted -> checked.name), (net.expected -> checked.name)) AS image (value)
      WHERE image.value IS NOT NULL
    ) AS part
    WHERE NOT :schema.is_readable(part.value, part.type)
  ), lost AS MATERIALIZED (
    SELECT net.life, array_agg(DISTINCT unreadable.name) AS names
    FROM net
    JOIN unreadable
      ON unreadable.table_id = net.table_id AND unreadable.value IN (net.wanted -> unreadable.name, net.expected -> unreadable.name)
    GROUP BY net.life
  )
  SELECT jsonb_strip_nulls(jsonb_build_object(
      'n', net.last_n, 'event', net.id, 'first', net.first_id, 'table', net.table_id, 'key', net.key, 'op', net.op, 'doubt', net.doubt,
      'broken', net.broken,
      'lacks', CASE WHEN lost.life IS NULL THEN net.lacks ELSE coalesce(net.lacks, '[]') || jsonb_build_object('columns', lost.names, 'why', 'unreadable') END,
      'refused', CASE WHEN NOT net.whole ?& key.names THEN CASE WHEN starts_with(net.key, 'md5 00000000') THEN 'its key was erased, so it is not known which row this was' ELSE 'the table had another primary key, so it is not known which row this is now' END END
    )) || jsonb_build_object(
      'wanted', coalesce(net.wanted, '{}') - coalesce(lost.names, '{}'),
      'expected', coalesce(net.expected, '{}') - coalesce(lost.names, '{}'),
      'at', (SELECT jsonb_object_agg(name, net.whole -> name) FROM unnest(key.names) AS name)
    )
  FROM net
  JOIN subject USING (table_id)
  CROSS JOIN LATERAL (SELECT ARRAY(SELECT jsonb_array_elements_text(subject.key)) AS names) AS key
  LEFT JOIN lost USING (life)
  UNION ALL
  SELECT jsonb_strip_nulls(jsonb_build_object(
    'n', n, 'event', id, 'first', id, 'table', table_id, 'key', coalesce(key_out, key_in), 'op', CASE kind WHEN 'T' THEN 'truncate' ELSE 'none' END,
    'doubt', doubt, 'lacks', lacks, 'refused', refused
  ))
  FROM change
  WHERE kind = 'T' OR refused IS NOT NULL
$function$;
