-- A filter, as contexts_matching takes it, as SQL about a context; null where it
-- filters nothing.
CREATE OR REPLACE FUNCTION :schema.context_condition(filter jsonb)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT string_agg(
    format(
      CASE name
        WHEN 'user' THEN 'context.user_id = %L'
        WHEN 'context' THEN 'context.uuid = %L'
        WHEN 'root' THEN 'context.root_uuid = %L'
        WHEN 'request' THEN 'context.metadata ->> ''request_id'' = %L'
        -- each has an index of its own
        WHEN 'transaction' THEN '(context.id = %1$L AND context.transaction_id = %1$L OR context.transaction_id = %1$L AND context.transaction_id <> context.id)'
      END,
      value
    ),
    ' AND '
  )
  FROM jsonb_each_text(filter) AS own (name, value)
  WHERE value IS NOT NULL AND name IN ('user', 'context', 'root', 'request', 'transaction')
$function$;
