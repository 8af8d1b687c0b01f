/**
 * Checks of batches, acks and batch certificates. A certificate is judged from its own fields (dissemination.md,
 * Objects): nobody needs the batch to vote for a block, and nothing in it can be altered by whoever forwards it.
 *
 * Every check returns null, or the reason as a sentence for logs: what was expected and what came.
 */
import { LIMITS } from '../config/limits.ts'
import type { Parameters } from '../config/parameters.ts'
import { equalBytes } from '../crypto/bytes.ts'
import { hash } from '../crypto/hash.ts'
import type { Verifier } from './replica-types.ts'
import type { Ack, BatchCertificate, Flag, SignedBatch, ValidatorSet } from './types.ts'
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
  readonly #passed: Remembered = new Remembered(LIMITS.rememberedChecks)
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
    return flagsProblem(ack.flags, LIMITS.txsPerBatch, LIMITS.batchBytes) ?? this.#ackSignature(ack)
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
    for (const ack of acks) {
      if (ack.signer <= previous) return `signers must ascend strictly, got ${ack.signer} after ${previous}`
      previous = ack.signer
      const reason =
        flagsProblem(ack.flags, certificate.txCount, certificate.bytes) ??
        this.#ackSignature({ ...ack, epoch, author, seq, digest })
      if (reason !== null) return `ack of validator ${ack.signer}: ${reason}`
      weight += weightOfIndex(this.#set, ack.signer)
    }
    return weight >= this.#set.quorumWeight
      ? null
      : `expected acks of weight ${this.#set.quorumWeight}, got ${weight}`
  }

  #ackSignature(ack: Ack): string | null {
    if (this.#set.validators[ack.signer] === undefined) return `there is no validator ${ack.signer}`
    return this.#signed(ack.signer, ackMessage(this.#set.context, ack), ack.signature)
      ? null
      : `validator ${ack.signer} did not sign the ack`
  }

  #signed(signer: number, message: Uint8Array, signature: Uint8Array): boolean {
    const validator = this.#set.validators[signer]
    if (validator === undefined) return false
    const key = Buffer.from(hash('ack', validator.publicKey, signature, message)).toString('latin1')
    if (this.#passed.has(key)) return true
    const valid = this.#verifier.verify(signature, message, validator.publicKey)
    if (valid) this.#passed.add(key)
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

/** A set that forgets its oldest entries. */
class Remembered {
  readonly #keys = new Set<string>()
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  has(key: string): boolean {
    return this.#keys.has(key)
  }

  add(key: string): void {
    this.#keys.add(key)
    if (this.#keys.size > this.#limit) this.#keys.delete(this.#keys.values().next().value as string)
  }
}
