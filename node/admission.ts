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
import { checkStructure, checkTransactionBytes, checkValidity, spentBy } from '../ledger/rules.ts'
import { decodeTransaction, type DecodedTransaction, type Transaction } from '../ledger/transaction.ts'
import { txName, type PendingTransactions, type PendingTx } from './pending.ts'

export interface AdmissionOptions {
  readonly ledger: Ledger
  readonly pending: PendingTransactions
  readonly parameters: Parameters
  /** 8 bytes. */
  readonly chainId: Uint8Array
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
   * Checks a decoded transaction against the executed state, less what is already pending.
   * @param wallMs the node's clock; validity is judged by the later of it and the chain's time.
   * @throws CordonError with a `tx-…` code or `busy`.
   */
  async check(tx: Transaction, wallMs: number): Promise<void> {
    const { ledger, pending } = this.#options
    checkValidity(tx, Math.max(wallMs, ledger.timeMs))
    const sender = toHex(tx.sender)
    const account = await ledger.account(tx.sender)
    if (account === null) {
      throw new CordonError(
        'tx-unknown-account',
        `the sender has no account on this chain; it comes into being with the first payment to it`,
      )
    }
    if (tx.sequence !== 0n && tx.sequence <= account.sequence) {
      throw new CordonError('tx-sequence', `expected sequence ${account.sequence + 1n}, got ${tx.sequence}`, {
        expected: String(account.sequence + 1n),
      })
    }
    const waiting = pending.outgoing(sender)
    if (waiting.count >= LIMITS.pendingTxsPerAccount) {
      throw new CordonError(
        'busy',
        `the account has ${waiting.count} payments on their way, the most allowed; wait for some to end`,
        { retryAfterMs: 1_000 },
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

  /** What the pending pool keeps of a transaction. */
  toPending({ id, bytes, transaction }: DecodedTransaction, accepted: boolean): PendingTx {
    return {
      id,
      name: txName(id),
      bytes,
      sender: toHex(transaction.sender),
      validUntilMs: transaction.validUntilMs,
      outgoing: spentBy(transaction),
      accepted,
    }
  }
}
