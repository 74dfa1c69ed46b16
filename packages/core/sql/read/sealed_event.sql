-- An event in the form in which it is sealed, as functions/sealed_event.sql gives it.
SELECT canonical FROM :schema.sealed_event($1::bigint) AS canonical
