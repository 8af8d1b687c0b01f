/** hold.confirm: the guardian that the payer had when a payment was held lets it go on. */
import { equalBytes } from '../../crypto/bytes.ts'
import type { Bytes32 } from '../types.ts'
import type { ActionDefinition } from './definition.ts'
import { openHold } from './open-hold.ts'

export interface HoldConfirm {
  readonly type: 'hold.confirm'
  /** Hold id. */
  readonly hold: Bytes32
}

export const holdConfirm: ActionDefinition<HoldConfirm> = {
  tag: 4,
  type: 'hold.confirm',
  encode(writer, body) {
    writer.fixed(body.hold, 32)
  },
  decode: (reader) => ({ type: 'hold.confirm', hold: reader.fixed(32) }),
  check() {
    // Any 32 bytes may be the id of a hold.
  },
  spends: () => 0n,
  touches: (body) => ({ accounts: [], holds: [body.hold] }),

  execute(context, body) {
    const hold = openHold(context, body.hold)
    if (typeof hold === 'string') return hold
    if (hold.guardian === null || !equalBytes(hold.guardian, context.sender)) return 'not-the-guardian'
    context.endHold(hold, 'confirmed')
    return null
  },
}
