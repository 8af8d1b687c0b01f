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
  return keyOf(toHex(txId), action)
}

function keyOf(transaction: string, action: number): string {
  return `${transaction}:${action}`
}

/** One fact per transfer of `decoded`, judged at `timeMs` with the payer's executed balance. */
export function transferFacts(
  decoded: DecodedTransaction,
  payerBalance: bigint,
  timeMs: number,
): { action: number; facts: TransferFacts }[] {
  const payer = toHex(decoded.transaction.sender)
  const transaction = toHex(decoded.id)
  return transfersOf(decoded.transaction).map(({ action, transfer }) => ({
    action,
    facts: {
      key: keyOf(transaction, action),
      transaction,
      payer,
      payee: toHex(transfer.to),
      amount: transfer.amount,
      payerBalance,
      timeMs,
    },
  }))
}

/** What the fraud engine learns of executed transfers. Those of one transaction share its id and payer. */
export function outcomesOf(transfers: readonly ExecutedTransfer[]): TransferOutcome[] {
  let of: ExecutedTransfer | null = null
  let [transaction, payer] = ['', '']
  return transfers.map((transfer) => {
    if (transfer.txId !== of?.txId) {
      transaction = toHex(transfer.txId)
      payer = toHex(transfer.payer)
      of = transfer
    }
    return {
      held: transfer.held,
      facts: {
        key: keyOf(transaction, transfer.action),
        transaction,
        payer,
        payee: toHex(transfer.payee),
        amount: transfer.amount,
        payerBalance: transfer.payerBalanceBefore,
        timeMs: transfer.timeMs,
      },
    }
  })
}

/** Those of ended holds that go on to their payees, at the time of their end. */
export function releasedFacts(holds: readonly Hold[]): TransferFacts[] {
  return holds.flatMap(({ txId, action, payer, payee, amount, end }) =>
    end !== null && goesOn(end.how)
      ? [
          {
            key: transferKey(txId, action),
            transaction: toHex(txId),
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
