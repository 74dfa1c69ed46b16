-- What people call the rows of some events: the label of each event's row, and
-- of its foreign keys that changed, by column, the labels of the rows that they
-- referred to before and after:
--   select event.id, event.diff, label.*
--   from auditrum.history('orders', '42') as event
--   cross join lateral auditrum.event_labels(array[event.id]) as label;
-- Each row that is referred to is looked up once. since and until, where they
-- are known, spare a look into the other partitions.
CREATE OR REPLACE FUNCTION :schema.event_labels(
  events bigint[], since timestamptz DEFAULT '-infinity', until timestamptz DEFAULT 'infinity'
)
RETURNS TABLE (event_id bigint, label text, old_labels jsonb, new_labels jsonb)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
  WITH event AS MATERIALIZED (
    SELECT log.id, log.table_id, log.object_id, log.image, coalesce(log.new, log.old) AS row, log.old, log.new,
      CASE WHEN log.operation = 'U' THEN log.new || log.old ELSE log.old END AS before
    FROM :schema.audit_event AS log
    WHERE log.id = ANY ($1) AND log.changed_at BETWEEN $2 AND $3 AND log.operation <> 'T'
  ), reference AS MATERIALIZED (
    SELECT own.table_id, reference.columns, reference.referenced_id
    FROM (SELECT DISTINCT table_id FROM event) AS own
    CROSS JOIN LATERAL :schema.labelled_references(own.table_id) AS reference
  ), mention AS MATERIALIZED (
    SELECT event.id, reference.columns, side.is_old, reference.referenced_id, :schema.reference_id(side.image, reference.columns) AS object_id
    FROM event
    JOIN reference ON reference.table_id = event.table_id
    CROSS JOIN LATERAL (VALUES (true, event.before), (false, event.new)) AS side (is_old, image)
    WHERE event.old IS NULL OR event.new IS NULL OR event.old ?| reference.columns
  ), referred AS MATERIALIZED (
    SELECT known.referenced_id, known.object_id, :schema.row_label(known.referenced_id, known.object_id) AS label
    FROM (SELECT DISTINCT referenced_id, object_id FROM mention WHERE object_id IS NOT NULL) AS known
  ), labelled AS MATERIALIZED (
    SELECT mention.id,
      jsonb_object_agg(name, referred.label) FILTER (WHERE mention.is_old) AS old_labels,
      jsonb_object_agg(name, referred.label) FILTER (WHERE NOT mention.is_old) AS new_labels
    FROM mention
    JOIN referred ON referred.referenced_id = mention.referenced_id AND referred.object_id = mention.object_id
    CROSS JOIN LATERAL unnest(mention.columns) AS name
    WHERE referred.label IS NOT NULL
    GROUP BY mention.id
  )
  SELECT event.id,
    -- a part of the row may lack what the label needs
    :schema.label_of(event.table_id, CASE
      WHEN event.image = 'f' THEN event.row
      ELSE :schema.logged_row(event.table_id, event.object_id, event.id + 1)
    END),
    labelled.old_labels, labelled.new_labels
  FROM event LEFT JOIN labelled ON labelled.id = event.id
$function$;
