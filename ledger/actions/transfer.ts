/** Transfer: moves an amount, or puts it into quarantine when the verdict says so. */
import { isUtf8 } from 'node:buffer'
import { CordonError } from '../../config/errors.ts'
import { LIMITS } from '../../config/limits.ts'
import { equalBytes } from '../../crypto/bytes.ts'
import { DecodeError } from '../../crypto/codec.ts'
import type { Bytes32 } from '../types.ts'
import type { ActionDefinition } from './definition.ts'

export interface Transfer {
  readonly type: 'transfer'
  /** Account id of the payee. Not the sender: a payment to oneself moves nothing and would only blur its history. */
  readonly to: Bytes32
  /** In uCRD, more than 0. */
  readonly amount: bigint
  /** UTF-8, at most 128 bytes. */
  readonly memo: Uint8Array
}

export const transfer: ActionDefinition<Transfer> = {
  tag: 1,
  type: 'transfer',

  encode(writer, body) {
    writer.fixed(body.to, 32).u64(body.amount).u8(body.memo.length).raw(body.memo)
  },

  decode(reader) {
    const to = reader.fixed(32)
    const amount = reader.u64()
    const memoBytes = reader.u8()
    if (memoBytes > LIMITS.memoBytes)
      throw new DecodeError(`expected a memo of at most ${LIMITS.memoBytes} bytes, got ${memoBytes}`)
    return { type: 'transfer', to, amount, memo: reader.fixed(memoBytes) }
  },

  check(body, sender) {
    if (body.amount === 0n)
      throw new CordonError('tx-action-invalid', 'a transfer must move more than 0 uCRD')
    if (equalBytes(body.to, sender)) {
      throw new CordonError(
        'tx-action-invalid',
        'a transfer must go to another account than its sender; choose another payee',
      )
    }
    if (body.memo.length > 0 && !isUtf8(body.memo))
      throw new CordonError('tx-action-invalid', 'the memo must be UTF-8 text')
  },

  spends: (body) => body.amount,
  touches: (body) => ({ accounts: [body.to], holds: [] }),

  execute(context, body) {
    const held = context.verdict !== null
    context.noteTransfer(body.to, body.amount, held)
    if (!context.debit(context.sender, body.amount)) return 'insufficient-funds'
    if (context.verdict === null) context.credit(body.to, body.amount)
    else context.quarantine(body.to, body.amount, context.verdict)
    return null
  },
}
