/**
 * What an action is to the rest of the ledger: a tag, a body with one encoding, a check that needs no state, and its
 * effect. `index.ts` lists all of them; adding an action touches this folder only.
 */
import type { Reader, Writer } from '../../crypto/codec.ts'
import type { Parameters } from '../../config/parameters.ts'
import type { Bytes32, FailureCode, HeldTransfer, Hold, HoldEnd } from '../types.ts'

/** What an action may do to the state. Everything is undone if a later action of its transaction fails. */
export interface ActionContext {
  /** Time of the block, ms. */
  readonly timeMs: number
  readonly parameters: Parameters
  readonly sender: Bytes32
  /** Position of the action in its transaction. */
  readonly index: number
  /** Set if the validators' verdict holds this action. */
  readonly verdict: HeldTransfer | null
  /** Takes `amount` from an account; false, and nothing happens, if its balance is smaller. */
  debit(account: Bytes32, amount: bigint): boolean
  /** Gives `amount` to an account, which is created if need be. */
  credit(account: Bytes32, amount: bigint): void
  /** Reports a transfer to whoever learns from the ledger. Call it before the money moves. */
  noteTransfer(payee: Bytes32, amount: bigint, held: boolean): void
  /** Puts value already debited from the sender into quarantine. */
  quarantine(payee: Bytes32, amount: bigint, verdict: HeldTransfer): void
  /** A hold, open or ended, or null. */
  hold(id: Bytes32): Hold | null
  /** Replaces an open hold by one with another list of reviews. */
  setReviews(hold: Hold, reviews: Hold['reviews']): Hold
  /** Names the guardian of the sender, in force after `guardianDelayMs`; null: none. False: there is no such account. */
  setGuardian(guardian: Bytes32 | null): boolean
  /** Ends a hold and moves its value: to the payer if `how` is a return or recall, else to the payee. */
  endHold(hold: Hold, how: HoldEnd): void
  /** Indexes of the validators whose operator account this is, ascending. */
  validatorsOf(operator: Bytes32): readonly number[]
  stakeOf(validator: number): bigint
  readonly totalStake: bigint
  /** Notes the offence that this evidence proves. Whether it proves one, and a new one, was decided before. */
  recordOffence(evidence: Uint8Array): void
}

/** One kind of action. `Type` is its name and the discriminant of its body. */
export interface ActionDefinition<Body extends { readonly type: string }> {
  readonly tag: number
  readonly type: Body['type']
  encode(writer: Writer, body: Body): void
  /** @throws DecodeError if the bytes are no canonical body. */
  decode(reader: Reader): Body
  /** Rules that need no state. @throws CordonError `tx-action-invalid`. */
  check(body: Body, sender: Bytes32): void
  /** uCRD that leaves the sender if the action applies: what admission reserves. */
  spends(body: Body): bigint
  /** Ids of accounts and holds that `execute` may touch beside the sender. */
  touches(body: Body): { readonly accounts: readonly Bytes32[]; readonly holds: readonly Bytes32[] }
  /** Applies the action. Null, or why it fails; what a failed action did is undone by the caller. */
  execute(context: ActionContext, body: Body): FailureCode | null
}
