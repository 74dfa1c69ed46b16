-- The hash of the record of a purge, with the context that says who asked for it and
-- why: what its entries in the chain name, so that these cannot be changed. Of it what
-- stands there from its beginning.
CREATE OR REPLACE FUNCTION :schema.purge_record(purge :schema.audit_purge)
RETURNS bytea
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT sha256(convert_to(json_build_array(
    1,
    'purge',
    purge.id,
    trunc(extract(epoch FROM purge.started_at) * 1000000),
    purge.context_id,
    purge.db_user,
    -- its text would depend on the session
    extract(year FROM purge.older_than) * 12 + extract(month FROM purge.older_than),
    extract(day FROM purge.older_than),
    extract(hour FROM purge.older_than) * 3600000000 + extract(minute FROM purge.older_than) * 60000000 + extract(microseconds FROM purge.older_than),
    purge.targets,
    purge.drops,
    trunc(extract(epoch FROM purge.contexts_before) * 1000000),
    -- one there is of an id
    (SELECT CASE count(*) WHEN 1 THEN json_agg(:schema.canonical_context(context)) -> 0 END FROM :schema.audit_context AS context WHERE context.id = purge.context_id)
  )::text, 'UTF8'))
$function$;
