-- What there is to verify: the last place of the chain, and the smallest and
-- greatest id of events, whether they are there or ought to be.
CREATE OR REPLACE FUNCTION :schema.sealed_reach(OUT blocks bigint, OUT first_id bigint, OUT last_id bigint, OUT is_salted boolean)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT
    (SELECT greatest(max(own.id), (SELECT max(leaf.block) FROM :schema.audit_leaf AS leaf)) FROM :schema.audit_seal AS own),
    least((SELECT min(event.id) FROM :schema.audit_event AS event), (SELECT min(leaf.first_id) FROM :schema.audit_leaf AS leaf)),
    greatest((SELECT max(event.id) FROM :schema.audit_event AS event), (SELECT max(leaf.last_id) FROM :schema.audit_leaf AS leaf)),
    EXISTS (
      SELECT FROM pg_attrdef AS preset JOIN pg_attribute AS col ON col.attrelid = preset.adrelid AND col.attnum = preset.adnum
      WHERE preset.adrelid = ':schema.audit_event'::regclass AND col.attname = 'salt'
    )
$function$;
