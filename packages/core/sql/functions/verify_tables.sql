-- Whether the log still knows all tables of which blocks hold events: who takes one out
-- of audit_table hides its whole history. Returns problems as verify_relations does.
CREATE OR REPLACE FUNCTION :schema.verify_tables()
RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT coalesce(jsonb_agg(jsonb_build_object(
    'kind', 'rewritten', 'event', NULL, 'block', NULL, 'entry', NULL,
    'message', format('The table %s (%s) has sealed events, and is in audit_table no more: the log shows nothing of it.', named.name, named.id)
  ) ORDER BY named.id), '[]')
  FROM (
    SELECT said.id, min(said.name) AS name
    FROM :schema.audit_seal AS own
    CROSS JOIN LATERAL json_each_text(CASE json_typeof(own.entry -> 'tables') WHEN 'object' THEN own.entry -> 'tables' END) AS said (id, name)
    WHERE own.entry ->> 'kind' = 'block'
    GROUP BY said.id
  ) AS named
  WHERE NOT EXISTS (SELECT FROM :schema.audit_table AS known WHERE known.id::text = named.id)
$function$;
