import { AuditKeeper } from './audit-keeper.js'
import type { Queryable } from './queryable.js'
import { type DigestOptions, digest } from './trust/digest.js'
import { type EraseOptions, type EraseTarget, type Erasure, erase } from './trust/erase.js'
import { type ProveOptions, prove } from './trust/prove.js'
import {
  type EnableSealingOptions,
  enableSealing,
  type Sealing,
  type SealOptions,
  seal,
} from './trust/seal.js'
import {
  type ChainVerification,
  type VerifyChainOptions,
  verifyChain,
} from './trust/verify-chain.js'

/** What makes a log tamper-evident, and proves what is in it. */
export abstract class AuditSealer extends AuditKeeper {
  readonly #queryable: Queryable
  readonly #reader: Queryable
  readonly #lockTimeout: number

  constructor(queryable: Queryable, reader: Queryable, schema: string, lockTimeout: number) {
    super(queryable, reader, schema, lockTimeout)
    this.#queryable = queryable
    this.#reader = reader
    this.#lockTimeout = lockTimeout
  }

  /**
   * Begins the chain of this log: from now on every event carries a salt, and `seal` can seal. Writers wait
   * for an instant, no longer than `lockTimeout`. To be run as the owner of the log, once.
   *
   * Where the chain was lost or broken, and it is known how, `anew` begins another one. It says so for good, and
   * digests of the one before fit it never. What is left of that goes: keep a copy of `audit_seal` and `audit_leaf`.
   *
   * @returns false where it was enabled already.
   * @throws SchemaError where the log could not be locked, or the database is not in UTF8.
   * @throws IntegrityError where the log was sealed, and its chain is gone.
   * @throws UsageError for `anew` without a reason, or where the chain is in order.
   * @example
   * ```ts
   * await audit.enableSealing()
   * await audit.enableSealing({ anew: true, reason: 'audit_seal was lost with disk 3' })
   * ```
   */
  async enableSealing(options: EnableSealingOptions = {}): Promise<boolean> {
    return enableSealing(this.#queryable, this.schema, options, this.#lockTimeout)
  }

  /** The same as {@link enableSealing}. */
  async enableHashChain(options: EnableSealingOptions = {}): Promise<boolean> {
    return this.enableSealing(options)
  }

  /**
   * Seals what was committed since the last time: adds blocks to the chain, over all events of transactions
   * that are over. Writers do not notice. To be called every few seconds; until an event is sealed, whoever
   * may change the log changes it unseen. Several at a time do no harm.
   *
   * @throws SchemaError where sealing is not enabled, or the log has moved to another cluster (`rebase`).
   * @example
   * ```ts
   * const { events } = await audit.seal()
   * ```
   */
  async seal(options: SealOptions = {}): Promise<Sealing> {
    return seal(this.#queryable, this.schema, options)
  }

  /**
   * Whether the log is what was sealed, and names every event that is not. Without a digest from outside it
   * trusts that nobody rewrote the chain itself. What it finds is an answer, not an exception.
   *
   * Memory is bounded; what is sealed, purged and erased meanwhile does no harm.
   *
   * @throws IntegrityError for a digest that the key has not signed.
   * @throws SchemaError where nothing is sealed.
   * @example
   * ```ts
   * const { ok, verified, problems } = await audit.verifyChain({ digest, publicKey })
   * ```
   */
  async verifyChain(options: VerifyChainOptions = {}): Promise<ChainVerification> {
    return verifyChain(this.#reader, this.schema, options)
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

  /**
   * Erases a person's values from what the log holds, in one act that is itself recorded (view `erasures`):
   * of a row from all of its events, or of a user from all of its contexts. Events stay, with what was done
   * and when. A sealed log stays verifiable: its chain says what was erased of which event. Statistics that
   * may hold values are gathered anew.
   *
   * The row itself comes first, for its change or deletion is an event that holds what it had. Masking or
   * excluding a column at capture is better than erasing it later.
   *
   * @throws IntegrityError where an event is not what was sealed: erasing would cover that up.
   * @throws ConflictError for `objectId` while the row is there.
   * @throws UsageError where the log knows no such table or column, or `columns` names the key.
   * @throws SchemaError where this role may not erase: `select auditrum.let_erase('…')`.
   * @example
   * ```ts
   * await db.query('delete from customers where id = 42')
   * const { events, entries } = await audit.erase({ table: 'customers', id: 42 }, { reason: 'request 118' })
   * await audit.erase({ user: '42' }, { reason: 'request 118' }) // what they did stays, who it was goes
   * ```
   */
  async erase(target: EraseTarget, options: EraseOptions = {}): Promise<Erasure> {
    return erase(this.#queryable, this.schema, target, options)
  }
}
