-- A moment in the past, as a document for is_after: a time, or right after an
-- event or a transaction.
--
--   at, event     what is after it: by the clock, or by id
--   open          consistent: transactions under way at that time, all of whose
--   open_since    changes count as later, those before it as well; since when they ran
--   snapshot      what is committed from now on counts as later, too, so that all
--   unseen_since  pages of one answer are of one moment; since when such can have run
--
-- It reads what no reader may, and tells of it times and ids of transactions alone.
CREATE OR REPLACE FUNCTION :schema.past_moment(at timestamptz, event bigint, transaction bigint, consistent boolean)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off  -- however much of a month it seems to be
SET jit = off
SET TimeZone = 'UTC'
AS $function$
DECLARE
  snapshot     pg_snapshot := pg_current_snapshot();
  -- all transactions that the snapshot does not show began after one whose id is lower than theirs
  unseen_since timestamptz := (
    SELECT context.started_at
    FROM :schema.audit_context AS context
    WHERE context.txid < pg_snapshot_xmin(snapshot)
      OR context.txid >= pg_snapshot_xmax(snapshot)  -- of before a restore into a new cluster
    ORDER BY context.id DESC
    LIMIT 1
  );
  named_id     bigint;
  named_txid   xid8;
  named_at     timestamptz := at;
  bound        bigint;
  late_txids   xid8[];
  late_contexts bigint[];
  open         jsonb;
  open_since   timestamptz;
BEGIN
  IF num_nonnulls(at, event, transaction) <> 1 THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = 'The moment is given by ' || num_nonnulls(at, event, transaction) || ' things.',
      HINT = 'Give one of a time, an event and a transaction, and let it not be null.';
  ELSIF event IS NOT NULL THEN
    SELECT log.id, log.changed_at, log.txid INTO named_id, named_at, named_txid FROM :schema.audit_event AS log WHERE log.id = event;
  ELSIF transaction IS NOT NULL THEN
    SELECT log.id, log.changed_at, log.txid
    INTO named_id, named_at, named_txid
    FROM (
      SELECT context.id, context.txid FROM :schema.audit_context AS context WHERE context.id = transaction
      UNION ALL
      SELECT context.id, context.txid FROM :schema.audit_context AS context
      WHERE context.transaction_id = transaction AND context.transaction_id <> context.id
    ) AS own
    JOIN :schema.audit_event AS log ON log.context_id = own.id AND log.txid = own.txid
    ORDER BY log.id DESC
    LIMIT 1;
  END IF;
  IF named_at IS NULL THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = CASE WHEN event IS NULL THEN format('The log has no transaction %s.', transaction) ELSE format('The log has no event %s.', event) END,
      HINT = 'Give an id as events carry it; what is older than the retention is gone.';
  END IF;

  IF consistent AND isfinite(named_at) THEN
    -- the last context id of that instant; ids and clock of two sessions may disagree a little
    bound := ((trunc(extract(epoch FROM named_at) * 1000)::bigint + CASE WHEN named_id IS NULL THEN 1 ELSE 1000 END) << 20) - 1;
    -- later events in a context that is older; the index of times knows the contexts, too
    EXECUTE format(
      'SELECT array_agg(later.txid), array_agg(later.context_id) FROM (SELECT DISTINCT log.txid, log.context_id FROM :schema.audit_event AS log WHERE %s AND log.context_id <= $3) AS later',
      CASE WHEN named_id IS NULL THEN 'log.changed_at > $1' ELSE 'log.id > $2' END
    )
    INTO late_txids, late_contexts
    USING named_at, named_id, bound;
    SELECT jsonb_agg(DISTINCT under_way.txid::text), to_timestamp((min(under_way.transaction_id) >> 20) / 1000.0)
    INTO open, open_since
    FROM (
      SELECT later.txid, coalesce((
        SELECT context.transaction_id FROM :schema.audit_context AS context WHERE context.id = later.context_id AND context.txid = later.txid
      ), 0) AS transaction_id
      FROM unnest(late_txids, late_contexts) AS later (txid, context_id)
      UNION ALL
      -- later contexts, each of which came with an event, of a transaction that had an older one
      SELECT context.txid, context.transaction_id
      FROM :schema.audit_context AS context
      WHERE context.id > bound AND context.transaction_id <= bound AND context.transaction_id <> context.id
    ) AS under_way
    WHERE under_way.txid IS DISTINCT FROM named_txid;
  END IF;

  RETURN jsonb_strip_nulls(jsonb_build_object(
    'at', named_at,
    'event', named_id,
    'open', open,
    'open_since', open_since,
    'snapshot', snapshot,
    'unseen_since', coalesce(unseen_since, '-infinity')
  ));
END
$function$;
