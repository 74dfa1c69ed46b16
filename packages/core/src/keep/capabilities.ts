/** What a role could do to the log, to the recording of tables, or to the server. Stable, for programs. */
export type CapabilityCode = keyof typeof capabilities

/** What is to be known of a capability. */
export interface Capability {
  /** In words, behind "may": `disable or replace the triggers of recorded tables`. */
  readonly label: string
  /** Whether the application could change, forge or silence the log by it. */
  readonly isGrave: boolean
  /** What takes it from the application's role. */
  readonly remedy: string
}

const HARDEN = 'Run harden.'

/** In the order in which they are shown. */
export const capabilities = {
  superuser: grave('be a superuser', 'Let the application connect as a role that is none.'),
  own_log: grave('own the log', 'Run harden with takeOwnership (--take-ownership).'),
  write_events: grave('insert, update or delete events', HARDEN),
  write_partitions: grave('write to partitions of the log directly', HARDEN),
  write_views: grave('write through the views of the log', HARDEN),
  truncate_log: grave('TRUNCATE the log', HARDEN),
  event_ids: grave('draw or set the ids of events (sequences)', HARDEN),
  call_functions: grave('call functions that write the log', HARDEN),
  attach_capture: grave(
    'record rows of its own tables as those of others (our trigger functions)',
    'Let another role own the recorded tables: harden with takeTables (--take-tables).',
  ),
  create_in_log: grave('create objects in the schema of the log', HARDEN),
  temp_shadowing: grave('divert events into temporary tables', 'Run sync.'),
  search_path: grave('divert events by search_path', 'Run sync.'),
  run_as_condition: grave(
    'run its own code as the owner of the log, in a condition (when)',
    'Hand the function, and the schema that it is in, to the owner of the log, or write the condition without it.',
  ),
  run_as_owner: grave(
    'run its own code as the owner of the log, in a type, operator, policy or trigger',
    'Let another role own the function or type: ALTER … OWNER TO …; a type also by harden with takeTables (--take-tables). REVOKE CREATE on the schema of operators, and REFERENCES on the tables, from it.',
  ),
  read_keys: grave('read the keys of signed contexts', HARDEN),
  disable_triggers: grave(
    'disable, replace or drop the triggers of recorded tables',
    'Let another role own the tables: harden with takeTables (--take-tables); and REVOKE TRIGGER on them as their owner. An extension goes to another role by REASSIGN OWNED BY … TO ….',
  ),
  drop_tables: grave(
    'drop recorded tables, or columns by their type, and make others in their place',
    'Let another role own the schema, the database and the extension: ALTER SCHEMA … OWNER TO …, ALTER DATABASE … OWNER TO …; an extension goes by REASSIGN OWNED BY … TO ….',
  ),
  replica_role: grave(
    'silence every trigger (session_replication_role)',
    'REVOKE SET, ALTER SYSTEM ON PARAMETER session_replication_role from it, and ALTER ROLE … RESET session_replication_role, as a superuser.',
  ),
  subscribe: grave(
    'have rows applied without triggers by a subscription',
    'REVOKE pg_create_subscription from it, and ALTER SUBSCRIPTION … OWNER TO another role.',
  ),
  grant_roles: grave(
    'make itself a member of any role, the owner of the log included',
    'ALTER ROLE … NOCREATEROLE: before PostgreSQL 16 it reaches every role that is no superuser.',
  ),
  server_files: grave(
    'run programs, or write files, as the server',
    'REVOKE pg_execute_server_program, pg_write_server_files, EXECUTE ON FUNCTION lo_export, SET, ALTER SYSTEM ON PARAMETER … from it.',
  ),
  truncate_tables: minor(
    'TRUNCATE recorded tables: one event, without the rows',
    'REVOKE TRUNCATE on them from it, if it does not need that.',
  ),
  lock_log: minor(
    'lock the log, and with it all writers (MAINTAIN)',
    'REVOKE pg_maintain, or MAINTAIN on the tables of the log, from it.',
  ),
  copy_cluster: minor(
    'copy the whole cluster, or keep its WAL (REPLICATION)',
    'ALTER ROLE … NOREPLICATION.',
  ),
  bypass_policies: minor(
    'read past row security policies (BYPASSRLS)',
    'ALTER ROLE … NOBYPASSRLS.',
  ),
  set_parameters: minor(
    'change settings that superusers alone may change otherwise',
    'REVOKE SET, ALTER SYSTEM ON PARAMETER … from it.',
  ),
  end_sessions: minor('end the sessions of others', 'REVOKE pg_signal_backend from it.'),
  maintain_log: minor('make partitions, and let go of what is old', HARDEN),
  read_log: minor('read the log', HARDEN),
} as const satisfies Readonly<Record<string, Capability>>

/** All of them, in that order. */
export const capabilityCodes = Object.keys(capabilities) as readonly CapabilityCode[]

/** What nobody but the owner of the log may have after hardening: what `harden` itself takes away. */
export const closed = [
  'own_log',
  'write_events',
  'write_partitions',
  'write_views',
  'truncate_log',
  'event_ids',
  'call_functions',
  'create_in_log',
  'temp_shadowing',
  'search_path',
  'read_keys',
  'lock_log',
  'maintain_log',
  'read_log',
] as const satisfies readonly CapabilityCode[]

function grave(label: string, remedy: string): Capability {
  return Object.freeze({ label, isGrave: true, remedy })
}

function minor(label: string, remedy: string): Capability {
  return Object.freeze({ label, isGrave: false, remedy })
}
