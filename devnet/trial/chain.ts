/**
 * A chain without consensus: payments meet the feature store and the model of validators, and holds take effect.
 *
 *     submit ─▶ block of at most BLOCK_MS ─▶ rows (executed state + the block so far) ─▶ model ─▶ settle or hold
 *
 * What is held leaves the payer and does not reach the payee, until it ends: a review finds out every time, a day later,
 * unless the payer recalls it before. Then the money goes back or on its way, of which validators learn as on a node.
 */
import { BLOCK_MS, BLOCK_ROWS } from '../../fraud/evaluation/replay.ts'
import type { TransferFacts } from '../../fraud/types.ts'
import { goesOn, labelOf } from '../../ledger/hold-ends.ts'
import { HOUR_MS } from '../attacks/move.ts'
import { DAY_MS } from '../town/calendar.ts'
import { Validators, type Batched, type Opinion, type ValidatorsOptions } from './validators.ts'

/** Account ids are hex; the store tells accounts apart by the first 52 bits. */
const TAG_DIGITS = 13
const ID_DIGITS = 64

/** From a hold to its end. */
const ENDS_AFTER_MS = { released: DAY_MS, returned: DAY_MS, recalled: HOUR_MS } as const

/** How a hold ends. */
type TrialEnd = keyof typeof ENDS_AFTER_MS

export interface Payment {
  readonly atMs: number
  readonly from: number
  readonly to: number
  readonly amountUnits: bigint
  /** What becomes of it if it is held: reviews return what was stolen and release the rest, payers recall. */
  readonly ifHeld: TrialEnd
  /** Number of the validator that it is sent to; left out: any. */
  readonly via?: number
}

interface ChainOptions extends ValidatorsOptions {
  /** In uCRD, by account. */
  readonly openingUnits: readonly bigint[]
  /** Earlier payments are executed without a judgement: they are history. */
  readonly judgedFromMs: number
}

/** `alert`: settled, and a node would have opened a case. `unjudged`: it was history. */
export type Verdict = Opinion | 'unjudged'

/** Told when a payment is executed. */
export type Ended = (verdict: Verdict) => void

interface Pending {
  readonly key: string
  readonly payment: Payment
  readonly author: number
  readonly ended: Ended
}

interface HeldPayment {
  readonly payment: Payment
  readonly facts: TransferFacts
  readonly endsMs: number
}

export class JudgedChain {
  readonly #judgedFromMs: number
  readonly #validators: Validators
  /** Executed, in uCRD. */
  readonly #balances: Map<number, bigint>
  /** Of the block that is open. */
  #block: Pending[] = []
  readonly #pendingUnits: Map<number, bigint> = new Map()
  #held: HeldPayment[] = []
  #payments = 0
  #day = 0

  constructor({ openingUnits, judgedFromMs, ...validators }: ChainOptions) {
    this.#judgedFromMs = judgedFromMs
    this.#validators = new Validators(validators)
    this.#balances = new Map(openingUnits.entries())
  }

  /** Outcomes of holds that validators have learned from. */
  get labels(): number {
    return this.#validators.labels
  }

  /** What an account can pay now, in uCRD. */
  available(account: number): bigint {
    return (this.#balances.get(account) ?? 0n) - (this.#pendingUnits.get(account) ?? 0n)
  }

  /** What is due by then happens. Times do not go back. */
  advanceTo(atMs: number): void {
    const first = this.#block[0]
    const full = this.#block.length >= BLOCK_ROWS
    if (first !== undefined && (full || atMs - first.payment.atMs >= BLOCK_MS)) this.#closeBlock()
    const due = this.#held.filter(({ endsMs }) => endsMs <= atMs)
    if (due.length > 0) this.#held = this.#held.filter(({ endsMs }) => endsMs > atMs)
    for (const held of due) this.#end(held)
    const day = Math.floor(atMs / DAY_MS)
    if (day > this.#day) this.#validators.learn()
    this.#day = day
  }

  /** The payer must have the money, and the chain be advanced to this time. */
  submit(payment: Payment, ended: Ended): void {
    const { from, amountUnits } = payment
    if (amountUnits > this.available(from))
      throw new RangeError(`account ${from} has ${this.available(from)} uCRD and cannot pay ${amountUnits}`)
    this.#pendingUnits.set(from, (this.#pendingUnits.get(from) ?? 0n) + amountUnits)
    const author = payment.via ?? this.#validators.anyAuthor()
    this.#block.push({ key: String(this.#payments++), payment, author, ended })
  }

  /** What a dry run answers: whether a payment would be held if the block ended with it. Leaves no trace. */
  wouldHold(payment: Payment): boolean {
    if (payment.atMs < this.#judgedFromMs) return false
    const asked = { key: 'dry-run', payment, author: payment.via ?? 0, ended: () => undefined }
    const opinions = this.#validators.judge([...this.#block, asked].map((pending) => this.#batched(pending)))
    this.#validators.forget()
    return opinions.at(-1) === 'held'
  }

  /** After the last payment. */
  finish(): void {
    if (this.#block.length > 0) this.#closeBlock()
    this.#validators.close()
  }

  #closeBlock(): void {
    const block = this.#block
    this.#block = []
    this.#pendingUnits.clear()
    const batched = block.map((pending) => this.#batched(pending))
    const judged = (block[0]?.payment.atMs ?? 0) >= this.#judgedFromMs
    const verdicts: readonly Verdict[] = judged
      ? this.#validators.judge(batched)
      : block.map(() => 'unjudged')
    this.#validators.executed(batched.map(({ facts }, i) => ({ facts, held: verdicts[i] === 'held' })))
    block.forEach(({ payment }, i) => {
      this.#execute(payment, (batched[i] as Batched).facts, verdicts[i] === 'held')
    })
    block.forEach(({ ended }, i) => {
      ended(verdicts[i] as Verdict)
    })
  }

  #batched({ key, payment: { from, to, amountUnits, atMs }, author }: Pending): Batched {
    const facts = {
      key,
      transaction: key,
      payer: idOf(from),
      payee: idOf(to),
      amount: amountUnits,
      payerBalance: this.#balances.get(from) ?? 0n,
      timeMs: atMs,
    }
    return { facts, author }
  }

  #execute(payment: Payment, facts: TransferFacts, held: boolean): void {
    const { atMs, from, to, amountUnits, ifHeld } = payment
    this.#add(from, -amountUnits)
    if (held) this.#held.push({ payment, facts, endsMs: atMs + ENDS_AFTER_MS[ifHeld] })
    else this.#add(to, amountUnits)
  }

  #end({ payment: { from, to, amountUnits, ifHeld }, facts, endsMs }: HeldPayment): void {
    this.#add(goesOn(ifHeld) ? to : from, amountUnits)
    if (goesOn(ifHeld)) this.#validators.released({ ...facts, timeMs: endsMs })
    const label = labelOf(ifHeld, { payerCreatedMs: 0, timeMs: endsMs, labelMinAgeMs: 0 })
    if (label !== null) this.#validators.outcome(facts.key, label === 'fraud')
  }

  #add(account: number, units: bigint): void {
    this.#balances.set(account, (this.#balances.get(account) ?? 0n) + units)
  }
}

/** Numbered from 1: tag 0 means "nobody" in the store. */
function idOf(account: number): string {
  return (account + 1).toString(16).padStart(TAG_DIGITS, '0').padEnd(ID_DIGITS, '0')
}
