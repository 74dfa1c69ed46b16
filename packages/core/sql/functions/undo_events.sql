-- The events that an undo is asked to undo: one, or all of a transaction, of a
-- root context, or of a request. What names none, or more than one, is an error.
-- It reads what no reader may, and tells what readers see in auditlog.
CREATE OR REPLACE FUNCTION :schema.undo_events(event bigint, transaction bigint, root uuid, request text)
RETURNS TABLE (
  id bigint, changed_at timestamptz, table_id integer, operation "char", image "char", lossy boolean,
  object_id text, old_object_id text, old jsonb, new jsonb, meta jsonb, masked text[], redacted text[]
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
#variable_conflict use_column
DECLARE
  roots  uuid[];
  is_cut boolean;
BEGIN
  IF num_nonnulls(event, transaction, root, request) <> 1 THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = format('What is to be undone is named by %s things.', num_nonnulls(event, transaction, root, request)),
      HINT = 'Give one of an event, a transaction, a root and a request, and let it not be null.';
  ELSIF event IS NOT NULL THEN
    RETURN QUERY
      SELECT log.id, log.changed_at, log.table_id, log.operation, log.image, log.lossy,
        log.object_id, log.old_object_id, log.old, log.new, log.meta, log.masked, log.redacted
      FROM :schema.audit_event AS log
      WHERE log.id = event AND log.operation <> 'S';
  ELSE
    IF request IS NOT NULL THEN
      roots := ARRAY(
        SELECT DISTINCT context.root_uuid FROM :schema.audit_context AS context WHERE context.metadata ->> 'request_id' = request ORDER BY 1 LIMIT 11
      );
      IF cardinality(roots) > 1 THEN
        RAISE EXCEPTION USING
          ERRCODE = 'AU004',
          MESSAGE = format(
            'The request %s names %s: %s.', to_json(request),
            CASE WHEN cardinality(roots) > 10 THEN 'more than ten roots' ELSE cardinality(roots) || ' roots' END,
            array_to_string(roots[:10], ', ')
          ),
          DETAIL = to_json(roots[:10]),
          HINT = 'The id of a request is chosen by clients, who can choose one twice: give the root that is meant.';
      END IF;
      root := roots[1];
    END IF;
    SELECT bool_or(context.started_at < :schema.log_start() OR EXISTS (
      -- of one table: whether the transaction had changed it, too, is not known any more
      SELECT FROM :schema.audit_table AS known
      WHERE known.purged_until > context.started_at AND known.tracked && tstzrange(context.started_at, known.purged_until)
    )) INTO is_cut
    FROM :schema.audit_context AS context
    WHERE context.id = transaction OR context.root_uuid = root;
    IF is_cut THEN
      RAISE EXCEPTION USING
        ERRCODE = 'AU004',
        MESSAGE = 'Some of what is to be undone may be older than what the log still has.',
        HINT = 'Undo single events, which are known whole.';
    END IF;
    RETURN QUERY
      SELECT log.id, log.changed_at, log.table_id, log.operation, log.image, log.lossy,
        log.object_id, log.old_object_id, log.old, log.new, log.meta, log.masked, log.redacted
      FROM (
        SELECT context.id, context.txid FROM :schema.audit_context AS context WHERE context.id = transaction
        UNION ALL
        SELECT context.id, context.txid FROM :schema.audit_context AS context
        WHERE context.transaction_id = transaction AND context.transaction_id <> context.id
        UNION ALL
        SELECT context.id, context.txid FROM :schema.audit_context AS context WHERE context.root_uuid = root
      ) AS own
      JOIN :schema.audit_event AS log ON log.context_id = own.id AND log.txid = own.txid
      -- a row that was there already, and noted
      WHERE log.operation <> 'S';
  END IF;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = CASE
        WHEN event IS NOT NULL THEN format('The log has no event %s that changed anything.', event)
        WHEN transaction IS NOT NULL THEN format('The log has no transaction %s that changed anything.', transaction)
        WHEN request IS NOT NULL THEN format('The log has no request %s that changed anything.', to_json(request))
        ELSE format('The log has no root %s that changed anything.', root)
      END,
      HINT = 'Give an id as events carry it; what is older than the retention is gone.';
  END IF;
END
$function$;
