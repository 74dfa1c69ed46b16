-- is_after as the text of a condition on a row of the view auditlog, called log:
-- with the moment as literals, which cost nothing per event, and the bounds that
-- indexes and partitions know.
CREATE OR REPLACE FUNCTION :schema.after_condition(moment jsonb)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
AS $function$
  SELECT format(
    '(%s OR log.changed_at >= %L AND (%s))%s',
    CASE WHEN moment ? 'event' THEN format('log.id > %s', moment ->> 'event') ELSE format('log.changed_at > %L', at) END,
    least(open_since, unseen_since),
    concat_ws(
      ' OR ',
      format('log.changed_at >= %L AND log.txid = ANY (%L)', open_since, ARRAY(SELECT jsonb_array_elements_text(moment -> 'open'))),
      format(
        'log.changed_at >= %L AND NOT pg_visible_in_snapshot(log.txid, %L) AND log.txid < pg_snapshot_xmax(pg_current_snapshot()) AND log.txid IS DISTINCT FROM pg_current_xact_id_if_assigned()',
        unseen_since, moment ->> 'snapshot'
      )
    ),
    CASE WHEN NOT moment ? 'event' THEN format(' AND log.changed_at >= %L', least(at, open_since, unseen_since)) END
  )
  FROM (
    SELECT (moment ->> 'at')::timestamptz AS at, (moment ->> 'open_since')::timestamptz AS open_since, (moment ->> 'unseen_since')::timestamptz AS unseen_since
  ) AS bound
$function$;
