-- Whether the entries of the chain follow each other, and say nothing that cannot be:
-- each has to say its place, and the hash of the one before it; what it says of rounds
-- never falls; what it says of blocks, they are. Returns {entries, retired, last,
-- readable, problems}: how many events were retired, each once; the greatest id that
-- blocks hold; and whether PostgreSQL can read all entries as JSON.
CREATE OR REPLACE FUNCTION :schema.verify_links()
RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $function$
  WITH link AS MATERIALIZED (
    SELECT own.id, said, said ->> 'kind' AS kind,
      coalesce(lag(own.id) OVER sequence, -1) + 1 AS place,
      encode(lag(:schema.entry_leaf(own.entry)) OVER sequence, 'hex') AS before,
      -- half a pair of these is no character
      said IS NOT NULL OR regexp_replace(own.entry::text, '\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}', '', 'g') !~ '\\u(0000|[dD][89a-fA-F])' AS readable
    FROM :schema.audit_seal AS own CROSS JOIN LATERAL :schema.read_entry(own.id, own.entry) AS said
    WINDOW sequence AS (ORDER BY own.id)
  ), round AS (
    SELECT own.id, own.kind, own.incarnation, own.sequence, own.xmax,
      lag(own.incarnation) OVER before AS last_incarnation, lag(own.sequence) OVER before AS last_sequence, lag(own.xmax) OVER before AS last_xmax,
      own.snapshot, lag(own.snapshot) OVER before AS last_snapshot
    FROM (
      SELECT id, kind, (said ->> 'incarnation')::integer AS incarnation, (said ->> 'sequence')::bigint AS sequence,
        (said ->> 'snapshot')::pg_snapshot AS snapshot, pg_snapshot_xmax((said ->> 'snapshot')::pg_snapshot) AS xmax
      FROM link
      WHERE kind IN ('start', 'rebase', 'block')
    ) AS own
    WINDOW before AS (ORDER BY own.id)
  ), base AS (
    SELECT id, said ->> 'system' AS system, lag(said ->> 'system') OVER (ORDER BY id) AS last_system FROM link WHERE kind IN ('start', 'rebase')
  ), block AS MATERIALIZED (
    SELECT id, (said ->> 'events')::integer AS events, (said ->> 'last')::bigint AS last, sum((said ->> 'events')::bigint) OVER (ORDER BY id) AS reach
    FROM link
    WHERE kind = 'block'
  ), piece AS MATERIALIZED (
    -- of a retire entry, with the bits that it has set
    SELECT link.id AS entry, own.block, coalesce(own."to", own.block) AS last, own.events, decode(own.which, 'base64') AS bits
    FROM link CROSS JOIN LATERAL jsonb_to_recordset(link.said -> 'retired') AS own (block bigint, "to" bigint, events bigint, which text)
    WHERE link.kind = 'retire'
  ), weighed AS MATERIALIZED (
    SELECT piece.*, first.events AS size,
      CASE
        WHEN piece.bits IS NULL THEN coalesce(piece.events = last.reach - first.reach + first.events, false)
        WHEN octet_length(piece.bits) = (first.events + 7) / 8
        THEN piece.events = bit_count(piece.bits) AND (first.events % 8 = 0 OR get_byte(piece.bits, octet_length(piece.bits) - 1) >> (first.events % 8) = 0)
        ELSE false
      END AS is_right
    FROM piece LEFT JOIN block AS first ON first.id = piece.block LEFT JOIN block AS last ON last.id = piece.last
  ), whole AS MATERIALIZED (
    SELECT coalesce(range_agg(int8range(block, last, '[]')), '{}') AS blocks FROM piece WHERE bits IS NULL
  ), part AS (
    -- looked at one by one where entries say the same twice
    SELECT weighed.block,
      CASE WHEN count(*) = 1 AND bool_and(weighed.is_right) THEN min(weighed.events) ELSE (
        SELECT count(DISTINCT place)
        FROM unnest(array_agg(weighed.bits)) AS bits CROSS JOIN LATERAL generate_series(0, least(min(weighed.size), 8 * octet_length(bits)) - 1) AS place
        WHERE get_bit(bits, place) = 1
      ) END AS events
    FROM weighed CROSS JOIN whole
    WHERE weighed.bits IS NOT NULL AND weighed.size IS NOT NULL AND NOT weighed.block <@ whole.blocks
    GROUP BY weighed.block
  ), broken AS (
    SELECT id
    FROM link
    WHERE id IS DISTINCT FROM place OR said IS NULL OR (said ->> 'previous') IS DISTINCT FROM before OR (kind = 'start') IS DISTINCT FROM (id = 0)
    UNION
    SELECT id
    FROM round
    WHERE sequence < last_sequence OR incarnation = last_incarnation AND (
        xmax < last_xmax
        -- what was over then runs no more
        OR EXISTS (SELECT FROM pg_snapshot_xip(snapshot) AS running WHERE pg_visible_in_snapshot(running, last_snapshot))
      )
      OR CASE kind WHEN 'rebase' THEN incarnation <= last_incarnation ELSE incarnation <> last_incarnation END
    UNION
    -- it has not moved: transaction ids go on
    SELECT base.id
    FROM base JOIN round USING (id)
    WHERE base.system = base.last_system AND pg_snapshot_xmin(round.last_snapshot) <= round.xmax
    UNION
    SELECT weighed.entry
    FROM weighed JOIN link ON link.id = weighed.entry
    GROUP BY weighed.entry, link.said ->> 'events'
    HAVING NOT bool_and(weighed.is_right) OR sum(weighed.events) <> (link.said ->> 'events')::bigint
    UNION
    SELECT link.id
    FROM link
    CROSS JOIN LATERAL jsonb_to_recordset(link.said -> 'redacted') AS own (block bigint, place integer)
    LEFT JOIN block ON block.id = own.block
    WHERE link.kind = 'redact'
    GROUP BY link.id, link.said ->> 'events'
    HAVING bool_or(block.id IS NULL OR own.place >= block.events) OR count(*) <> (link.said ->> 'events')::bigint OR count(*) <> count(DISTINCT (own.block, own.place))
  )
  SELECT jsonb_build_object(
    'entries', (SELECT count(*) FROM link),
    'retired', (SELECT coalesce(sum(block.events), 0) FROM block CROSS JOIN whole WHERE block.id <@ whole.blocks) + (SELECT coalesce(sum(events), 0) FROM part),
    'last', (SELECT max(last) FROM block),
    'readable', (SELECT coalesce(bool_and(readable), true) FROM link),
    'problems', (
      SELECT coalesce(jsonb_agg(jsonb_build_object('kind', 'rewritten', 'event', NULL, 'block', id::text, 'entry', id) ORDER BY id), '[]')
      FROM broken
    )
  )
$function$;
