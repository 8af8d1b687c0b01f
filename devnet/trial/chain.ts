/**
 * A chain without consensus: payments meet the feature store and the model of a node, and holds take effect. All validators
 * see the same, so one stands for all: what it flags is held.
 *
 *     submit ─▶ block of at most BLOCK_MS ─▶ rows (executed state + the block so far) ─▶ model ─▶ settle or hold
 *
 * What is held leaves the payer and does not reach the payee, until a review ends it: it finds out every time, a day later.
 * Then stolen money goes back and the rest on its way, of which the store learns as on a node.
 */
import { DEFAULT_SETTINGS } from '../../config/node-config.ts'
import { BLOCK_MS, BLOCK_ROWS } from '../../fraud/evaluation/replay.ts'
import type { Head } from '../../fraud/head/head.ts'
import { FLAG_SCORE, toByte } from '../../fraud/model/model-spec.ts'
import type { DirectionalModel } from '../../fraud/model/model.ts'
import { FeatureStore } from '../../fraud/store/feature-store.ts'
import type { TransferFacts } from '../../fraud/types.ts'

const REVIEW_MS = 86_400_000
/** Account ids are hex; the store tells accounts apart by the first 52 bits. */
const TAG_DIGITS = 13
const ID_DIGITS = 64

export interface Payment {
  readonly atMs: number
  readonly from: number
  readonly to: number
  readonly amountUnits: bigint
  readonly fraudulent: boolean
}

export interface ChainOptions {
  /** In uCRD, by account. */
  readonly openingUnits: readonly bigint[]
  readonly model: Pick<DirectionalModel, 'score'>
  /** The one that `model` was made with. */
  readonly head: Head | null
  /** Earlier payments are executed without a judgement: they are history. */
  readonly judgedFromMs: number
}

/** `alert`: settled, and a node would have opened a case. `unjudged`: it was history. */
export type Verdict = 'settled' | 'alert' | 'held' | 'unjudged'

/** Told when a payment is executed. */
export type Ended = (verdict: Verdict) => void

interface Pending {
  readonly payment: Payment
  readonly ended: Ended
}

interface HeldPayment {
  readonly payment: Payment
  readonly facts: TransferFacts
}

export class JudgedChain {
  readonly #options: ChainOptions
  readonly #store: FeatureStore
  /** Executed, in uCRD. */
  readonly #balances: Map<number, bigint>
  /** Of the block that is open. */
  #block: Pending[] = []
  readonly #pendingUnits: Map<number, bigint> = new Map()
  /** In order of time. */
  readonly #held: HeldPayment[] = []
  #payments = 0

  constructor(options: ChainOptions) {
    this.#options = options
    this.#store = new FeatureStore({ head: options.head })
    this.#balances = new Map(options.openingUnits.entries())
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
    while (this.#held[0] !== undefined && this.#held[0].payment.atMs + REVIEW_MS <= atMs)
      this.#review(this.#held.shift() as HeldPayment)
  }

  /** The payer must have the money, and the chain be advanced to this time. */
  submit(payment: Payment, ended: Ended): void {
    const { from, amountUnits } = payment
    if (amountUnits > this.available(from))
      throw new RangeError(`account ${from} has ${this.available(from)} uCRD and cannot pay ${amountUnits}`)
    this.#pendingUnits.set(from, (this.#pendingUnits.get(from) ?? 0n) + amountUnits)
    this.#block.push({ payment, ended })
  }

  /** After the last payment. */
  finish(): void {
    if (this.#block.length > 0) this.#closeBlock()
  }

  #closeBlock(): void {
    const block = this.#block
    this.#block = []
    this.#pendingUnits.clear()
    const facts = block.map(({ payment }) => this.#facts(payment))
    const verdicts = this.#judge(block, facts)
    this.#store.executed(facts.map((fact, i) => ({ facts: fact, held: verdicts[i] === 'held' })))
    block.forEach(({ payment }, i) => {
      const fact = facts[i] as TransferFacts
      this.#execute({ payment, facts: fact }, verdicts[i] === 'held')
    })
    block.forEach(({ ended }, i) => ended(verdicts[i] ?? 'unjudged'))
  }

  #facts({ from, to, amountUnits, atMs }: Payment): TransferFacts {
    return {
      key: String(this.#payments++),
      payer: idOf(from),
      payee: idOf(to),
      amount: amountUnits,
      payerBalance: this.#balances.get(from) ?? 0n,
      timeMs: atMs,
    }
  }

  #judge(block: readonly Pending[], facts: readonly TransferFacts[]): Verdict[] {
    const { judgedFromMs, model } = this.#options
    if ((block[0]?.payment.atMs ?? 0) < judgedFromMs) return block.map(() => 'unjudged')
    const batchKey = facts[0]?.key ?? ''
    const rows = this.#store.rows(facts, batchKey)
    const scores = model.score(rows, this.#store.baseline.inputs)
    this.#store.dropBatch(batchKey)
    return facts.map((_, i) => verdictOf(toByte(scores[i] ?? 0)))
  }

  #execute(executed: HeldPayment, held: boolean): void {
    const { from, to, amountUnits } = executed.payment
    this.#add(from, -amountUnits)
    if (held) this.#held.push(executed)
    else this.#add(to, amountUnits)
  }

  #review({ payment, facts }: HeldPayment): void {
    const { atMs, from, to, amountUnits, fraudulent } = payment
    this.#add(fraudulent ? from : to, amountUnits)
    if (!fraudulent) this.#store.released([{ ...facts, timeMs: atMs + REVIEW_MS }])
  }

  #add(account: number, units: bigint): void {
    this.#balances.set(account, (this.#balances.get(account) ?? 0n) + units)
  }
}

/** By the scores that are the defaults of a node. */
function verdictOf(score: number): Verdict {
  if (score >= FLAG_SCORE) return 'held'
  return score >= DEFAULT_SETTINGS.fraudAlertScore ? 'alert' : 'settled'
}

/** Numbered from 1: tag 0 means "nobody" in the store. */
function idOf(account: number): string {
  return (account + 1).toString(16).padStart(TAG_DIGITS, '0').padEnd(ID_DIGITS, '0')
}
