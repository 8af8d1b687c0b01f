/** hold.recall: the payer takes a quarantined amount back. */
import { equalBytes } from '../../crypto/bytes.ts'
import type { Bytes32 } from '../types.ts'
import type { ActionDefinition } from './definition.ts'
import { openHold } from './open-hold.ts'

export interface HoldRecall {
  readonly type: 'hold.recall'
  /** Hold id. */
  readonly hold: Bytes32
}

export const holdRecall: ActionDefinition<HoldRecall> = {
  tag: 2,
  type: 'hold.recall',
  encode(writer, body) {
    writer.fixed(body.hold, 32)
  },
  decode: (reader) => ({ type: 'hold.recall', hold: reader.fixed(32) }),
  check() {
    // Any 32 bytes may be the id of a hold.
  },
  spends: () => 0n,
  touches: (body) => ({ accounts: [], holds: [body.hold] }),

  execute(context, body) {
    const hold = openHold(context, body.hold)
    if (typeof hold === 'string') return hold
    if (!equalBytes(hold.payer, context.sender)) return 'hold-not-yours'
    context.endHold(hold, 'recalled')
    return null
  },
}
