-- A query for events with their leaves: (id, changed_at, table_id, txid, redacted, leaf).
--   source    what comes behind FROM, with the events as `event`; and behind WHERE
--   contexts  an expression for the ids of all their contexts, as an array
--   quickly   as one expression, and each context once. Fails with program_limit_exceeded
--             or internal_error, or gives a leaf that is null, where an event is too
--             large: ask again then, not quickly. See canonical_event. Where client_encoding
--             is not UTF8 the leaves are wrong: whoever runs it sets it.
CREATE OR REPLACE FUNCTION :schema.leaf_query(source text, condition text, contexts text, quickly boolean)
RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT CASE WHEN quickly THEN format(
    $query$
    WITH context AS MATERIALIZED (
      SELECT own.id, own.txid, :schema.canonical_context(own) AS form
      FROM :schema.audit_context AS own
      WHERE own.id = ANY (%3$s)
    )
    SELECT id, changed_at, table_id, txid, redacted, :schema.form_leaf(form) AS leaf
    FROM (
      SELECT event.id, event.changed_at, event.table_id, event.txid, event.redacted, json_send(:schema.canonical(event, context.form)) AS form
      FROM %1$s
      LEFT JOIN context ON context.id = event.context_id AND context.txid = event.txid
      WHERE %2$s
      OFFSET 0  -- or the form would be made twice
    ) AS event
    $query$,
    source, condition, contexts
  ) ELSE format(
    $query$
    SELECT event.id, event.changed_at, event.table_id, event.txid, event.redacted, :schema.event_leaf(event, context) AS leaf
    FROM %1$s
    LEFT JOIN :schema.audit_context AS context ON context.id = event.context_id AND context.txid = event.txid AND context.id = ANY (%3$s)
    WHERE %2$s
    $query$,
    source, condition, contexts
  ) END
$function$;
