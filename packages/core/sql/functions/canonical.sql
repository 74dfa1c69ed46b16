-- An event and its context as what is hashed, byte by byte, when it is sealed: a JSON
-- array of every column, in the order of the tables, behind the version of this
-- form. It does not depend on settings of a session, nor on the version of
-- PostgreSQL, and can be made again anywhere: times are microseconds since 1970,
-- jsonb is its own text, bytes are hexadecimal. An event without a context of its
-- transaction ends in null.
--   context  as canonical_context has it
--   version  1; 2 where hashes stand for what is too large, see canonical_event
--
-- One expression, so that it becomes part of the query that calls it.
DROP FUNCTION IF EXISTS :schema.canonical(:schema.audit_event, :schema.audit_context);  -- it took the context as it is stored
DROP FUNCTION IF EXISTS :schema.canonical(:schema.audit_event, json, integer);           -- it returned text
CREATE OR REPLACE FUNCTION :schema.canonical(event :schema.audit_event, context json, version integer DEFAULT 1)
RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
AS $function$
  SELECT pg_catalog.json_build_array(
    version,
    event.id,
    pg_catalog.trunc(extract(epoch FROM event.changed_at) OPERATOR(pg_catalog.*) 1000000),
    event.txid,
    event.context_id,
    event.table_id,
    event.operation,
    event.image,
    event.lossy,
    event.object_id,
    event.old_object_id,
    event.old,
    event.new,
    event.meta,
    event.masked,
    event.drift,
    event.redacted,
    event.db_user,
    pg_catalog.encode(event.salt, 'hex'),
    context
  )
$function$;
