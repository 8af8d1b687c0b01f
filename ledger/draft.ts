/**
 * The state while a block executes: what was read, what has changed, and how to undo the transaction under way.
 * It implements what actions may do (`ActionContext`); nothing here outlives the block unless the ledger takes it.
 */
import type { Parameters } from '../config/parameters.ts'
import { LIMITS } from '../config/limits.ts'
import { mapKey } from '../crypto/bytes.ts'
import { holdId, type AccountEntry, type ValidatorEntry } from './entries.ts'
import type { ActionContext } from './actions/index.ts'
import { changedGuardian, guardianAt, type Guardian } from './guardian.ts'
import { goesOn, labelOf } from './hold-ends.ts'
import type { Bytes32, EvidenceJudge, ExecutedTransfer, HeldTransfer, Hold, HoldEnd } from './types.ts'

/** The state before the block, as far as the block can touch it. */
export interface StateBefore {
  /** Null: no such account. Must hold every account that the block names. */
  readonly accounts: ReadonlyMap<string, AccountEntry | null>
  /** Null: no such hold. Must hold every hold that the block names or that falls due. */
  readonly holds: ReadonlyMap<string, Hold | null>
  /** By index. */
  readonly validators: readonly ValidatorEntry[]
  /** uCRD in the fee pool. */
  readonly fees: bigint
}

/** What a block changed. Maps hold new values only where they differ from before. */
export interface StateChanges {
  readonly accounts: ReadonlyMap<string, AccountEntry>
  readonly holds: ReadonlyMap<string, Hold>
  readonly validators: ReadonlyMap<number, ValidatorEntry>
  readonly fees: bigint
}

/** An account while it changes. */
interface Purse {
  readonly id: Bytes32
  readonly before: AccountEntry | null
  exists: boolean
  balance: bigint
  sequence: bigint
  createdMs: number
  labels: number
  guardian: Guardian | null
}

/** What one transaction, or the expiries at the start of the block, did. */
export interface Effects {
  readonly transfers: ExecutedTransfer[]
  readonly endedHolds: Hold[]
  readonly holds: { readonly action: number; readonly holdId: Bytes32 }[]
}

const MAX_LABELS = LIMITS.labelsPerPayer

export class Draft implements ActionContext {
  readonly timeMs: number
  readonly parameters: Parameters
  readonly #height: number
  readonly #before: StateBefore
  readonly #judge: EvidenceJudge
  readonly #purses = new Map<string, Purse>()
  readonly #holds = new Map<string, Hold>()
  readonly #validators = new Map<number, ValidatorEntry>()
  /** Made when the first review asks for it. */
  #operators: ReadonlyMap<string, readonly number[]> | null = null
  #fees: bigint

  // Of the transaction under way.
  #undo: (() => void)[] = []
  #effects: Effects = { transfers: [], endedHolds: [], holds: [] }
  #txId: Bytes32 = new Uint8Array(32)
  sender: Bytes32 = this.#txId
  index = 0
  verdict: HeldTransfer | null = null

  constructor(
    height: number,
    timeMs: number,
    parameters: Parameters,
    before: StateBefore,
    judgeEvidence: EvidenceJudge,
  ) {
    this.#judge = judgeEvidence
    this.#height = height
    this.timeMs = timeMs
    this.parameters = parameters
    this.#before = before
    this.#fees = before.fees
  }

  /** Opens the scope of a transaction; everything until `take` or `rollback` belongs to it. */
  begin(txId: Bytes32, sender: Bytes32): void {
    this.#undo = []
    this.#effects = { transfers: [], endedHolds: [], holds: [] }
    this.#txId = txId
    this.sender = sender
  }

  /** Opens the next action of the transaction. */
  beginAction(index: number, verdict: HeldTransfer | null): void {
    this.index = index
    this.verdict = verdict
  }

  /** What was done since `begin`; it stays. */
  take(): Effects {
    return this.#effects
  }

