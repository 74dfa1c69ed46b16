-- What people call the rows of a page of events.
SELECT labelled.event_id::text, labelled.label, labelled.old_labels::text, labelled.new_labels::text
FROM :schema.event_labels(
  ARRAY(SELECT event.id::bigint FROM pg_catalog.json_array_elements_text($1::text::json) AS event (id)),
  $2::timestamptz,
  $3::timestamptz
) AS labelled
