/** What payer and payee have had to do with each other. */
import { PartnerField } from '../partners.ts'
import { COLUMN } from '../../schema.ts'
import { lowBits } from '../../units.ts'
import type { Scene } from './scene.ts'

export function pairColumns(scene: Scene, rows: Float32Array, at: number): void {
  const { facts, payer, payee, paid, paidBack, timeMs } = scene
  rows[at + COLUMN.pair_new] = scene.newPair ? 1 : 0
  rows[at + COLUMN.pair_young] = scene.youngPair ? 1 : 0
  rows[at + COLUMN.pair_count] = scene.pairCount
  const amount = lowBits(facts.amount)
  if (paid >= 0 && payer.payees.at(PartnerField.amount, paid) === amount) {
    rows[at + COLUMN.pair_same_amount] = 1
  }
  if (paidBack < 0) {
    rows[at + COLUMN.reciprocal] = payee.pending.payees.of(facts.payer) > 0 ? 1 : 0
    return
  }
  rows[at + COLUMN.reciprocal] = 1
  const backMs = 1_000 * payee.payees.at(PartnerField.lastS, paidBack)
  rows[at + COLUMN.reciprocal_gap_s] = Math.max(0, timeMs - backMs) / 1_000
  rows[at + COLUMN.reciprocal_same_amount] = payee.payees.at(PartnerField.amount, paidBack) === amount ? 1 : 0
}
