/**
 * Plays payments against one feature store and the model's arithmetic, the way a validator meets them: judged when they
 * are sent, executed one finality later, held when flagged (all validators see the same, so all flag the same).
 */
import { createHash } from 'node:crypto'
import { FeatureStore } from '../../fraud/store/feature-store.ts'
import { FLAG_SCORE, toByte } from '../../fraud/model/model-spec.ts'
import { cheapScore } from '../../fraud/model/sum.ts'
import type { TransferFacts } from '../../fraud/types.ts'

export interface Payment {
  readonly atMs: number
  readonly from: string
  readonly to: string
  /** In CRD. */
  readonly amount: number
  readonly fraud: boolean
}

export interface Played {
  readonly payment: Payment
  readonly score: number
  readonly held: boolean
}

/** 2023-11-14. */
export const START_MS = 1_700_000_000_000

/** A 64-digit account id; different for different names. */
export function account(name: string): string {
  return createHash('sha256').update(name).digest('hex')
}

export interface PlayOptions {
  readonly balanceOf: (account: string) => number
  /** From sending to execution. */
  readonly finalityMs?: number
  readonly store?: FeatureStore
  /** Payments sent within this time share a batch. */
  readonly batchMs?: number
}

export function play(payments: readonly Payment[], options: PlayOptions): Played[] {
  const { balanceOf, finalityMs = 80, store = new FeatureStore(), batchMs = 5 } = options
  const balances = new Map<string, number>()
  const balance = (id: string): number => balances.get(id) ?? balanceOf(id)
  const sorted = [...payments].sort((a, b) => a.atMs - b.atMs)
  const played: Played[] = []
  const pending: { dueMs: number; batch: string; facts: TransferFacts[]; held: boolean[] }[] = []

  const executeUntil = (timeMs: number): void => {
    while (pending.length > 0 && pending[0]!.dueMs <= timeMs) {
      const { dueMs, batch, facts, held } = pending.shift()!
      store.executed(facts.map((fact, i) => ({ facts: { ...fact, timeMs: dueMs }, held: held[i]! })))
      store.dropBatch(batch)
      facts.forEach(({ payer, payee, amount }, i) => {
        balances.set(payer, balance(payer) - Number(amount) / 1e6)
        if (held[i] === false) balances.set(payee, balance(payee) + Number(amount) / 1e6)
      })
    }
  }

  for (let i = 0; i < sorted.length; ) {
    const startMs = START_MS + sorted[i]!.atMs
    executeUntil(startMs)
    const batch: Payment[] = []
    while (i < sorted.length && START_MS + sorted[i]!.atMs - startMs <= batchMs) batch.push(sorted[i++]!)
    const first = played.length
    const facts = batch.map((payment, n) => ({
      key: `${first + n}`,
      transaction: `${first + n}`,
      payer: payment.from,
      payee: payment.to,
      amount: BigInt(Math.round(payment.amount * 1e6)),
      payerBalance: BigInt(Math.round(balance(payment.from) * 1e6)),
      timeMs: startMs,
    }))
    const rows = store.rows(facts, `batch ${first}`)
    const inputs = store.baseline.inputs.slice()
    const width = rows.length / facts.length
    const held = facts.map((_, n) => {
      const score = toByte(cheapScore(rows, n * width, inputs))
      played.push({ payment: batch[n]!, score, held: score >= FLAG_SCORE })
      return score >= FLAG_SCORE
    })
    pending.push({ dueMs: startMs + finalityMs, batch: `batch ${first}`, facts, held })
  }
  executeUntil(Infinity)
  return played
}

export function heldShare(played: readonly Played[], which: (payment: Payment) => boolean): number {
  const counted = played.filter(({ payment }) => which(payment))
  return counted.filter(({ held }) => held).length / counted.length
}

/** Share of the amounts that were held. */
export function heldValueShare(played: readonly Played[], which: (payment: Payment) => boolean): number {
  const counted = played.filter(({ payment }) => which(payment))
  const sum = (list: readonly Played[]): number =>
    list.reduce((total, { payment }) => total + payment.amount, 0)
  return sum(counted.filter(({ held }) => held)) / sum(counted)
}

/** Seeded numbers in [0, 1): mulberry32. */
export function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
