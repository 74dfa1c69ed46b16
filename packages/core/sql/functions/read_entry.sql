-- What an entry of the chain says, or null where it has not the form of its kind, to
-- the letter: whoever owns the log may have written anything there, and that says
-- nothing. An entry of its form is what one gets by writing down anew what was read,
-- as seal_append and its callers write it; from then on its members can be cast.
--   start, rebase, block  a round of sealing: how far it came
--   retire  blocks (to: up to which), or of one the events of which (a bitmap)
--   redact  events, with their new leaves; none where none was sealed
--   both with the hash of the record of their purge or erasure: see verify_records
--
-- In src/trust/entry-form.ts it is the same. No query where an expression does: there
-- may be millions of blocks.
CREATE OR REPLACE FUNCTION :schema.read_entry(id bigint, entry json)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  most CONSTANT bigint := 9007199254740991;  -- that JSON holds everywhere
  said   jsonb;
  pieces jsonb;
  again  jsonb;
BEGIN
  said := entry::jsonb;
  IF NOT coalesce(
    id BETWEEN 0 AND most AND (said ->> 'at')::bigint BETWEEN -most AND most AND said ->> 'by' IS NOT NULL
      AND CASE said ->> 'kind' WHEN 'start' THEN said ->> 'previous' IS NULL ELSE octet_length(decode(said ->> 'previous', 'hex')) = 32 END
      AND CASE WHEN said ->> 'kind' IN ('start', 'rebase', 'block')
        THEN (said ->> 'incarnation')::integer >= 0 AND (said ->> 'sequence')::bigint >= 0 AND said ->> 'snapshot' IS NOT NULL
        ELSE (said ->> 'events')::bigint BETWEEN 0 AND most
      END,
    false
  ) THEN
    RETURN NULL;
  END IF;

  CASE said ->> 'kind'
    WHEN 'start' THEN
      IF said ->> 'log' IS NULL THEN
        RETURN NULL;
      END IF;
      again := jsonb_build_object('log', (said ->> 'log')::uuid, 'system', said ->> 'system');
      IF said ? 'former' THEN
        -- in the place of a chain that was broken, in whatever way
        IF NOT coalesce(said ->> 'reason' IS NOT NULL AND (said #>> '{former,entries}')::bigint BETWEEN 0 AND most
          AND coalesce(octet_length(decode(said #>> '{former,last}', 'hex')) = 32, true), false)
        THEN
          RETURN NULL;
        END IF;
        again := again || jsonb_build_object('reason', said ->> 'reason', 'former', jsonb_build_object(
          'log', said #>> '{former,log}', 'entries', (said #>> '{former,entries}')::bigint,
          'last', encode(decode(said #>> '{former,last}', 'hex'), 'hex')
        ));
      END IF;
    WHEN 'rebase' THEN
      again := jsonb_build_object('system', said ->> 'system', 'more', true);
    WHEN 'block' THEN
      IF NOT coalesce(
        (said ->> 'events')::integer BETWEEN 0 AND 100000 AND octet_length(decode(said ->> 'root', 'hex')) = 32 AND said ->> 'more' IS NOT NULL
          AND (said ->> 'last' IS NULL) = ((said ->> 'events')::integer = 0) AND coalesce((said ->> 'last')::bigint > 0, true)
          AND jsonb_typeof(said -> 'tables') = 'object' AND NOT jsonb_path_exists(said, 'strict $.tables.* ? (@.type() != "string")'),
        false
      ) THEN
        RETURN NULL;
      END IF;
      again := jsonb_build_object(
        'more', (said ->> 'more')::boolean, 'events', (said ->> 'events')::integer, 'last', ((said ->> 'last')::bigint)::text,
        'root', encode(decode(said ->> 'root', 'hex'), 'hex'), 'tables', said -> 'tables'
      );
    WHEN 'retire' THEN
      SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
        'block', piece.block, 'to', piece."to", 'events', piece.events,
        'which', translate(encode(decode(piece.which, 'base64'), 'base64'), E'\n', '')
      )) ORDER BY piece.number)
      INTO pieces
      FROM ROWS FROM (jsonb_to_recordset(said -> 'retired') AS (block bigint, "to" bigint, events bigint, which text))
        WITH ORDINALITY AS piece (block, "to", events, which, number)
      WHERE piece.block >= 0 AND coalesce(piece."to", piece.block) >= piece.block AND coalesce(piece."to", piece.block) < read_entry.id
        AND piece.events BETWEEN 1 AND most AND (piece."to" IS NULL OR piece.which IS NULL);
      IF pieces IS NULL OR said ->> 'events' = '0' OR NOT coalesce((said ->> 'purge')::bigint >= 0 AND octet_length(decode(said ->> 'record', 'hex')) = 32, false) THEN
        RETURN NULL;
      END IF;
      again := jsonb_build_object('purge', ((said ->> 'purge')::bigint)::text, 'record', encode(decode(said ->> 'record', 'hex'), 'hex'), 'events', (said ->> 'events')::bigint, 'retired', pieces);
    WHEN 'redact' THEN
      SELECT coalesce(jsonb_agg(jsonb_build_object(
        'event', piece.event::text, 'block', piece.block, 'place', piece.place, 'columns', piece.columns, 'leaf', encode(decode(piece.leaf, 'hex'), 'hex')
      ) ORDER BY piece.number), '[]')
      INTO pieces
      FROM ROWS FROM (jsonb_to_recordset(said -> 'redacted') AS (event bigint, block bigint, place integer, columns text[], leaf text))
        WITH ORDINALITY AS piece (event, block, place, columns, leaf, number)
      WHERE piece.event > 0 AND piece.block >= 0 AND piece.block < read_entry.id AND piece.place >= 0 AND octet_length(decode(piece.leaf, 'hex')) = 32
        AND piece.columns IS NOT NULL AND CASE WHEN coalesce(array_ndims(piece.columns), 1) = 1 THEN array_position(piece.columns, NULL) IS NULL ELSE false END;
      IF (pieces = '[]') <> (said ->> 'events' = '0') OR NOT coalesce((said ->> 'erasure')::bigint >= 0 AND octet_length(decode(said ->> 'record', 'hex')) = 32, false) OR jsonb_typeof(said -> 'columns') IS DISTINCT FROM 'array'
        OR jsonb_path_exists(said, 'strict $.columns[*] ? (@.type() != "string")')
      THEN
        RETURN NULL;
      END IF;
      again := jsonb_build_object(
        'erasure', ((said ->> 'erasure')::bigint)::text, 'record', encode(decode(said ->> 'record', 'hex'), 'hex'), 'events', (said ->> 'events')::bigint, 'columns', said -> 'columns', 'redacted', pieces
      );
    ELSE
      RETURN NULL;
  END CASE;
  again := again || CASE WHEN said ->> 'kind' IN ('start', 'rebase', 'block') THEN jsonb_build_object(
    'v', 1, 'id', id, 'kind', said ->> 'kind', 'previous', encode(decode(said ->> 'previous', 'hex'), 'hex'), 'at', (said ->> 'at')::bigint, 'by', said ->> 'by',
    'incarnation', (said ->> 'incarnation')::integer, 'snapshot', (said ->> 'snapshot')::pg_snapshot, 'sequence', ((said ->> 'sequence')::bigint)::text
  ) ELSE jsonb_build_object(
    'v', 1, 'id', id, 'kind', said ->> 'kind', 'previous', encode(decode(said ->> 'previous', 'hex'), 'hex'), 'at', (said ->> 'at')::bigint, 'by', said ->> 'by'
  ) END;
  RETURN CASE WHEN again::text = entry::text THEN said END;
EXCEPTION
  -- no JSON of PostgreSQL, or members that are of other types
  WHEN data_exception OR program_limit_exceeded THEN
    RETURN NULL;
END
$function$;
