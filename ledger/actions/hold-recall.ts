/** hold.recall: the payer takes a quarantined amount back. */
import { equalBytes } from '../../crypto/bytes.ts'
import type { ActionDefinition } from './definition.ts'
import { onHold, type OnHold } from './on-hold.ts'

export type HoldRecall = OnHold<'hold.recall'>

export const holdRecall: ActionDefinition<HoldRecall> = onHold({
  tag: 2,
  type: 'hold.recall',
  act(context, hold) {
    if (!equalBytes(hold.payer, context.sender)) return 'hold-not-yours'
    context.endHold(hold, 'recalled')
    return null
  },
})
