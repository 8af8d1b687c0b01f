/**
 * Checks of batches, acks and batch certificates. A certificate is judged from its own fields (dissemination.md,
 * Objects): nobody needs the batch to vote for a block, and nothing in it can be altered by whoever forwards it.
 *
 * Every check returns null, or the reason as a sentence for logs: what was expected and what came.
 */
import { LIMITS } from '../config/limits.ts'
import type { Parameters } from '../config/parameters.ts'
import { equalBytes, mapKey } from '../crypto/bytes.ts'
import type { Verifier } from './replica-types.ts'
import type {
  Ack,
  BatchCertificate,
  Digest,
  Flag,
  SignedBatch,
  ValidatorIndex,
  ValidatorSet,
} from './types.ts'
import { weightOfIndex } from './validator-set.ts'
import {
  ackMessage,
  batchDigestOfBatch,
  batchDigestOfCertificate,
  batchFields,
  batchMessage,
  type BatchFields,
} from './wire.ts'

type CheckedParameters = Pick<Parameters, 'batchMaxTxs' | 'batchMaxBytes' | 'batchTtlMs' | 'maxClockDriftMs'>

/** Whether the digest is the batch's own and its author signed it. Gossip passes on nothing else. */
export function checkBatchSignature(set: ValidatorSet, verifier: Verifier, signed: SignedBatch): boolean {
  const author = set.validators[signed.batch.author]
  return (
    author !== undefined &&
    equalBytes(signed.digest, batchDigestOfBatch(set.context, signed.batch)) &&
    verifier.verify(signed.signature, batchMessage(signed.digest), author.publicKey)
  )
}

export interface BatchCheckOptions {
  readonly set: ValidatorSet
  readonly parameters: CheckedParameters
  readonly verifier: Verifier
}

export class BatchCheck {
  readonly #set: ValidatorSet
  readonly #parameters: CheckedParameters
  readonly #verifier: Verifier
  readonly #passed: PassedSignatures = new PassedSignatures(LIMITS.rememberedChecks)
  readonly #passedCertificates = new WeakSet<BatchCertificate>()

  constructor(options: BatchCheckOptions) {
    this.#set = options.set
    this.#parameters = options.parameters
    this.#verifier = options.verifier
  }

