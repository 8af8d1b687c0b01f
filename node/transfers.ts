/** The transfers of a transaction in the terms of the fraud engine. */
import { toHex } from '../crypto/bytes.ts'
import type { TransferFacts, TransferOutcome } from '../fraud/types.ts'
import type { Transfer } from '../ledger/actions/index.ts'
import { goesOn } from '../ledger/hold-ends.ts'
import type { DecodedTransaction, Transaction } from '../ledger/transaction.ts'
import type { ExecutedTransfer, Hold } from '../ledger/types.ts'

/** A transfer with its position among the actions. */
export interface IndexedTransfer {
  readonly action: number
  readonly transfer: Transfer
}

export function transfersOf(transaction: Transaction): IndexedTransfer[] {
  return transaction.actions.flatMap((body, action) =>
    body.type === 'transfer' ? [{ action, transfer: body }] : [],
  )
}

/** Name of a transfer action in the fraud engine. */
export function transferKey(txId: Uint8Array, action: number): string {
  return `${toHex(txId)}:${action}`
}

/** One fact per transfer of `decoded`, judged at `timeMs` with the payer's executed balance. */
export function transferFacts(
  decoded: DecodedTransaction,
  payerBalance: bigint,
  timeMs: number,
): { action: number; facts: TransferFacts }[] {
  const payer = toHex(decoded.transaction.sender)
  return transfersOf(decoded.transaction).map(({ action, transfer }) => ({
    action,
    facts: {
      key: transferKey(decoded.id, action),
      payer,
      payee: toHex(transfer.to),
      amount: transfer.amount,
      payerBalance,
      timeMs,
    },
  }))
}

/** What the fraud engine learns of an executed transfer. */
export function outcomeOf(transfer: ExecutedTransfer): TransferOutcome {
  return {
    held: transfer.held,
    facts: {
      key: transferKey(transfer.txId, transfer.action),
      payer: toHex(transfer.payer),
      payee: toHex(transfer.payee),
      amount: transfer.amount,
      payerBalance: transfer.payerBalanceBefore,
      timeMs: transfer.timeMs,
    },
  }
}

/** Those of ended holds that go on to their payees, at the time of their end. */
export function releasedFacts(holds: readonly Hold[]): TransferFacts[] {
  return holds.flatMap(({ txId, action, payer, payee, amount, end }) =>
    end !== null && goesOn(end.how)
      ? [
          {
            key: transferKey(txId, action),
            payer: toHex(payer),
            payee: toHex(payee),
            amount,
            // Not kept, and it only matters for judging.
            payerBalance: 0n,
            timeMs: end.atMs,
          },
        ]
      : [],
  )
}
