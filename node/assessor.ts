/**
 * Checks and judges batches: every signature and stateless rule of every transaction, then the local model's opinion of
 * every transfer (dissemination.md, Life of a batch 4). Signatures and scores are made in workers.
 */
import { LIMITS } from '../config/limits.ts'
import type { Parameters } from '../config/parameters.ts'
import { toHex } from '../crypto/bytes.ts'
import type { Effect } from '../consensus/replica-types.ts'
import type { BatchRef, Digest, Flag, SignedBatch } from '../consensus/types.ts'
import type { Assessment, TransferFacts } from '../fraud/types.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { checkStructure } from '../ledger/rules.ts'
import { decodeTransaction, type DecodedTransaction } from '../ledger/transaction.ts'
import type { DecodedBatches } from './decoded-batches.ts'
import type { ReviewDesk } from './review/desk.ts'
import type { Scorer } from './scoring/scorer.ts'
import type { SignatureChecker } from './scoring/signature-checker.ts'
import { transferFacts } from './transfers.ts'

const NO_MODEL: Digest = new Uint8Array(32)
/** A key and its signature at the end of a transaction. */
const AUTHORIZATION_BYTES = 96
/** Transactions remembered as checked, in each of two generations: dropping the oldest one by one costs more than it saves. */
const CHECKED_ENTRIES = 32_768

export interface AssessorOptions {
  readonly ledger: Ledger
  readonly scorer: Scorer
  /** What the operator's lists make of the model's opinion. */
  readonly review: Pick<ReviewDesk, 'judge'>
  readonly signatures: SignatureChecker
  /** Takes what was decoded of a batch that holds. */
  readonly decoded: DecodedBatches
  readonly parameters: Parameters
  /** 8 bytes. */
  readonly chainId: Uint8Array
}

export interface BatchAssessment {
  readonly ref: BatchRef
  readonly valid: boolean
  readonly flags: readonly Flag[]
  readonly modelId: Digest
}

/** Name of a batch in the scorer. */
export function batchKey(ref: BatchRef): string {
  return `${ref.epoch}/${ref.author}/${ref.seq}/${toHex(ref.digest)}`
}

export class Assessor {
  readonly #options: AssessorOptions
  /** Checked at admission already, so that no signature is checked twice on one node. */
  #checked: Set<string> = new Set()
  #checkedBefore: Set<string> = new Set()

  constructor(options: AssessorOptions) {
    this.#options = options
  }

  /** Admission checked its signatures with the strict verifier. */
  remember(tx: DecodedTransaction): void {
    this.#checked.add(nameOf(tx))
    if (this.#checked.size < CHECKED_ENTRIES) return
    this.#checkedBefore = this.#checked
    this.#checked = new Set()
  }

  /** Never rejects: a model that fails gives no flags, a batch that does not hold is `valid: false`. */
  async assess(effect: Extract<Effect, { type: 'assess' }>): Promise<BatchAssessment> {
    const { ref, batch } = effect
    const txs = this.#decode(batch)
    if (txs === null || !(await this.#signaturesHold(txs)))
      return { ref, valid: false, flags: [], modelId: NO_MODEL }
    this.#options.decoded.remember(batch.batch.txs, txs)
    try {
      const facts = await this.#facts(batch, txs)
      if (facts.length === 0) return { ref, valid: true, flags: [], modelId: NO_MODEL }
      const { assessments, modelId } = await this.#options.scorer.assess(
        batchKey(ref),
        facts.map((fact) => fact.facts),
        this.#options.parameters.assessBudgetMs,
      )
      return { ref, valid: true, flags: this.#flagsOf(facts, assessments), modelId }
    } catch {
      return { ref, valid: true, flags: [], modelId: NO_MODEL } // the scorer reports its own health
    }
  }

  #decode(batch: SignedBatch): DecodedTransaction[] | null {
    const { chainId, parameters } = this.#options
    try {
      return batch.batch.txs.map((bytes) => {
        const tx = decodeTransaction(bytes)
        checkStructure(tx.transaction, { chain: chainId, minFee: parameters.minFee })
        return tx
      })
    } catch {
      return null
    }
  }

  #isChecked(name: string): boolean {
    return this.#checked.has(name) || this.#checkedBefore.has(name)
  }

  async #signaturesHold(txs: readonly DecodedTransaction[]): Promise<boolean> {
    const unchecked = txs.filter((tx) => !this.#isChecked(nameOf(tx)))
    const signatures = unchecked.flatMap(({ id, transaction }) =>
      transaction.auth.map((auth) => ({ ...auth, message: id })),
    )
    const answers = await this.#options.signatures.check(signatures)
    let slow = 0
    for (const answer of answers) {
      if (answer === 0) return false
      if (answer === 2) slow++
    }
    return slow <= LIMITS.slowSignaturesPerBatch
  }

  async #facts(
    batch: SignedBatch,
    txs: readonly DecodedTransaction[],
  ): Promise<{ tx: number; action: number; facts: TransferFacts }[]> {
    const accounts = await this.#options.ledger.accounts(txs.map((tx) => tx.transaction.sender))
    return txs.flatMap((tx, index) =>
      transferFacts(tx, accounts[index]?.balance ?? 0n, batch.batch.createdMs).map((fact) => ({
        tx: index,
        ...fact,
      })),
    )
  }

  #flagsOf(
    transfers: readonly { tx: number; action: number; facts: TransferFacts }[],
    assessments: readonly Assessment[],
  ): Flag[] {
    return transfers.flatMap(({ tx, action, facts }, i) => {
      const assessment = assessments[i]
      if (assessment === undefined) return []
      const { flagged, score, reasons } = this.#options.review.judge(facts, assessment)
      return flagged ? [{ tx, action, score, reasons }] : []
    })
  }
}

/** The id and what it does not cover: the keys and signatures at the end. */
function nameOf({ id, bytes, transaction }: DecodedTransaction): string {
  const auth = bytes.subarray(bytes.length - AUTHORIZATION_BYTES * transaction.auth.length)
  return Buffer.concat([id, auth]).toString('latin1')
}
