/** What the payer has received, and how much of it goes on with this transfer. */
import { Field } from '../account-table.ts'
import { FRAUD_LIMITS, WINDOW_MS } from '../../limits.ts'
import { COLUMN } from '../../schema.ts'
import type { Scene, Side } from './scene.ts'

const INFLOWS = FRAUD_LIMITS.inflowAmounts
/** Two amounts count as the same within this share. */
const SAME_AMOUNT = 0.01
const MOST_RATIO = 4
const MOST_RATIO_LOG2 = 8
/** Keeps the turnover of small sums near 1, in CRD. */
const TURNOVER_FLOOR_CRD = 50
/** What a mule passes on of a sum it received: the rest is its share. */
const PASSED_ON = 0.95
/** Of an amount that matches no inflow, in log2. */
const NO_MATCH = 9

export function inflowColumns(scene: Scene, rows: Float32Array, at: number): void {
  const { payer, amount, timeMs } = scene
  const { decay, pending } = payer
  rows[at + COLUMN.payer_in_count_1d] = payer.at(Field.inCountDay) * decay.day + pending.inCount
  rows[at + COLUMN.payer_in_count_7d] = payer.at(Field.inCountWeek) * decay.week + pending.inCount
  const receivedWeek = payer.at(Field.inSumWeek) * decay.week + pending.inSum
  rows[at + COLUMN.payer_in_sum_7d] = receivedWeek
  rows[at + COLUMN.payer_new_payers_7d] = payer.at(Field.newPayersWeek) * decay.week + pending.newPayers
  rows[at + COLUMN.payer_new_payers_20d] =
    payer.at(Field.newPayersTwentyDays) * decay.twentyDays + pending.newPayers
  rows[at + COLUMN.payer_payers_ever] = payer.at(Field.newPayersTotal) + pending.newPayers
  rows[at + COLUMN.inflow_ratio_7d_log2] = Math.min(
    MOST_RATIO_LOG2,
    Math.log2((amount + 1) / (receivedWeek + 1)),
  )
  const sent20d = payer.at(Field.outSumTwentyDays) * decay.twentyDays + pending.outSum + amount
  const received20d = payer.at(Field.inSumTwentyDays) * decay.twentyDays + pending.inSum
  rows[at + COLUMN.turnover_20d_log2] = Math.log2(
    (sent20d + TURNOVER_FLOOR_CRD) / (received20d + TURNOVER_FLOOR_CRD),
  )
  rows[at + COLUMN.inflow_match_log2] = bestMatch(payer, amount, timeMs)

  const lastInMs = Math.max(payer.at(Field.lastInMs), pending.lastInMs)
  if (lastInMs === 0) return
  rows[at + COLUMN.in_gap_s] = Math.max(0, timeMs - lastInMs) / 1_000
  rows[at + COLUMN.in_gap_known] = 1
  const receivedDay = payer.at(Field.inSumDay) * decay.day + pending.inSum
  if (receivedDay > 0 && timeMs - lastInMs < WINDOW_MS.day) {
    rows[at + COLUMN.passed_on_1d] = Math.min(
      MOST_RATIO,
      (rows[at + COLUMN.out_sum_1d] as number) / receivedDay,
    )
    rows[at + COLUMN.passed_on_known] = 1
  }
  if (hasSameInflow(payer, amount, timeMs)) rows[at + COLUMN.same_amount] = 1
}

function hasSameInflow(payer: Side, amount: number, timeMs: number): boolean {
  const count = Math.min(INFLOWS, payer.at(Field.inflowWritten))
  for (let i = 0; i < count; i++) {
    if (timeMs - payer.at(Field.inflowMs + i) >= WINDOW_MS.week) continue
    if (Math.abs(payer.at(Field.inflow + i) - amount) <= SAME_AMOUNT * amount) return true
  }
  return false
}

/** Distance, in log2, of the amount from what a mule would pass on of its latest inflow, its latest two, and so on. */
function bestMatch(payer: Side, amount: number, timeMs: number): number {
  const written = payer.at(Field.inflowWritten)
  let best = NO_MATCH
  let sum = 0
  for (let back = 1; back <= Math.min(INFLOWS, written); back++) {
    const i = (written - back) % INFLOWS
    if (timeMs - payer.at(Field.inflowMs + i) > WINDOW_MS.tenDays) break
    sum += payer.at(Field.inflow + i)
    best = Math.min(best, Math.abs(Math.log2(amount / (PASSED_ON * sum))))
  }
  return best
}
