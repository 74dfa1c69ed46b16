-- Writes the context row of this transaction and remembers it, so that later
-- events of the same transaction and context point at the same row. Called by
-- the capture functions, as the owner of the log.
--
-- payload: the setting auditrum.context. Either what the adapters send,
--   {"v": 1, "id": uuid, "root": uuid, "metadata": {...}, "error": "what they could not store"}
-- or any other JSON object, taken as the metadata itself, for people in psql.
-- either of them signed as in signed_context.
-- What cannot be stored is said in context_error: the application's write goes
-- through, with what the database knows by itself.
CREATE OR REPLACE FUNCTION :schema.write_context(payload text)
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  this_txid      xid8 := pg_current_xact_id();
  remembered     text := current_setting(:'remembered', true);
  document       jsonb;
  claimed        jsonb;
  problem        text;
  context_uuid   uuid;
  context_root   uuid;
  first_context  bigint;
  new_id         bigint;
  written_id     bigint;
  written_at     tid;
BEGIN
  IF payload <> '' THEN
    BEGIN
      IF octet_length(payload) > 65536 THEN
        RAISE EXCEPTION 'the context has % bytes, more than 65536', octet_length(payload);
      END IF;
      IF starts_with(payload, 's1 ') OR to_regclass(':schema.audit_key') IS NOT NULL THEN
        document := :schema.signed_context(payload)::jsonb;
      ELSE
        document := payload::jsonb;
      END IF;
      IF octet_length(document::text) > 131072 THEN
        RAISE EXCEPTION 'the context has numbers that would fill % bytes', octet_length(document::text);
      END IF;
      IF jsonb_typeof(document) <> 'object' THEN
        RAISE EXCEPTION 'the context is a JSON %, not an object', jsonb_typeof(document);
      END IF;
      IF document ? 'v' AND jsonb_typeof(document -> 'metadata') = 'object' THEN
        claimed := document -> 'metadata';
        context_uuid := document ->> 'id';
        context_root := document ->> 'root';
        problem := left(document ->> 'error', 500);
      ELSE
        claimed := document;
      END IF;
      IF octet_length(claimed ->> 'user_id') > 1024 THEN
        RAISE EXCEPTION 'the user_id has % bytes, more than 1024', octet_length(claimed ->> 'user_id');
      END IF;
    EXCEPTION WHEN OTHERS THEN
      problem := left(SQLERRM, 500);
      claimed := NULL;
      context_uuid := NULL;
      context_root := NULL;
    END;
  END IF;
  context_uuid := coalesce(context_uuid, gen_random_uuid());

  -- the remembered setting is in the application's hands: believe the row, not the setting. By its
  -- ctid, because an index page that is read would conflict with every other serializable writer.
  IF split_part(remembered, ' ', 1) = this_txid::text AND remembered ~ '^\d+ -?\d+ \d{1,19} \(\d{1,9},\d{1,4}\)$' THEN
    SELECT context.transaction_id INTO first_context
    FROM :schema.audit_context AS context
    WHERE context.ctid = split_part(remembered, ' ', 4)::tid
      AND context.id = split_part(remembered, ' ', 3)::bigint
      AND context.txid = this_txid;
  END IF;

  -- a clock that steps back can meet an id again, hence the loop
  WHILE written_id IS NULL LOOP
    new_id := (trunc(extract(epoch FROM clock_timestamp()) * 1000)::bigint << 20)
      | (nextval(':schema.audit_context_id_seq') & 1048575);
    INSERT INTO :schema.audit_context (
      id, transaction_id, txid, started_at, uuid, root_uuid,
      user_id, application_name, client_addr, metadata, context_error
    )
    VALUES (
      new_id, coalesce(first_context, new_id), this_txid, transaction_timestamp(),
      context_uuid, coalesce(context_root, context_uuid),
      claimed ->> 'user_id', current_setting('application_name', true), inet_client_addr(), claimed, problem
    )
    ON CONFLICT DO NOTHING
    RETURNING id, ctid INTO written_id, written_at;
  END LOOP;

  PERFORM set_config(
    :'remembered',
    this_txid::text || ' ' || hashtextextended(coalesce(payload, ''), 0) || ' ' || written_id || ' ' || written_at,
    true
  );
  RETURN written_id;
END
$function$;
