/** How often and how much the payer pays, and to how many it never paid before. */
import { Field } from '../account-table.ts'
import { COLUMN } from '../../schema.ts'
import type { Scene } from './scene.ts'

export function velocityColumns(scene: Scene, rows: Float32Array, at: number): void {
  const { payer, amount, timeMs } = scene
  const { decay, pending } = payer
  const plus = pending.outCount + 1
  rows[at + COLUMN.out_count_1m] = payer.at(Field.outCountMinute) * decay.minute + plus
  rows[at + COLUMN.out_count_10m] = payer.at(Field.outCountTenMinutes) * decay.tenMinutes + plus
  rows[at + COLUMN.out_count_1h] = payer.at(Field.outCountHour) * decay.hour + plus
  rows[at + COLUMN.out_count_1d] = payer.at(Field.outCountDay) * decay.day + plus
  rows[at + COLUMN.out_count_7d] = payer.at(Field.outCountWeek) * decay.week + plus
  rows[at + COLUMN.out_count_20d] = payer.at(Field.outCountTwentyDays) * decay.twentyDays + plus
  const sent = pending.outSum + amount
  rows[at + COLUMN.out_sum_1h] = payer.at(Field.outSumHour) * decay.hour + sent
  rows[at + COLUMN.out_sum_1d] = payer.at(Field.outSumDay) * decay.day + sent
  rows[at + COLUMN.out_sum_7d] = payer.at(Field.outSumWeek) * decay.week + sent

  const lastOutMs = Math.max(payer.at(Field.lastOutMs), pending.lastOutMs)
  if (lastOutMs > 0) {
    rows[at + COLUMN.out_gap_s] = Math.max(0, timeMs - lastOutMs) / 1_000
    rows[at + COLUMN.out_gap_known] = 1
  }
  if (payer.at(Field.usualStretches) > 0) {
    rows[at + COLUMN.out_usual_10m] = payer.at(Field.usualCount)
    rows[at + COLUMN.out_usual_known] = 1
  }
  noveltyColumns(scene, rows, at)
}

function noveltyColumns(scene: Scene, rows: Float32Array, at: number): void {
  const { payer } = scene
  const { decay, pending } = payer
  const plus = pending.newPayees + (scene.newPair ? 1 : 0)
  rows[at + COLUMN.new_payees_1m] = payer.at(Field.newPayeesMinute) * decay.minute + plus
  rows[at + COLUMN.new_payees_1h] = payer.at(Field.newPayeesHour) * decay.hour + plus
  rows[at + COLUMN.new_payees_1d] = payer.at(Field.newPayeesDay) * decay.day + plus
  rows[at + COLUMN.new_payees_7d] = payer.at(Field.newPayeesWeek) * decay.week + plus
  rows[at + COLUMN.payees_ever] = payer.at(Field.newPayeesTotal) + plus
  rows[at + COLUMN.fresh_payees_1m] =
    payer.at(Field.freshPayeesMinute) * decay.minute + pending.freshPayees + (scene.freshPayee ? 1 : 0)
}
