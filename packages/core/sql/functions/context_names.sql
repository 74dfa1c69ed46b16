-- What of a context erasure takes. Of a user all by which the person is told, and
-- what the log does not know the meaning of; the reason only where it is asked. Of
-- a row the reason and all that may name it, but not who changed it: that is
-- somebody else, or is erased as a user.
--   of_user      whether it is a user's context that is erased, or a row's
--   with_reason  of a user: its reason as well
CREATE OR REPLACE FUNCTION :schema.context_names(context :schema.audit_context, of_user boolean, with_reason boolean)
RETURNS text[]
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT ARRAY(
    SELECT name
    FROM (
      SELECT jsonb_object_keys(context.metadata) AS name
      UNION SELECT 'user_id' WHERE context.user_id IS NOT NULL
      UNION SELECT 'client_addr' WHERE context.client_addr IS NOT NULL
      UNION SELECT 'context_error' WHERE context.context_error IS NOT NULL
    ) AS own
    WHERE name NOT IN ('source', 'method', 'actor_type', 'request_id', 'trace_id', 'span_id')
      AND CASE WHEN of_user
        THEN name <> 'change_reason' OR with_reason
        ELSE name NOT IN ('user_id', 'username', 'client_ip', 'client_addr', 'user_agent', 'session_key', 'on_behalf_of')
      END
    ORDER BY name COLLATE "C"
  )
$function$;
