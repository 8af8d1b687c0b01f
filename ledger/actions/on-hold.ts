/** Actions whose body is the id of a hold and nothing else: one party ends it alone. */
import type { Bytes32, FailureCode, Hold } from '../types.ts'
import type { ActionContext, ActionDefinition } from './definition.ts'
import { openHold } from './open-hold.ts'

export interface OnHold<Type extends string> {
  readonly type: Type
  /** Hold id. */
  readonly hold: Bytes32
}

export interface OnHoldOptions<Type extends string> {
  readonly tag: number
  readonly type: Type
  /** Acts on a hold that can still take an action. Null, or why it fails. */
  readonly act: (context: ActionContext, hold: Hold) => FailureCode | null
}

export function onHold<Type extends string>({
  tag,
  type,
  act,
}: OnHoldOptions<Type>): ActionDefinition<OnHold<Type>> {
  return {
    tag,
    type,
    encode(writer, body) {
      writer.fixed(body.hold, 32)
    },
    decode: (reader) => ({ type, hold: reader.fixed(32) }),
    check() {
      // Any 32 bytes may be the id of a hold.
    },
    spends: () => 0n,
    touches: (body) => ({ accounts: [], holds: [body.hold] }),
    execute(context, body) {
      const hold = openHold(context, body.hold)
      return typeof hold === 'string' ? hold : act(context, hold)
    },
  }
}
