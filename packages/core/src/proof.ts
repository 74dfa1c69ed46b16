// What verifies a proof or a digest without a database: nothing but node:crypto is behind it.
export { AuditrumError, type AuditrumErrorCode, IntegrityError, UsageError } from './errors.js'
export { type Digest, verifierKey, verifyDigest } from './trust/checkpoint.js'
export { type ProofOptions, type ProvenAct, type ProvenEvent, verifyProof } from './trust/proof.js'
export type { SealedContext, SealedEvent } from './trust/sealed-event.js'
