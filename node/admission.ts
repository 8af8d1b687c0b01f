/**
 * Admission: what this node takes in. Policy, not consensus: everything that execution decides again is only a courtesy
 * here, but signatures must pass the strict verifier, so that nobody makes other nodes pay for the slow reference.
 */
import { CordonError } from '../config/errors.ts'
import { LIMITS } from '../config/limits.ts'
import type { Parameters } from '../config/parameters.ts'
import { toHex } from '../crypto/bytes.ts'
import { verifyFast } from '../crypto/ed25519.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { checkStructure, checkTransactionBytes, checkValidity, isOfSystem, spentBy } from '../ledger/rules.ts'
import { decodeTransaction, type DecodedTransaction, type Transaction } from '../ledger/transaction.ts'
import type { Account, EvidenceJudge } from '../ledger/types.ts'
import { txName, type PendingTransactions, type PendingTx } from './pending.ts'

/** When to come back with a payment of an account that has too many on their way. */
const ACCOUNT_RETRY_MS = 1_000

export interface AdmissionOptions {
  readonly ledger: Ledger
  readonly pending: PendingTransactions
  readonly parameters: Parameters
  /** 8 bytes. */
  readonly chainId: Uint8Array
  readonly judgeEvidence: EvidenceJudge
}

export class Admission {
  readonly #options: AdmissionOptions

  constructor(options: AdmissionOptions) {
    this.#options = options
  }

  /**
   * Decodes and checks everything that depends on the bytes alone.
   * @throws CordonError with a `tx-…` code.
   */
  decode(bytes: Uint8Array): DecodedTransaction {
    const { chainId, parameters } = this.#options
    return checkTransactionBytes(bytes, { chain: chainId, minFee: parameters.minFee }, verifyFast)
  }

  /**
   * The same without signatures, for a dry run: what a payment would do can be asked before the key is opened.
   * @throws CordonError with a `tx-…` code.
   */
  decodeUnsigned(bytes: Uint8Array): DecodedTransaction {
    const { chainId, parameters } = this.#options
    const decoded = decodeTransaction(bytes)
    checkStructure(decoded.transaction, { chain: chainId, minFee: parameters.minFee })
    return decoded
  }

  /**
   * Whether it would be taken in now.
   * @param wallMs the node's clock.
   * @throws CordonError with a `tx-…` code or `busy`.
   */
  async check(tx: Transaction, wallMs: number): Promise<void> {
    this.judge(tx, await this.#options.ledger.account(tx.sender), wallMs)
  }

  /**
   * Checks a decoded transaction against the executed state, less what is already pending. In one turn, so that whoever
   * adds it to the pending ones in the same turn has decided for all that come at once.
   * @param account the sender's, of the newest executed block.
   * @param wallMs the node's clock; validity is judged by the later of it and the chain's time.
   * @throws CordonError with a `tx-…` code or `busy`.
   */
  judge(tx: Transaction, account: Account | null, wallMs: number): void {
    const { ledger, pending } = this.#options
    checkValidity(tx, Math.max(wallMs, ledger.timeMs))
    if (isOfSystem(tx)) {
      this.#judgeEvidence(tx)
      return
    }
    if (account === null) {
      throw new CordonError(
        'tx-unknown-account',
        `the sender has no account on this chain; it comes into being with the first payment to it`,
      )
    }
    const sender = toHex(tx.sender)
    if (tx.sequence !== 0n) this.#judgeSequence(sender, tx.sequence, account.sequence)
    const waiting = pending.outgoing(sender)
    if (waiting.count >= LIMITS.pendingTxsPerAccount) {
      throw new CordonError(
        'busy',
        `the account has ${waiting.count} payments on their way, the most allowed; wait for some to end`,
        { retryAfterMs: ACCOUNT_RETRY_MS },
      )
    }
    const available = account.balance - waiting.amount
    const needed = spentBy(tx)
    if (available < needed) {
      throw new CordonError(
        'tx-insufficient-funds',
        `needs ${needed} uCRD with the fee, ${available < 0n ? 0n : available} uCRD are available (balance ${account.balance}, on their way ${waiting.amount})`,
        { needed: String(needed), available: String(available) },
      )
    }
  }

  /**
   * Ordered transactions form a row without gaps: what cannot be executed after those on their way would go from batch
   * to batch for nothing, and never pay a fee.
   */
  #judgeSequence(sender: string, sequence: bigint, executed: bigint): void {
    const { pending } = this.#options
    const taken = pending.hasSequence(sender, sequence)
    const follows = sequence === executed + 1n || pending.hasSequence(sender, sequence - 1n)
    if (sequence > executed && follows && !taken) return
    let expected = executed + 1n
    while (pending.hasSequence(sender, expected)) expected++
    const why =
      sequence <= executed
        ? 'it was used before; sign it anew'
        : taken
          ? 'another payment with it is on its way; sign it anew'
          : 'submit those before it first'
    throw new CordonError('tx-sequence', `expected sequence ${expected}, got ${sequence}: ${why}`, {
      expected: String(expected),
    })
  }

  /** @throws CordonError `tx-action-invalid` if it proves nothing, or nothing new. */
  #judgeEvidence({ actions }: Transaction): void {
    const { ledger, judgeEvidence } = this.#options
    for (const action of actions) {
      if (action.type !== 'evidence') continue
      const offence = judgeEvidence(action.evidence)
      if (offence === null) {
        throw new CordonError(
          'tx-action-invalid',
          'expected two contradicting messages of one validator of this chain and epoch, with its signatures in canonical order; these bytes prove nothing',
        )
      }
      const recorded = ledger.validators()[offence.validator]
      if (recorded !== undefined && recorded.offence !== null) {
        throw new CordonError(
          'tx-action-invalid',
          `an offence of validator ${recorded.name} is on the ledger already, since height ${recorded.offence.height}; see cordon evidence list`,
          { validator: recorded.name, height: recorded.offence.height },
        )
      }
    }
  }

  /** What the pending pool keeps of a transaction. */
  toPending({ id, bytes, transaction }: DecodedTransaction): PendingTx {
    return {
      id,
      name: txName(id),
      bytes,
      sender: toHex(transaction.sender),
      sequence: transaction.sequence,
      validUntilMs: transaction.validUntilMs,
      outgoing: spentBy(transaction),
    }
  }
}