  /**
   * "Checks author, epoch, limits": everything of a batch but its time and its transactions. `guilty` is whoever passed
   * on what its author did not sign, else the author: gossip checks signatures and nothing more.
   */
  batch(signed: SignedBatch): { readonly guilty: 'sender' | 'author'; readonly reason: string } | null {
    const { author } = signed.batch
    if (this.#set.validators[author] === undefined)
      return { guilty: 'sender', reason: `there is no validator ${author}` }
    const digest = batchDigestOfBatch(this.#set.context, signed.batch)
    if (!equalBytes(digest, signed.digest))
      return { guilty: 'sender', reason: 'the digest is not that of the batch' }
    if (!this.#signed(author, batchMessage(digest), signed.signature)) {
      return { guilty: 'sender', reason: 'the author did not sign the batch' }
    }
    const reason = this.#fields(batchFields(signed.batch))
    return reason === null ? null : { guilty: 'author', reason }
  }

  /** "local − batchTtlMs ≤ createdMs ≤ local + maxClockDriftMs". */
  createdInWindow(createdMs: number, wallMs: number): string | null {
    if (createdMs < wallMs - this.#parameters.batchTtlMs)
      return `created ${wallMs - createdMs} ms ago, which is too old`
    if (createdMs > wallMs + this.#parameters.maxClockDriftMs)
      return `created ${createdMs - wallMs} ms ahead of this clock`
    return null
  }

  /** Everything of an ack that can be judged without its batch: signer, order of the flags, signature. */
  ack(ack: Ack): string | null {
    if (ack.epoch !== this.#set.epoch) return `expected epoch ${this.#set.epoch}, got ${ack.epoch}`
    if (this.#set.validators[ack.author] === undefined) return `there is no validator ${ack.author}`
    return (
      flagsProblem(ack.flags, LIMITS.txsPerBatch, LIMITS.batchBytes) ??
      this.#ackSignature(ack.signer, ackMessage(this.#set.context, ack), ack.signature)
    )
  }

  /** Whether the flags of an ack fit its batch. */
  flags(flags: readonly Flag[], batch: Pick<BatchFields, 'txCount' | 'bytes'>): string | null {
    return flagsProblem(flags, batch.txCount, batch.bytes)
  }

  /** "Recomputes the digest from the certificate's own fields, checks every ack over it, one per signer, every flag index against txCount", weight ≥ q. */
  certificate(certificate: BatchCertificate): string | null {
    if (this.#passedCertificates.has(certificate)) return null
    const reason = this.#fields(certificate) ?? this.#certifiedAcks(certificate)
    if (reason === null) this.#passedCertificates.add(certificate)
    return reason
  }

  #fields(fields: BatchFields): string | null {
    const { batchMaxTxs, batchMaxBytes } = this.#parameters
    if (fields.epoch !== this.#set.epoch) return `expected epoch ${this.#set.epoch}, got ${fields.epoch}`
    if (this.#set.validators[fields.author] === undefined) return `there is no validator ${fields.author}`
    if (fields.txCount < 1 || fields.txCount > batchMaxTxs)
      return `expected 1 to ${batchMaxTxs} transactions, got ${fields.txCount}`
    if (fields.bytes > batchMaxBytes) return `expected at most ${batchMaxBytes} bytes, got ${fields.bytes}`
    return null
  }

  #certifiedAcks(certificate: BatchCertificate): string | null {
    const { epoch, author, seq, acks } = certificate
    const digest = batchDigestOfCertificate(this.#set.context, certificate)
    let weight = 0n
    let previous = -1
    /** What those sign who flag nothing by one model: nearly all, and hashed once. */
    let unflagged: { readonly modelId: Digest; readonly message: Uint8Array } | null = null
    for (const { signer, flags, modelId, signature } of acks) {
      if (signer <= previous) return `signers must ascend strictly, got ${signer} after ${previous}`
      previous = signer
      // Before anything is made of them: flags out of order have no encoding.
      const misfit = flagsProblem(flags, certificate.txCount, certificate.bytes)
      if (misfit !== null) return `ack of validator ${signer}: ${misfit}`
      const message: Uint8Array =
        unflagged !== null && flags.length === 0 && equalBytes(modelId, unflagged.modelId)
          ? unflagged.message
          : ackMessage(this.#set.context, { epoch, author, seq, digest, flags, modelId })
      if (flags.length === 0) unflagged = { modelId, message }
      const reason = this.#ackSignature(signer, message, signature)
      if (reason !== null) return `ack of validator ${signer}: ${reason}`
      weight += weightOfIndex(this.#set, signer)
    }
    return weight >= this.#set.quorumWeight
      ? null
      : `expected acks of weight ${this.#set.quorumWeight}, got ${weight}`
  }

  #ackSignature(signer: ValidatorIndex, message: Uint8Array, signature: Uint8Array): string | null {
    if (this.#set.validators[signer] === undefined) return `there is no validator ${signer}`
    return this.#signed(signer, message, signature) ? null : `validator ${signer} did not sign the ack`
  }

  #signed(signer: ValidatorIndex, message: Uint8Array, signature: Uint8Array): boolean {
    const validator = this.#set.validators[signer]
    if (validator === undefined) return false
    const name = mapKey(signature)
    if (this.#passed.has(name, signer, message)) return true
    const valid = this.#verifier.verify(signature, message, validator.publicKey)
    if (valid) this.#passed.add(name, signer, message)
    return valid
  }
}

/** "Flags strictly ascending by (tx, action)", within the batch, and no more of them than it can have transfers. */
function flagsProblem(flags: readonly Flag[], txCount: number, bytes: number): string | null {
  const max = Math.min(LIMITS.flagsPerAck, Math.floor(bytes / LIMITS.smallestTransferBytes))
  if (flags.length > max)
    return `expected at most ${max} flags in a batch of ${bytes} bytes, got ${flags.length}`
  let previousTx = -1
  let previousAction = -1
  for (const { tx, action } of flags) {
    if (tx >= txCount || action >= LIMITS.actionsPerTx)
      return `flag on (${tx}, ${action}), which is outside the batch`
    if (tx < previousTx || (tx === previousTx && action <= previousAction))
      return `flags must ascend strictly, got (${tx}, ${action})`
    previousTx = tx
    previousAction = action
  }
  return null
}

/** Signatures, by their bytes as `mapKey` names them, that were checked and hold. Forgets the oldest. */
class PassedSignatures {
  readonly #subjects = new Map<string, { readonly signer: ValidatorIndex; readonly message: Uint8Array }>()
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  has(signature: string, signer: ValidatorIndex, message: Uint8Array): boolean {
    const subject = this.#subjects.get(signature)
    return subject !== undefined && subject.signer === signer && equalBytes(subject.message, message)
  }

  add(signature: string, signer: ValidatorIndex, message: Uint8Array): void {
    this.#subjects.set(signature, { signer, message })
    if (this.#subjects.size > this.#limit) this.#subjects.delete(this.#subjects.keys().next().value as string)
  }
}
