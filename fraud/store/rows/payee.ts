/** Who pays the payee, and whom it pays. */
import { Field } from '../account-table.ts'
import { COLUMN } from '../../schema.ts'
import type { Scene } from './scene.ts'

export function payeeColumns(scene: Scene, rows: Float32Array, at: number): void {
  const { payee } = scene
  const { decay, pending } = payee
  const plus = pending.inCount + 1
  rows[at + COLUMN.payee_in_count_1h] = payee.at(Field.inCountHour) * decay.hour + plus
  rows[at + COLUMN.payee_in_count_1d] = payee.at(Field.inCountDay) * decay.day + plus
  rows[at + COLUMN.payee_in_count_7d] = payee.at(Field.inCountWeek) * decay.week + plus
  const payers = pending.newPayers + (scene.newPayer ? 1 : 0)
  rows[at + COLUMN.payee_payers_1d] = payee.at(Field.payersDay) * decay.day + payers
  rows[at + COLUMN.payee_payers_7d] = payee.at(Field.payersWeek) * decay.week + payers
  rows[at + COLUMN.payee_new_payers_1d] = payee.at(Field.newPayersDay) * decay.day + payers
  rows[at + COLUMN.payee_new_payers_7d] = payee.at(Field.newPayersWeek) * decay.week + payers
  rows[at + COLUMN.payee_payers_ever] = payee.at(Field.newPayersTotal) + payers
  rows[at + COLUMN.payee_out_count_7d] = payee.at(Field.outCountWeek) * decay.week + pending.outCount
  rows[at + COLUMN.payee_new_payees_1d] = payee.at(Field.newPayeesDay) * decay.day + pending.newPayees
  rows[at + COLUMN.payee_new_payees_7d] = payee.at(Field.newPayeesWeek) * decay.week + pending.newPayees
  rows[at + COLUMN.payee_payees_ever] = payee.at(Field.newPayeesTotal) + pending.newPayees
}
