-- Erases who did it, in one act that is itself recorded: from all contexts of a
-- user what tells the person, while what was done stays:
--   select auditrum.erase_user('u-17', reason => 'request 118', dry_run => true);
--   select auditrum.erase_user('u-17', reason => 'request 118');
-- The user becomes "erased". Contexts are found by their user_id; those of purges
-- and erasures stay as they are.
--
--   columns   names of metadata, or client_addr; null: all but what is of no person, and the reason
--   context   takes the reason as well
--
-- Returns {id, events, contexts, columns, entries, partitions}.
CREATE OR REPLACE FUNCTION :schema.erase_user(
  user_id text,
  reason text DEFAULT NULL,
  columns text[] DEFAULT NULL,
  context boolean DEFAULT false,
  dry_run boolean DEFAULT false
)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off  -- however many they seem to be
AS $function$
BEGIN
  PERFORM :schema.erase_start(reason, dry_run);
  IF columns = '{}' OR coalesce(user_id, '') = '' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'AU005',
      MESSAGE = CASE WHEN columns = '{}' THEN 'The list of names to erase is empty.' ELSE 'The user to erase has no id.' END,
      HINT = CASE WHEN columns = '{}' THEN 'Name at least one, or leave it out.' ELSE 'Give the user_id as the contexts have it.' END;
  END IF;
  RETURN :schema.erase_values(
    reason, NULL, '{}', '{}', '{}', '{}',
    ARRAY(SELECT own.id FROM :schema.audit_context AS own WHERE own.user_id = erase_user.user_id),
    columns, context, dry_run
  );
END
$function$;
