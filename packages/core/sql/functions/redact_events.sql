-- Redacts events whose contexts have been redacted already, and writes what became
-- of those that are sealed into the chain, which the caller has locked. Returns the
-- id of the entry, null where none of them is sealed, and the partitions.
--   names, tombstones  as redacted_event takes them, of events that are `own`
--   of_contexts  {context_id: what went of it}
--   erasure      its record
DROP FUNCTION IF EXISTS :schema.redact_events(bigint[], timestamptz[], boolean[], text[], jsonb, jsonb, bigint);  -- it took the context alone
CREATE OR REPLACE FUNCTION :schema.redact_events(
  ids bigint[], times timestamptz[], own boolean[], names text[], tombstones jsonb, of_contexts jsonb, erasure :schema.audit_erasure,
  OUT entry bigint, OUT partitions text[]
)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off  -- however many they seem to be
SET jit = off
AS $function$
DECLARE
  redacted jsonb;
BEGIN
  WITH form AS MATERIALIZED (
    SELECT event.id, event.changed_at, context,
      :schema.redacted_event(event, CASE WHEN given.own THEN names ELSE '{}' END, CASE WHEN given.own THEN tombstones ELSE '{}' END) AS left_over,
      CASE WHEN given.own THEN :schema.names_in(event, names) ELSE '{}' END || ARRAY(
        SELECT 'context.' || name FROM jsonb_array_elements_text(of_contexts -> context.id::text) AS name
      ) AS columns
    FROM unnest(ids, times, own) AS given (id, changed_at, own)
    JOIN :schema.audit_event AS event ON event.id = given.id AND event.changed_at = given.changed_at
    LEFT JOIN :schema.audit_context AS context ON context.id = event.context_id AND context.txid = event.txid
  ), changed AS (
    UPDATE :schema.audit_event AS event
    SET object_id = (form.left_over).object_id, old_object_id = (form.left_over).old_object_id,
      old = (form.left_over).old, new = (form.left_over).new, meta = (form.left_over).meta,
      masked = (form.left_over).masked, redacted = (form.left_over).redacted, salt = (form.left_over).salt
    FROM form
    WHERE event.id = form.id AND event.changed_at = form.changed_at
    RETURNING event.id, event.tableoid AS relation, form.columns, :schema.event_leaf(event, form.context) AS leaf
  )
  SELECT
    jsonb_agg(jsonb_build_object(
      'event', changed.id::text, 'block', sealed.block, 'place', sealed.place,
      'columns', to_jsonb(changed.columns), 'leaf', encode(changed.leaf, 'hex')
    ) ORDER BY changed.id) FILTER (WHERE sealed.event_id IS NOT NULL),
    array_agg(DISTINCT (SELECT relname FROM pg_class WHERE oid = changed.relation)::text)
  INTO redacted, partitions
  FROM changed LEFT JOIN :schema.places_of(ids) AS sealed ON sealed.event_id = changed.id;

  IF redacted IS NOT NULL THEN
    entry := :schema.redact_entry(erasure, redacted);
  END IF;
END
$function$;
