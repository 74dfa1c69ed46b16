import { createHash } from 'node:crypto'
import { quoteIdentifier } from '../sql/quote.js'
import { render, SCHEMA_VERSION } from '../sql/template.js'
import type { Catalogue } from './catalogue.js'
import { objects } from './schema.js'

/** Tables without which nothing works. */
const tables = [
  'audit_setting',
  'audit_table',
  'audit_shape',
  'audit_context',
  'audit_event',
  'audit_purge',
  'audit_erasure',
  'audit_seal',
  'audit_leaf',
]

/** Views for which the same holds. */
const views = ['auditlog', 'contexts', 'purges', 'erasures']

/** What is wrong with the log itself, as far as the catalogue tells; empty where nothing is. */
export interface LogState {
  /** The installed version; null where there is no log. */
  readonly version: number | null
  readonly missing: readonly string[]
  /** The tables among what is missing: what was in them is gone. */
  readonly lost: readonly string[]
  /** Functions whose body is not the one that this package ships: edited, or of another version. */
  readonly edited: readonly string[]
}

/** Compares the installed log with what this package ships. */
export function inspectLog(catalogue: Catalogue, schema: string): LogState {
  const version = /^auditrum schema version (\d+)$/.exec(catalogue.schema?.comment ?? '')?.[1]
  if (version === undefined) return { version: null, missing: [], lost: [], edited: [] }
  if (Number(version) !== SCHEMA_VERSION)
    return { version: Number(version), missing: [], lost: [], edited: [] }
  const shipped = Object.entries(shippedFunctions(schema))
  const isMissing = (name: string) => !catalogue.relations.includes(name)
  const lost = tables.filter(isMissing)
  return {
    version: Number(version),
    lost,
    missing: [
      ...lost,
      ...views.filter(isMissing),
      ...shipped.flatMap(([name]) => (name in catalogue.functions ? [] : [`${name}()`])),
    ],
    edited: shipped.flatMap(([name, body]) =>
      name in catalogue.functions && catalogue.functions[name] !== md5(body) ? [`${name}()`] : [],
    ),
  }
}

/** Who else than its owner can change the log, and what ends that. */
export function writableBy(
  catalogue: Catalogue,
  schema: string,
): readonly { readonly message: string; readonly remedy: string }[] {
  const log = quoteIdentifier(schema)
  const { creators = [], foreign = [], owner = '' } = catalogue.schema ?? {}
  return [
    ...catalogue.writers.map(({ kind, object, role, privileges }) => ({
      message: `${role} has ${privileges} on ${schema}.${object}, so the log is not what its owner wrote alone`,
      remedy: `REVOKE ${privileges} ON ${kind} ${log}.${object} FROM ${role}.`,
    })),
    ...creators.map((role) => ({
      message: `${role} may create objects in the schema ${schema}, beside those of the log`,
      remedy: `REVOKE CREATE ON SCHEMA ${log} FROM ${role}.`,
    })),
    ...foreign.map((object) => ({
      message: `${schema}.${object.name} belongs to ${object.owner}, and the schema of the log to ${owner}`,
      remedy: `Drop it, or, if you know it to be of the log, hand it over: ALTER … OWNER TO ${quoteIdentifier(owner)}.`,
    })),
  ]
}

/** What `track()` notes as the template of a capture function when it is this package's. */
export function shippedTemplate(schema: string): string {
  const functions = shippedFunctions(schema)
  return md5(templates.map((name) => functions[name]).join(''))
}

/** The functions that write those of a table, in the order in which `track` reads them. */
const templates = [
  'capture_settings',
  'capture_source',
  'image_expression',
  'label_expression',
  'label_record',
  'label_source',
]

/** The body of each function as PostgreSQL stores it, by name. */
function shippedFunctions(schema: string): Record<string, string> {
  return Object.fromEntries(
    objects
      .filter((name) => name.startsWith('functions/'))
      .map((name) => [
        name.slice('functions/'.length),
        render(name, schema).split('$function$')[1] ?? '',
      ]),
  )
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex')
}
