/**
 * What can be said of a transaction without the state. Split so that a worker can do all of it: the structure rules
 * need the chain and its minimum fee, the signature rule a verifier (`verifyFast` at admission, `verify` for acks).
 */
import { CordonError } from '../config/errors.ts'
import { LIMITS } from '../config/limits.ts'
import { equalBytes, toHex } from '../crypto/bytes.ts'
import { definitionOf } from './actions/index.ts'
import { decodeTransaction, type DecodedTransaction, type Transaction } from './transaction.ts'
import type { Bytes32 } from './types.ts'

const MAX_U64 = 2n ** 64n - 1n

/** What the structure rules need to know of the chain. */
export interface StructureRules {
  /** First 8 bytes of the genesis hash. */
  readonly chain: Uint8Array
  /** In uCRD per action. */
  readonly minFee: number
}

/** Says whether `signature` of `message` by `key` is accepted. */
export type VerifySignature = (signature: Uint8Array, message: Uint8Array, key: Uint8Array) => boolean

/** In place of a sender: a transaction of the system, which proves itself and belongs to nobody. */
export const SYSTEM_SENDER: Bytes32 = new Uint8Array(32)

/** Whether nobody sends it: nothing is charged, and nobody signs. */
export function isOfSystem(transaction: Pick<Transaction, 'sender'>): boolean {
  return equalBytes(transaction.sender, SYSTEM_SENDER)
}

/** Keys that must sign, ascending: exactly these. No action asks for more than the sender's yet. */
export function requiredKeys(transaction: Transaction): readonly Bytes32[] {
  return isOfSystem(transaction) ? [] : [transaction.sender]
}

/** The lowest fee of a transaction with that many actions, in uCRD. */
export function minimumFee(minFee: number, actionCount: number): bigint {
  return BigInt(minFee) * BigInt(actionCount)
}

/** uCRD that leave the sender if everything applies, the fee included: what admission reserves. */
export function spentBy(transaction: Transaction): bigint {
  let spent = transaction.fee
  for (const action of transaction.actions) spent += definitionOf(action).spends(action)
  return spent
}

/**
 * Chain, fee, actions and who signs. Cheap: no cryptography.
 * @throws CordonError `tx-wrong-chain`, `tx-fee-too-low`, `tx-action-invalid`, `tx-signature`.
 */
export function checkStructure(transaction: Transaction, rules: StructureRules): void {
  if (!equalBytes(transaction.chain, rules.chain)) {
    throw new CordonError(
      'tx-wrong-chain',
      `expected a transaction of chain ${toHex(rules.chain)}, got one of ${toHex(transaction.chain)}; sign it for this chain`,
    )
  }
  checkSystem(transaction)
  const minimum = isOfSystem(transaction) ? 0n : minimumFee(rules.minFee, transaction.actions.length)
  if (transaction.fee < minimum) {
    throw new CordonError(
      'tx-fee-too-low',
      `expected a fee of at least ${minimum} uCRD for ${transaction.actions.length} actions, got ${transaction.fee}`,
      {
        minimum: String(minimum),
        fee: String(transaction.fee),
      },
    )
  }
  for (const action of transaction.actions) definitionOf(action).check(action, transaction.sender)
  if (spentBy(transaction) > MAX_U64)
    throw new CordonError('tx-action-invalid', 'amounts and fee together exceed 64 bits')
  checkSigners(transaction)
}

/**
 * Evidence comes alone, from the system, unordered and without a fee; nothing else comes from there.
 * @throws CordonError `tx-action-invalid`.
 */
function checkSystem(transaction: Transaction): void {
  const isEvidence = transaction.actions.some(({ type }) => type === 'evidence')
  const { actions, fee, sequence } = transaction
  if (isEvidence !== isOfSystem(transaction)) {
    throw new CordonError(
      'tx-action-invalid',
      isEvidence
        ? 'expected evidence from the system: 32 zero bytes as its sender, no fee and no signature'
        : 'expected the account of somebody as the sender, got that of the system: 32 zero bytes',
    )
  }
  if (isEvidence && (actions.length !== 1 || fee !== 0n || sequence !== 0n)) {
    throw new CordonError(
      'tx-action-invalid',
      `expected evidence alone, with fee 0 and sequence 0; got ${actions.length} actions, fee ${fee}, sequence ${sequence}`,
    )
  }
}

/** Each required key signs, and nobody else: a forwarder must not be able to make a transaction longer. */
function checkSigners(transaction: Transaction): void {
  const required = requiredKeys(transaction)
  const missing = required.find((key) => !transaction.auth.some((auth) => equalBytes(auth.key, key)))
  if (missing !== undefined)
    throw new CordonError('tx-signature', `expected a signature of key ${toHex(missing)}, got none`)
  const surplus = transaction.auth.find((auth) => !required.some((key) => equalBytes(auth.key, key)))
  if (surplus !== undefined)
    throw new CordonError(
      'tx-signature',
      `key ${toHex(surplus.key)} signed but is not required; leave its signature out`,
    )
}

/**
 * Checks every signature over the id.
 * @throws CordonError `tx-signature`.
 */
export function checkSignatures({ id, transaction }: DecodedTransaction, verify: VerifySignature): void {
  for (const { key, signature } of transaction.auth) {
    if (!verify(signature, id, key))
      throw new CordonError('tx-signature', `the signature of key ${toHex(key)} does not fit the transaction`)
  }
}

/**
 * Everything that needs no state, from bytes.
 * @throws CordonError of any `tx-*` code above.
 */
export function checkTransactionBytes(
  bytes: Uint8Array,
  rules: StructureRules,
  verify: VerifySignature,
): DecodedTransaction {
  const decoded = decodeTransaction(bytes)
  checkStructure(decoded.transaction, rules)
  checkSignatures(decoded, verify)
  return decoded
}

/**
 * Whether a block of this time could still execute it; for admission, with max(tip time, local clock).
 * @throws CordonError `tx-expired`, `tx-validity-too-far`.
 */
export function checkValidity(transaction: Transaction, timeMs: number): void {
  if (transaction.validUntilMs < timeMs) {
    throw new CordonError(
      'tx-expired',
      `valid until ${transaction.validUntilMs}, and it is ${timeMs} (ms); sign it anew`,
      { validUntilMs: transaction.validUntilMs, timeMs },
    )
  }
  const latestMs = timeMs + LIMITS.unorderedValidityMs
  if (transaction.sequence === 0n && transaction.validUntilMs > latestMs) {
    throw new CordonError(
      'tx-validity-too-far',
      `an unordered transaction may be valid until ${latestMs} ms at most, got ${transaction.validUntilMs}; shorten it or use a sequence`,
      { validUntilMs: transaction.validUntilMs, timeMs },
    )
  }
}