  /** Undoes everything since `begin`. */
  rollback(): void {
    for (const undo of this.#undo.reverse()) undo()
    this.begin(this.#txId, this.sender)
  }

  #purse(account: Bytes32): Purse {
    const key = mapKey(account)
    let purse = this.#purses.get(key)
    if (purse === undefined) {
      const before = this.#before.accounts.get(key)
      if (before === undefined) throw new Error('an account that the block touches was not read')
      purse = {
        id: before?.id ?? account,
        before,
        exists: before !== null,
        balance: before?.balance ?? 0n,
        sequence: before?.sequence ?? 0n,
        createdMs: before?.createdMs ?? 0,
        labels: before?.labels ?? 0,
        guardian: before?.guardian ?? null,
      }
      this.#purses.set(key, purse)
    }
    return purse
  }

  /** Whether the account exists, its balance and its sequence, now. */
  look(account: Bytes32): { readonly exists: boolean; readonly balance: bigint; readonly sequence: bigint } {
    return this.#purse(account)
  }

  /** Takes a fee into the pool and uses the sequence up. Not undone when the actions fail. */
  charge(account: Bytes32, fee: bigint, sequence: bigint): void {
    const purse = this.#purse(account)
    purse.balance -= fee
    this.#fees += fee
    if (sequence !== 0n) purse.sequence = sequence
  }

  debit(account: Bytes32, amount: bigint): boolean {
    const purse = this.#purse(account)
    if (purse.balance < amount) return false
    purse.balance -= amount
    this.#undo.push(() => {
      purse.balance += amount
    })
    return true
  }

  credit(account: Bytes32, amount: bigint): void {
    const purse = this.#purse(account)
    const { exists } = purse
    purse.balance += amount
    if (!exists) {
      purse.exists = true
      purse.createdMs = this.timeMs
    }
    this.#undo.push(() => {
      purse.balance -= amount
      purse.exists = exists
    })
  }

  noteTransfer(payee: Bytes32, amount: bigint, held: boolean): void {
    this.#effects.transfers.push({
      txId: this.#txId,
      action: this.index,
      payer: this.sender,
      payee,
      amount,
      timeMs: this.timeMs,
      held,
      payerBalanceBefore: this.#purse(this.sender).balance,
    })
  }

  quarantine(payee: Bytes32, amount: bigint, verdict: HeldTransfer): void {
    const id = holdId(this.#txId, this.index)
    this.#setHold({
      id,
      kind: 'quarantine',
      txId: this.#txId,
      action: this.index,
      payer: this.sender,
      payee,
      amount,
      createdMs: this.timeMs,
      expiresMs: this.timeMs + this.parameters.quarantineMs,
      onExpiry: this.parameters.onExpiry,
      flaggers: verdict.flaggers,
      guardian: guardianAt(this.#purse(this.sender).guardian, this.timeMs),
      reviews: [],
      end: null,
    })
    this.#effects.holds.push({ action: this.index, holdId: id })
  }

  hold(id: Bytes32): Hold | null {
    const key = mapKey(id)
    const hold = this.#holds.get(key) ?? this.#before.holds.get(key)
    if (hold === undefined) throw new Error('a hold that the block touches was not read')
    return hold
  }

  setReviews(hold: Hold, reviews: Hold['reviews']): Hold {
    const reviewed: Hold = { ...hold, reviews }
    this.#setHold(reviewed)
    return reviewed
  }

  setGuardian(guardian: Bytes32 | null): boolean {
    const purse = this.#purse(this.sender)
    if (!purse.exists) return false
    const before = purse.guardian
    // A copy: what the transaction holds are views into a whole batch.
    const after = guardian === null ? null : Uint8Array.from(guardian)
    const { timeMs, parameters } = this
    purse.guardian = changedGuardian(before, after, { timeMs, delayMs: parameters.guardianDelayMs })
    this.#undo.push(() => {
      purse.guardian = before
    })
    return true
  }

  endHold(hold: Hold, how: HoldEnd): void {
    const ended: Hold = { ...hold, end: { how, atMs: this.timeMs, height: this.#height } }
    this.#setHold(ended)
    this.credit(goesOn(how) ? hold.payee : hold.payer, hold.amount)
    this.#label(hold, how)
    this.#effects.endedHolds.push(ended)
  }

  validatorsOf(operator: Bytes32): readonly number[] {
    this.#operators ??= operatorsOf(this.#before.validators)
    return this.#operators.get(mapKey(operator)) ?? []
  }

  stakeOf(validator: number): bigint {
    return this.#validator(validator).stake
  }

  get totalStake(): bigint {
    return this.#before.validators.reduce((sum, validator) => sum + validator.stake, 0n)
  }

  #validator(index: number): ValidatorEntry {
    const validator = this.#validators.get(index) ?? this.#before.validators[index]
    if (validator === undefined) throw new Error(`there is no validator ${index}`)
    return validator
  }

  recordOffence(evidence: Uint8Array): void {
    const offence = this.#judge(evidence)
    if (offence === null) throw new Error('evidence that proves nothing came to execution')
    const { validator, kind, epoch, position } = offence
    const before = this.#validator(validator)
    const recorded = {
      kind,
      epoch,
      position,
      atMs: this.timeMs,
      height: this.#height,
      txId: Uint8Array.from(this.#txId),
    }
    this.#validators.set(validator, { ...before, offence: recorded })
    this.#undo.push(() => this.#validators.set(validator, before))
  }

  /** Whether an offence of this validator is recorded. */
  hasOffence(validator: number): boolean {
    return this.#validator(validator).offence !== null
  }

  /** Counts an end that says something in the record of everybody who flagged, as long as the payer's labels last. */
  #label(hold: Hold, how: HoldEnd): void {
    const payer = this.#purse(hold.payer)
    const { labelMinAgeMs } = this.parameters
    const label = labelOf(how, { payerCreatedMs: payer.createdMs, timeMs: this.timeMs, labelMinAgeMs })
    if (label === null || payer.labels >= MAX_LABELS) return
    payer.labels++
    this.#undo.push(() => {
      payer.labels--
    })
    for (const { signer } of hold.flaggers) {
      const before = this.#validator(signer)
      const confirmed = label === 'fraud'
      this.#validators.set(signer, {
        ...before,
        flagsConfirmed: before.flagsConfirmed + (confirmed ? 1n : 0n),
        flagsRefuted: before.flagsRefuted + (confirmed ? 0n : 1n),
      })
      this.#undo.push(() => this.#validators.set(signer, before))
    }
  }

  #setHold(hold: Hold): void {
    const key = mapKey(hold.id)
    const before = this.#holds.get(key)
    this.#holds.set(key, hold)
    this.#undo.push(() => {
      if (before === undefined) this.#holds.delete(key)
      else this.#holds.set(key, before)
    })
  }

  /** Everything that differs from the state before the block. */
  changes(): StateChanges {
    const accounts = new Map<string, AccountEntry>()
    for (const [key, purse] of this.#purses) if (hasChanged(purse)) accounts.set(key, entryOf(purse))
    return { accounts, holds: this.#holds, validators: this.#validators, fees: this.#fees }
  }
}

function operatorsOf(validators: readonly ValidatorEntry[]): ReadonlyMap<string, readonly number[]> {
  const operators = new Map<string, number[]>()
  for (const { operator, index } of validators) {
    const key = mapKey(operator)
    operators.set(key, [...(operators.get(key) ?? []), index])
  }
  return operators
}

function hasChanged({ before, exists, balance, sequence, labels, guardian }: Purse): boolean {
  if (before === null) return exists
  return (
    before.balance !== balance ||
    before.sequence !== sequence ||
    before.labels !== labels ||
    before.guardian !== guardian
  )
}

function entryOf({ id, balance, sequence, createdMs, labels, guardian }: Purse): AccountEntry {
  return { id, balance, sequence, createdMs, labels, guardian }
}
