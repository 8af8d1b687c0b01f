/** The rule that all actions on a hold share. */
import type { Bytes32, FailureCode, Hold } from '../types.ts'
import type { ActionContext } from './definition.ts'

/**
 * A hold that can still take an action, or why it cannot. A due hold takes none: it ends by expiry, in this block or,
 * if more fell due than one block may end, in a later one (ledger.md, Time).
 */
export function openHold(context: ActionContext, id: Bytes32): Hold | FailureCode {
  const hold = context.hold(id)
  if (hold === null) return 'hold-unknown'
  if (hold.end !== null) return 'hold-ended'
  if (hold.expiresMs <= context.timeMs) return 'hold-due'
  return hold
}
