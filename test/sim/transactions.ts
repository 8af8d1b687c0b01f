/**
 * Transactions of the simulation: real ones of the ledger, one transfer each, whose salt is their number and whose memo
 * says who finds them suspicious. They are not signed: in a simulation it is the memo that makes one invalid.
 */
import { hash } from 'node:crypto'
import { chainIdOf } from '../../config/genesis.ts'
import type { Flag } from '../../consensus/types.ts'
import { utf8 } from '../../crypto/bytes.ts'
import { decodeTransaction, encodeTransaction } from '../../ledger/transaction.ts'
import { ACCOUNTS } from './chain.ts'

const FEE = 1_000n

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

const decoded = new WeakMap<Uint8Array, SimTx>()

/** `genesisHash` names the chain it is for. */
export function encodeTx(tx: SimTx, genesisHash: Uint8Array): Uint8Array {
  const { id, validUntilMs, suspicion, valid } = tx
  const sender = ACCOUNTS[id % ACCOUNTS.length] ?? new Uint8Array(32)
  const to = ACCOUNTS[(id + 1 + (id % 3)) % ACCOUNTS.length] ?? new Uint8Array(32)
  const memo = utf8(`${valid ? '' : 'invalid '}${suspicion}`)
  return encodeTransaction({
    chain: chainIdOf(genesisHash),
    sender,
    sequence: 0n,
    validUntilMs,
    salt: BigInt(id),
    fee: FEE,
    actions: [{ type: 'transfer', to, amount: BigInt(1 + (id % 1_000)), memo }],
    auth: [{ key: sender, signature: new Uint8Array(64) }],
  })
}

export function decodeTx(bytes: Uint8Array): SimTx {
  let tx = decoded.get(bytes)
  if (tx === undefined) {
    const { salt, validUntilMs, actions } = decodeTransaction(bytes).transaction
    const memo = actions[0]?.type === 'transfer' ? Buffer.from(actions[0].memo).toString() : ''
    const suspicion = SUSPICIONS.find((name) => memo.endsWith(name)) ?? 'nobody'
    tx = { id: Number(salt), validUntilMs, suspicion, valid: !memo.startsWith('invalid') }
    decoded.set(bytes, tx)
  }
  return tx
}

/** What an honest validator thinks of a transaction: the truth that the oracles compare verdicts with. */
export function isSuspicious(tx: SimTx, validator: number): boolean {
  if (tx.suspicion !== 'disputed') return tx.suspicion === 'everybody'
  const [first = 0] = Buffer.from(hash('sha256', `${tx.id} ${validator}`), 'hex')
  return (first & 1) === 1
}

/** The opinion of an honest validator on a batch. */
export function honestFlags(txs: readonly Uint8Array[], validator: number): Flag[] {
  return txs.flatMap((bytes, tx) =>
    isSuspicious(decodeTx(bytes), validator) ? [{ tx, action: 0, score: 200, reasons: 1 }] : [],
  )
}
