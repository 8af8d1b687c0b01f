/** What an executed transfer changes in the records of its accounts. */
import type { AccountTable } from './account-table.ts'
import { Field, NUMBERS } from './account-table.ts'
import { FRAUD_LIMITS, WINDOW_MS } from '../limits.ts'
import { PartnerField, PartnerList } from './partners.ts'
import { rememberAmount } from './rows/amounts.ts'
import type { Scene, Side } from './rows/scene.ts'
import { leaveTrail } from './rows/trail.ts'
import { lowBits } from '../units.ts'

const INFLOWS = FRAUD_LIMITS.inflowAmounts
/** Weight of a new ten-minute stretch in the usual count. */
const USUAL_WEIGHT = 0.2

/**
 * @param scene of the transfer, as the records are just before it.
 * @param row the transfer's row of that moment, without anything pending.
 */
export function execute(accounts: AccountTable, scene: Scene, row: Float32Array, held: boolean): void {
  const from = touch(accounts, scene.payer, scene.timeMs)
  payOut(accounts, from, scene)
  if (held) return // nothing has reached the payee
  settle(accounts, from, scene, row)
}

/** A held transfer goes on at `scene.timeMs`: what was left out when it was held. Parameters as of `execute`. */
export function release(accounts: AccountTable, scene: Scene, row: Float32Array): void {
  settle(accounts, touch(accounts, scene.payer, scene.timeMs), scene, row)
}

/** The account's record, made if need be, at the time of the transfer. */
function touch(accounts: AccountTable, { account, slot }: Side, timeMs: number): number {
  const touched = accounts.touch(account, timeMs, slot)
  accounts.decayTo(touched, timeMs)
  return touched
}

/** The money is with the payee. */
function settle(accounts: AccountTable, from: number, scene: Scene, row: Float32Array): void {
  becomeUsual(accounts, from, scene)
  const to = touch(accounts, scene.payee, scene.timeMs)
  takeIn(accounts, to, scene)
  leaveTrail(accounts.numbers, from * NUMBERS, to * NUMBERS, row, scene.amount)
}

/** Counts the payment, which may be an attempt only: one that is held is in no picture of what is usual for the payer. */
function payOut(
  { numbers }: AccountTable,
  slot: number,
  { paid, youngPair, payee, amount, timeMs }: Scene,
): void {
  const base = slot * NUMBERS
  if (paid < 0) for (const field of NEW_PAYEE_COUNTERS) bump(numbers, base + field, 1)
  if (!payee.known) bump(numbers, base + Field.freshPayeesMinute, 1)
  if (youngPair) {
    bump(numbers, base + Field.newSumTenMinutes, amount)
    bump(numbers, base + Field.newSumHour, amount)
  }
  for (const field of OUT_COUNTERS) bump(numbers, base + field, 1)
  for (const field of OUT_SUMS) bump(numbers, base + field, amount)
  numbers[base + Field.lastOutMs] = Math.max(numbers[base + Field.lastOutMs] as number, timeMs)
}

function becomeUsual(accounts: AccountTable, slot: number, scene: Scene): void {
  const { numbers } = accounts
  const base = slot * NUMBERS
  bump(numbers, base + Field.outTotal, 1)
  countStretch(numbers, base, scene.timeMs)
  rememberAmount(numbers, base, scene.amount)
  rememberPayee(accounts, slot, scene)
}

const OUT_COUNTERS = [
  Field.outCountMinute,
  Field.outCountTenMinutes,
  Field.outCountHour,
  Field.outCountDay,
  Field.outCountWeek,
  Field.outCountTwentyDays,
] as const
const OUT_SUMS = [
  Field.outSumTenMinutes,
  Field.outSumHour,
  Field.outSumDay,
  Field.outSumWeek,
  Field.outSumTwentyDays,
] as const
const NEW_PAYEE_COUNTERS = [
  Field.newPayeesMinute,
  Field.newPayeesHour,
  Field.newPayeesDay,
  Field.newPayeesWeek,
  Field.newPayeesTotal,
] as const
const IN_COUNTERS = [Field.inTotal, Field.inCountHour, Field.inCountDay, Field.inCountWeek] as const
const IN_SUMS = [Field.inSumDay, Field.inSumWeek, Field.inSumTwentyDays] as const
const NEW_PAYER_COUNTERS = [
  Field.newPayersDay,
  Field.newPayersWeek,
  Field.newPayersTwentyDays,
  Field.newPayersTotal,
] as const

