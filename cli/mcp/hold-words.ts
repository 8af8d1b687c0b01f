/** A hold in plain words: why, until when, and what the payer can do. */
import type { HoldInfo } from '../../client/api.ts'
import { amountBoth, distance, time } from '../format.ts'
import type { Names } from '../names.ts'
import { account, foreign, money, utc } from './answer.ts'

const ENDED: Readonly<Record<Exclude<HoldInfo['status'], 'open'>, string>> = {
  recalled: 'the payer took it back',
  released: 'reviewers released it to the payee',
  returned: 'reviewers returned it to the payer',
  'expired-returned': 'nobody decided in time, and it went back to the payer',
  'expired-released': 'nobody decided in time, and it went on to the payee',
  confirmed: "the payer's guardian confirmed it, and it went to the payee",
}

export function holdData(hold: HoldInfo, names: Names): Record<string, unknown> {
  return {
    hold: hold.id,
    txId: hold.txId,
    status: hold.status,
    payer: account(names, hold.payer),
    payee: account(names, hold.payee),
    ...money(hold.amount),
    because: hold.classes.map(({ text }) => foreign(text)),
    made: utc(hold.createdMs),
    deadline: utc(hold.expiresMs),
    atDeadline: hold.onExpiry === 'return' ? 'goes back to the payer' : 'goes on to the payee',
    ended: utc(hold.endedMs),
    guardian: hold.guardian === null ? null : account(names, hold.guardian),
    options: hold.status === 'open' ? optionsOf(hold, names) : [],
  }
}

export function holdLines(hold: HoldInfo, names: Names): readonly string[] {
  const what = `${amountBoth(hold.amount)} from ${names.label(hold.payer)} to ${names.label(hold.payee)}`
  if (hold.status !== 'open')
    return [`${what} was held for review; ${ENDED[hold.status]} at ${time(hold.endedMs)}.`]
  const why = hold.classes.map(({ text }) => foreign(text))
  return [
    `${what} is held for review. The money has left the payer and has not reached the payee.`,
    `Why: ${why.length === 0 ? 'the validators that flagged it gave no reason' : why.join('; ')}.`,
    ...optionsOf(hold, names).map((option) => `What can be done: ${option}.`),
  ]
}

/** Each is done by a person, at a terminal. */
function optionsOf({ id, expiresMs, onExpiry, guardian }: HoldInfo, names: Names): readonly string[] {
  const then = onExpiry === 'return' ? 'goes back to the payer' : 'goes on to the payee'
  return [
    `wait: reviewers may release or return it; undecided it ${then} at ${time(expiresMs)} (${distance(expiresMs, Date.now())})`,
    `recall: the payer takes it back with: cordon quarantine recall ${id}`,
    guardian === null
      ? 'guardian: none was named before the payment, so nobody can confirm it alone'
      : `guardian: ${names.label(guardian)} may confirm it with: cordon quarantine confirm ${id}`,
  ]
}
