/** A transaction as people and programs read it: everything in it, and what a node would make of it. */
import { CordonError } from '../../config/errors.ts'
import { encodeAddress } from '../../crypto/address.ts'
import { equalBytes, toHex } from '../../crypto/bytes.ts'
import { verifyFast } from '../../crypto/ed25519.ts'
import type { Action } from '../../ledger/actions/index.ts'
import { checkSignatures, checkStructure, checkValidity, requiredKeys } from '../../ledger/rules.ts'
import type { DecodedTransaction } from '../../ledger/transaction.ts'
import { amountBoth, distance, printable, time } from '../format.ts'
import type { Names } from '../names.ts'
import type { Rows } from '../outcome.ts'
import type { ChainFacts } from './chain.ts'

/** `valid` by the strict rule of nodes that take a transaction in. `not-required`: nobody asked for this signature. */
type SignatureState = 'valid' | 'invalid' | 'missing' | 'not-required'

interface SignatureInfo {
  /** Address of the key. */
  readonly account: string
  readonly state: SignatureState
}

/** An action with addresses and hex in place of bytes. */
type ReadableAction =
  | { readonly type: 'transfer'; readonly to: string; readonly amount: string; readonly memo: string }
  | { readonly type: 'hold.recall' | 'hold.confirm'; readonly hold: string }
  | { readonly type: 'hold.review'; readonly hold: string; readonly side: string }
  | { readonly type: 'account.guardian'; readonly guardian: string | null }
  | { readonly type: 'evidence'; readonly evidence: string }

export interface TransactionDescription {
  readonly txId: string
  /** Hex, 8 bytes. */
  readonly chain: string
  readonly from: string
  /** "0": unordered. */
  readonly sequence: string
  readonly validUntilMs: number
  readonly salt: string
  readonly fee: string
  readonly actions: readonly ReadableAction[]
  readonly signatures: readonly SignatureInfo[]
}

export function describeTransaction(decoded: DecodedTransaction, prefix: string): TransactionDescription {
  const { id, transaction } = decoded
  return {
    txId: toHex(id),
    chain: toHex(transaction.chain),
    from: encodeAddress(prefix, transaction.sender),
    sequence: String(transaction.sequence),
    validUntilMs: transaction.validUntilMs,
    salt: String(transaction.salt),
    fee: String(transaction.fee),
    actions: transaction.actions.map((action) => readable(action, prefix)),
    signatures: signaturesOf(decoded, prefix),
  }
}

function readable(action: Action, prefix: string): ReadableAction {
  switch (action.type) {
    case 'transfer': {
      const { type, to, amount, memo } = action
      return {
        type,
        to: encodeAddress(prefix, to),
        amount: String(amount),
        memo: Buffer.from(memo).toString('utf8'),
      }
    }
    case 'hold.recall':
    case 'hold.confirm':
      return { type: action.type, hold: toHex(action.hold) }
    case 'hold.review':
      return { type: action.type, hold: toHex(action.hold), side: action.side }
    case 'account.guardian': {
      const { type, guardian } = action
      return { type, guardian: guardian === null ? null : encodeAddress(prefix, guardian) }
    }
    case 'evidence':
      return { type: action.type, evidence: toHex(action.evidence) }
  }
}

/** Each key that has to sign, then those that signed without having to. */
function signaturesOf({ id, transaction }: DecodedTransaction, prefix: string): SignatureInfo[] {
  const required = requiredKeys(transaction)
  const stateOf = (key: Uint8Array): SignatureState => {
    const found = transaction.auth.find((auth) => equalBytes(auth.key, key))
    if (found === undefined) return 'missing'
    return verifyFast(found.signature, id, key) ? 'valid' : 'invalid'
  }
  const surplus = transaction.auth.filter(({ key }) => !required.some((other) => equalBytes(other, key)))
  return [
    ...required.map((key) => ({ account: encodeAddress(prefix, key), state: stateOf(key) })),
    ...surplus.map(({ key }) => ({
      account: encodeAddress(prefix, key),
      state: 'not-required' as const,
    })),
  ]
}

/** Why a node of the chain would not take it in now, as far as that can be said without the state; null: it would. */
export function problemOf(decoded: DecodedTransaction, facts: ChainFacts): CordonError | null {
  try {
    checkStructure(decoded.transaction, facts)
    checkSignatures(decoded, verifyFast)
    checkValidity(decoded.transaction, facts.timeMs)
    return null
  } catch (error) {
    if (error instanceof CordonError) return error
    throw error
  }
}

/** Everything but the signatures, as names and values. */
export function termRows(described: TransactionDescription, names: Names, nowMs: number): Rows {
  const { txId, from, sequence, validUntilMs, fee, actions } = described
  return [
    ['transaction', txId],
    ['from', names.label(from)],
    ...actions.flatMap((action) => actionRows(action, names)),
    ['fee', amountBoth(fee)],
    ['sequence', sequence === '0' ? '0: unordered' : `${sequence}: right after ${BigInt(sequence) - 1n}`],
    ['valid until', `${time(validUntilMs)} (${distance(validUntilMs, nowMs)})`],
  ]
}

function actionRows(action: ReadableAction, names: Names): Rows {
  switch (action.type) {
    case 'transfer': {
      const pays = ['pays', `${amountBoth(action.amount)} to ${names.label(action.to)}`] as const
      return action.memo === '' ? [pays] : [pays, ['  memo', printable(action.memo)]]
    }
    case 'hold.recall':
      return [['takes back', `hold ${action.hold}`]]
    case 'hold.confirm':
      return [['confirms', `hold ${action.hold}`]]
    case 'hold.review':
      return [['votes', `${action.side} for hold ${action.hold}`]]
    case 'account.guardian':
      return [['guardian', action.guardian === null ? 'none' : names.label(action.guardian)]]
    case 'evidence':
      return [['evidence', action.evidence]]
  }
}

const STATE_WORDS: Readonly<Record<SignatureState, string>> = {
  valid: 'valid',
  invalid: 'INVALID: it does not fit the transaction',
  missing: 'missing',
  'not-required': 'not required: nodes refuse the transaction with it',
}

export function signatureRows({ signatures }: TransactionDescription, names: Names): Rows {
  return signatures.map(({ account, state }) => [
    'signature',
    `of ${names.label(account)}: ${STATE_WORDS[state]}`,
  ])
}