function takeIn(accounts: AccountTable, slot: number, { payer, amount, timeMs }: Scene): void {
  const { numbers } = accounts
  const base = slot * NUMBERS
  for (const field of IN_COUNTERS) bump(numbers, base + field, 1)
  for (const field of IN_SUMS) bump(numbers, base + field, amount)
  numbers[base + Field.lastInMs] = Math.max(numbers[base + Field.lastInMs] as number, timeMs)
  const written = numbers[base + Field.inflowWritten] as number
  numbers[base + Field.inflow + (written % INFLOWS)] = amount
  numbers[base + Field.inflowMs + (written % INFLOWS)] = timeMs
  numbers[base + Field.inflowWritten] = written + 1
  rememberPayer(accounts, slot, payer.tag, timeMs)
}

/** Mean count of the ten-minute stretches in which the account paid at all: "usually 1". */
function countStretch(numbers: Float64Array, base: number, timeMs: number): void {
  const count = numbers[base + Field.stretchCount] as number
  if (count > 0 && timeMs - (numbers[base + Field.stretchStartMs] as number) < WINDOW_MS.tenMinutes) {
    numbers[base + Field.stretchCount] = count + 1
    return
  }
  if (count > 0) {
    const usual = numbers[base + Field.usualCount] as number
    const stretches = numbers[base + Field.usualStretches] as number
    numbers[base + Field.usualCount] = usual + Math.max(USUAL_WEIGHT, 1 / (stretches + 1)) * (count - usual)
    numbers[base + Field.usualStretches] = stretches + 1
  }
  numbers[base + Field.stretchStartMs] = timeMs
  numbers[base + Field.stretchCount] = 1
}

/** Shows the list that is being changed. */
const list = new PartnerList()

function rememberPayee({ payees }: AccountTable, slot: number, { paid, payee, facts, timeMs }: Scene): void {
  const nowS = Math.floor(timeMs / 1_000)
  payees.look(slot, list)
  let i = paid
  if (i < 0) {
    i = payees.add(slot, list, payee.tag)
    list.set(PartnerField.firstS, i, nowS)
  }
  list.set(PartnerField.lastS, i, nowS)
  list.set(PartnerField.payments, i, list.at(PartnerField.payments, i) + 1)
  list.set(PartnerField.amount, i, lowBits(facts.amount))
}

/**
 * Counts distinct payers: each payer contributes what its latest payment has decayed to, so one that pays again is
 * only brought back to 1. A payer that was forgotten counts as another one.
 */
function rememberPayer({ numbers, payers }: AccountTable, slot: number, tag: number, timeMs: number): void {
  const base = slot * NUMBERS
  payers.look(slot, list)
  let i = list.indexOf(tag)
  const elapsedMs = i < 0 ? Infinity : Math.max(0, timeMs - 1_000 * list.at(PartnerField.lastS, i))
  bump(numbers, base + Field.payersDay, 1 - Math.exp(-elapsedMs / WINDOW_MS.day))
  bump(numbers, base + Field.payersWeek, 1 - Math.exp(-elapsedMs / WINDOW_MS.week))
  if (i < 0) {
    for (const field of NEW_PAYER_COUNTERS) bump(numbers, base + field, 1)
    i = payers.add(slot, list, tag)
  }
  list.set(PartnerField.lastS, i, Math.floor(timeMs / 1_000))
  list.set(PartnerField.payments, i, list.at(PartnerField.payments, i) + 1)
}

function bump(numbers: Float64Array, index: number, by: number): void {
  numbers[index] = (numbers[index] as number) + by
}
