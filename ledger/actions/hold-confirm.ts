/** hold.confirm: the guardian that the payer had when a payment was held lets it go on. */
import { equalBytes } from '../../crypto/bytes.ts'
import type { ActionDefinition } from './definition.ts'
import { onHold, type OnHold } from './on-hold.ts'

export type HoldConfirm = OnHold<'hold.confirm'>

export const holdConfirm: ActionDefinition<HoldConfirm> = onHold({
  tag: 4,
  type: 'hold.confirm',
  act(context, hold) {
    if (hold.guardian === null || !equalBytes(hold.guardian, context.sender)) return 'not-the-guardian'
    context.endHold(hold, 'confirmed')
    return null
  },
})
