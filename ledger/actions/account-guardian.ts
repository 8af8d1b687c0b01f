/** account.guardian: names the account that may confirm held payments of the sender, or none. In force after a delay. */
import { CordonError } from '../../config/errors.ts'
import { equalBytes } from '../../crypto/bytes.ts'
import { DecodeError } from '../../crypto/codec.ts'
import type { Bytes32 } from '../types.ts'
import type { ActionDefinition } from './definition.ts'

export interface AccountGuardian {
  readonly type: 'account.guardian'
  /** Account id. Null: none. */
  readonly guardian: Bytes32 | null
}

export const accountGuardian: ActionDefinition<AccountGuardian> = {
  tag: 8,
  type: 'account.guardian',
  encode(writer, body) {
    writer.u8(body.guardian === null ? 0 : 1)
    if (body.guardian !== null) writer.fixed(body.guardian, 32)
  },
  decode(reader) {
    const code = reader.u8()
    if (code > 1) throw new DecodeError(`expected 0 (no guardian) or 1 (a guardian), got ${code}`)
    return { type: 'account.guardian', guardian: code === 0 ? null : reader.fixed(32) }
  },
  check(body, sender) {
    if (body.guardian !== null && equalBytes(body.guardian, sender)) {
      throw new CordonError(
        'tx-action-invalid',
        'an account cannot be its own guardian: whoever has its key would have both factors; name another account',
      )
    }
  },
  spends: () => 0n,
  touches: () => ({ accounts: [], holds: [] }),

  execute(context, body) {
    return context.setGuardian(body.guardian) ? null : 'account-unknown'
  },
}
