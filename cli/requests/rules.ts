/** What the policy lets through: when a payment is asked for, and again when a person approves it. */
import { formatAmount } from '../../config/amount.ts'
import { CordonError } from '../../config/errors.ts'
import { time } from '../format.ts'
import type { Policy } from './policy.ts'
import { stateOf, type StoredRequest } from './request-folder.ts'
import type { Spent } from './spending.ts'

/** What is asked for. */
export interface Ask {
  /** Address. */
  readonly payee: string
  readonly amountUnits: bigint
}

/** That the policy allows the payment. @throws CordonError `policy-refused` with the limit and what it would come to. */
export function requireWithin(policy: Policy, { payee, amountUnits }: Ask, spent: Spent): void {
  if (payee === policy.payer) throw refused('the payee is the payer itself')
  if (!policy.payees.has(payee)) throw refused(`the policy does not let ${payee} be paid`)
  const sums: readonly (readonly [string, bigint, bigint])[] = [
    ['one payment', amountUnits, policy.maxPaymentUnits],
    ['24 hours', spent.dayUnits + amountUnits, policy.maxDayUnits],
    ['all payments together', spent.totalUnits + amountUnits, policy.maxTotalUnits],
  ]
  for (const [what, units, maxUnits] of sums)
    if (units > maxUnits)
      throw refused(
        `it would come to ${formatAmount(units)} for ${what}, and the policy allows ${formatAmount(maxUnits)}`,
      )
}

/** That another request may be made. @throws CordonError `policy-refused`. */
export function requireRoom(policy: Policy, requests: readonly StoredRequest[], nowMs: number): void {
  const open = openOf(policy, requests, nowMs).length
  if (open >= policy.maxOpen)
    throw refused(
      `${open} requests stand open, and the policy allows ${policy.maxOpen}; wait until a person decides, or one expires`,
    )
}

/**
 * That a person may approve a request now.
 * @param requests all there are: of those that stand open only the oldest `max_open` can be approved.
 * @throws CordonError `policy-refused`.
 */
export function requireApprovable(
  policy: Policy,
  request: StoredRequest,
  requests: readonly StoredRequest[],
  nowMs: number,
): void {
  const { id, decision, payer, policyDigest, expiresMs, createdMs } = request
  if (decision === 'declined') throw refused(`request ${id} was declined`)
  if (policyDigest !== policy.digest)
    throw refused(
      `request ${id} was made under another policy than this file has now; let it be asked for again`,
    )
  if (payer !== policy.payer) throw refused(`request ${id} is not for the payer of the policy`)
  if (nowMs >= expiresMs) throw refused(`request ${id} expired at ${time(expiresMs)}`)
  if (expiresMs - createdMs > policy.expiryMs || createdMs > nowMs + CLOCK_STEP_MS)
    throw refused(`request ${id} claims to stand open for longer than the policy allows`)
  const open = openOf(policy, requests, nowMs)
  if (decision === null && open.findIndex((other) => other.id === id) >= policy.maxOpen)
    throw refused(
      `${open.length} requests stand open, and the policy allows ${policy.maxOpen}; decide about older ones first`,
    )
}

/** A clock that was put back a little makes no request of the future. */
const CLOCK_STEP_MS = 60_000

/** Requests that stand open and are for the payer of the policy: others do not count against it. */
export function openOf(
  policy: Policy,
  requests: readonly StoredRequest[],
  nowMs: number,
): readonly StoredRequest[] {
  return requests.filter((request) => request.payer === policy.payer && stateOf(request, nowMs) === 'open')
}

function refused(problem: string): CordonError {
  return new CordonError('policy-refused', `${problem}. Nothing was signed`)
}
