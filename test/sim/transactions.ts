/**
 * Transactions of the simulation: a number, an expiry and a class that says who finds its one transfer suspicious.
 * 64 bytes, which is more than the smallest transfer, so that each may carry a flag.
 */
import { createHash } from 'node:crypto'
import { Reader, Writer } from '../../crypto/codec.ts'
import type { Flag } from '../../consensus/types.ts'

const TX_BYTES = 64

/** `disputed`: each validator decides by the number of the transaction and its own. */
export type Suspicion = 'nobody' | 'everybody' | 'disputed'
const SUSPICIONS: readonly Suspicion[] = ['nobody', 'everybody', 'disputed']

export interface SimTx {
  readonly id: number
  readonly validUntilMs: number
  readonly suspicion: Suspicion
  /** False: wrongly signed, so to say. Honest nodes do not accept it, and batches must not hold it. */
  readonly valid: boolean
}

export function encodeTx({ id, validUntilMs, suspicion, valid }: SimTx): Uint8Array {
  const writer = new Writer(TX_BYTES)
    .u48(id)
    .u48(validUntilMs)
    .u8(SUSPICIONS.indexOf(suspicion))
    .u8(valid ? 1 : 0)
  return writer.fixed(new Uint8Array(TX_BYTES - 18), TX_BYTES - 18).finish()
}

export function decodeTx(bytes: Uint8Array): SimTx {
  const reader = new Reader(bytes)
  const [id, validUntilMs, suspicion, valid] = [reader.u48(), reader.u48(), reader.u8(), reader.u8()]
  return { id, validUntilMs, suspicion: SUSPICIONS[suspicion] ?? 'nobody', valid: valid === 1 }
}

/** What an honest validator thinks of a transaction: the truth that the oracles compare verdicts with. */
export function isSuspicious(tx: SimTx, validator: number): boolean {
  if (tx.suspicion !== 'disputed') return tx.suspicion === 'everybody'
  return ((createHash('sha256').update(`${tx.id} ${validator}`).digest()[0] ?? 0) & 1) === 1
}

/** The opinion of an honest validator on a batch. */
export function honestFlags(txs: readonly Uint8Array[], validator: number): Flag[] {
  return txs.flatMap((bytes, tx) =>
    isSuspicious(decodeTx(bytes), validator) ? [{ tx, action: 0, score: 200, reasons: 1 }] : [],
  )
}
