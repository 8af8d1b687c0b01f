/** Shares of the balance as it was before the payments of the window left. */
import { Field } from '../account-table.ts'
import { COLUMN } from '../../schema.ts'
import { toCrd } from '../../units.ts'
import type { Scene } from './scene.ts'

export function balanceColumns(scene: Scene, rows: Float32Array, at: number): void {
  const { facts, payer, amount } = scene
  const { decay, pending } = payer
  const balance = toCrd(facts.payerBalance)
  const leftHour = payer.at(Field.outSumHour) * decay.hour
  const beforeHour = balance + leftHour
  const beforeTenMinutes = balance + payer.at(Field.outSumTenMinutes) * decay.tenMinutes
  const here = scene.youngPair ? amount : 0
  const newHour = payer.at(Field.newSumHour) * decay.hour + pending.newSum
  const newTenMinutes = payer.at(Field.newSumTenMinutes) * decay.tenMinutes + pending.newSum
  rows[at + COLUMN.balance_share] = shareOf(amount, balance)
  rows[at + COLUMN.drain_1h] = shareOf(leftHour + pending.outSum + amount, beforeHour)
  rows[at + COLUMN.drain_new_1h] = shareOf(newHour + here, beforeHour)
  rows[at + COLUMN.drain_new_10m] = shareOf(newTenMinutes + here, beforeTenMinutes)
  rows[at + COLUMN.drained_new_10m] = shareOf(newTenMinutes, beforeTenMinutes)
}

function shareOf(part: number, whole: number): number {
  return whole <= 0 ? 1 : Math.min(1, part / whole)
}
