-- The ids of the contexts of a transaction, of a request or a job (root), of a
-- request_id, which clients choose, or of one context, and since when they are.
-- Exactly one of these is asked for.
CREATE OR REPLACE FUNCTION :schema.contexts_of(
  transaction bigint, root uuid, request text, context uuid, OUT ids bigint[], OUT since timestamptz
)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  IF num_nonnulls(transaction, root, request, context) <> 1 THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('Whose changes is said by %s things.', num_nonnulls(transaction, root, request, context)),
      HINT = 'Give one of transaction, root, request and context, and let it not be null.';
  END IF;
  EXECUTE format(
    'SELECT array_agg(known.id), min(known.started_at) FROM :schema.audit_context AS known WHERE %s',
    CASE
      WHEN transaction IS NOT NULL THEN 'known.id = $1 OR known.transaction_id = $1 AND known.transaction_id <> known.id'
      WHEN root IS NOT NULL THEN 'known.root_uuid = $2'
      WHEN request IS NOT NULL THEN 'known.metadata ->> ''request_id'' = $3'
      ELSE 'known.uuid = $4'
    END
  )
  INTO ids, since
  USING transaction, root, request, context;
  IF ids IS NULL AND transaction IS NOT NULL THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('The log has no transaction %s.', transaction),
      HINT = 'Give an id as events carry it; what is older than the retention is gone.';
  END IF;
END
$function$;
