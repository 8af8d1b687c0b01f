/**
 * The attempts at the transaction of one chunk of a payout, in the payout's folder:
 *
 *   <chunk>.<attempt>.tx        the signed transaction in hex, durable before it is sent; `cordon tx decode` reads it
 *   <chunk>.<attempt>.refused   why a node refused it, and none can have taken it
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CordonError } from '../../config/errors.ts'
import { fromHex, toHex } from '../../crypto/bytes.ts'
import { encodeAddress, parseAddress } from '../../crypto/address.ts'
import { writeOnce } from '../../crypto/write-once.ts'
import { decodeTransaction, type DecodedTransaction } from '../../ledger/transaction.ts'
import type { Attempt } from '../wallet/pay-once.ts'
import { removeForGood } from '../files.ts'
import type { TransferTerms } from '../transfers.ts'
import { damaged, keptText } from './files.ts'
import type { Chunk, PayoutOrigin } from './plan.ts'

export interface ChunkAttempt extends Attempt {
  /** Why, or null if it was not refused. */
  readonly refusal: string | null
}

export class ChunkAttempts {
  readonly #folder: string
  readonly #origin: PayoutOrigin
  readonly #chunk: Chunk

  constructor(folder: string, origin: PayoutOrigin, chunk: Chunk) {
    this.#folder = folder
    this.#origin = origin
    this.#chunk = chunk
  }

  /** @throws CordonError `config-invalid` if a file is damaged, or of other rows. */
  newest(): ChunkAttempt | null {
    let newest: ChunkAttempt | null = null
    for (;;) {
      const next: ChunkAttempt | null = this.#read((newest?.attempt ?? 0) + 1)
      if (next === null) return newest
      newest = next
    }
  }

  /** Makes an attempt durable. @returns that of another process if it was first. */
  add(attempt: number, { id, bytes, transaction }: DecodedTransaction): ChunkAttempt {
    if (writeOnce(this.#path(attempt, 'tx'), `${toHex(bytes)}\n`)) {
      const { validUntilMs } = transaction
      return { txId: id, bytes, validUntilMs, attempt, own: true, refused: false, refusal: null }
    }
    const other = this.#read(attempt)
    if (other === null) throw new Error(`attempt ${attempt} was there and is gone`)
    return other
  }

  markRefused({ attempt }: ChunkAttempt, { code, message }: CordonError): void {
    writeFileSync(this.#path(attempt, 'refused'), `${code}: ${message}\n`, { mode: 0o600 })
  }

  unmarkRefused({ attempt }: ChunkAttempt): void {
    removeForGood(this.#path(attempt, 'refused'))
  }

  #read(attempt: number): ChunkAttempt | null {
    const path = this.#path(attempt, 'tx')
    const hex = keptText(path)
    if (hex === null) return null
    const { id, bytes, transaction } = decoded(hex, path)
    if (!this.#pays(transaction)) throw damaged(path, 'it does not pay the rows of the plan')
    const refusal = keptText(this.#path(attempt, 'refused'))
    const { validUntilMs } = transaction
    return {
      txId: id,
      bytes,
      validUntilMs,
      attempt,
      own: false,
      refused: refusal !== null,
      refusal: refusal?.trimEnd() ?? null,
    }
  }

  /** Whether a transaction is one of this chunk: the same payer, the same transfers, in the same order. */
  #pays({ sender, chain, actions }: DecodedTransaction['transaction']): boolean {
    const { prefix } = parseAddress(this.#origin.from)
    const paid = actions.map((action): TransferTerms | null =>
      action.type === 'transfer'
        ? {
            to: encodeAddress(prefix, action.to),
            amount: String(action.amount),
            memo: Buffer.from(action.memo).toString('utf8'),
          }
        : null,
    )
    return (
      toHex(chain) === this.#origin.chain &&
      encodeAddress(prefix, sender) === this.#origin.from &&
      JSON.stringify(paid) === JSON.stringify(this.#chunk.transfers)
    )
  }

  #path(attempt: number, suffix: 'tx' | 'refused'): string {
    return join(this.#folder, `${this.#chunk.number}.${attempt}.${suffix}`)
  }
}

function decoded(hex: string, path: string): DecodedTransaction {
  try {
    return decodeTransaction(fromHex(hex.trimEnd()))
  } catch (error) {
    throw damaged(path, (error as Error).message)
  }
}
