/** How long the accounts are known, and how long the payer slept. */
import { Field } from '../account-table.ts'
import { FRAUD_LIMITS } from '../../limits.ts'
import { COLUMN } from '../../schema.ts'
import type { Scene } from './scene.ts'

const SHORTEST_GAP_MS = 1_000

export function ageColumns({ payer, payee, timeMs }: Scene, rows: Float32Array, at: number): void {
  if (payee.known) {
    rows[at + COLUMN.payee_age_s] = Math.max(0, timeMs - payee.at(Field.firstMs)) / 1_000
    rows[at + COLUMN.payee_known] = 1
  }
  if (!payer.known) return
  const firstMs = payer.at(Field.firstMs)
  rows[at + COLUMN.payer_age_s] = Math.max(0, timeMs - firstMs) / 1_000
  rows[at + COLUMN.payer_known] = 1
  const payments = payer.at(Field.outTotal)
  if (payments < FRAUD_LIMITS.ownAmountsNeeded) return
  const lastOutMs = payer.at(Field.lastOutMs)
  const usualGapMs = Math.max(SHORTEST_GAP_MS, (lastOutMs - firstMs) / payments)
  rows[at + COLUMN.idle_ratio_log2] = Math.log2(Math.max(SHORTEST_GAP_MS, timeMs - lastOutMs) / usualGapMs)
  rows[at + COLUMN.idle_known] = 1
}
