import { AuditKeeper } from './audit-keeper.js'
import type { Queryable } from './queryable.js'
import { type DigestOptions, digest } from './trust/digest.js'
import { type ProveOptions, prove } from './trust/prove.js'

/** What makes a log tamper-evident, and proves what is in it. */
export abstract class AuditSealer extends AuditKeeper {
  readonly #queryable: Queryable

  constructor(queryable: Queryable, reader: Queryable, schema: string, lockTimeout: number) {
    super(queryable, reader, schema, lockTimeout)
    this.#queryable = queryable
  }

  /**
   * A digest of all that is sealed, signed: a text of a few lines, to be kept where whoever can change
   * the log cannot. By it the chain can be verified later, and single events be proven. Computed here
   * from the entries of the chain, by no function of the database.
   *
   * @returns the text: a checkpoint as Certificate Transparency has it (https://c2sp.org/tlog-checkpoint).
   * @throws IntegrityError where the chain is broken, or no longer leads to `previous`. Nothing is signed then.
   * @throws UsageError where the key is none.
   * @throws SchemaError where nothing is sealed.
   * @example
   * ```ts
   * const key = await readFile('digest-key.pem', 'utf8') // openssl genpkey -algorithm ed25519
   * const text = await audit.digest({ key, previous: await newest() })
   * ```
   */
  async digest(options: DigestOptions): Promise<string> {
    return digest(this.#queryable, this.schema, options)
  }

  /**
   * A proof that an event is in the log, unchanged since it was sealed: a small file, verified by
   * `verifyProof` with nothing but the public key. Of an event of which values were erased, it proves what
   * is left of it, and when they were.
   *
   * @returns the text: JSON, of the format that docs/digests.md describes.
   * @throws UsageError where there is no such event, or it is not sealed yet, or not in that digest.
   * @throws IntegrityError where the event, or the chain, is not what was sealed.
   * @example
   * ```ts
   * const proof = await audit.prove('4711', { digest })
   * verifyProof(proof, { publicKey }).event.new
   * ```
   */
  async prove(eventId: string | number | bigint, options: ProveOptions = {}): Promise<string> {
    return prove(this.#queryable, this.schema, eventId, options)
  }
}
