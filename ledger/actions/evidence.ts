/**
 * evidence: proof that a validator signed two things that no honest one signs both (consensus.md §10). It proves itself,
 * so it needs no sender, no fee and no signature: a transaction of the system. What the bytes say is for consensus to
 * judge; the ledger records the offence, once per validator. It moves no stake: that comes with epochs.
 */
import { CordonError } from '../../config/errors.ts'
import { LIMITS } from '../../config/limits.ts'
import type { ActionDefinition } from './definition.ts'

export interface EvidenceAction {
  readonly type: 'evidence'
  /** Encoded by consensus. */
  readonly evidence: Uint8Array
}

export const evidence: ActionDefinition<EvidenceAction> = {
  tag: 32,
  type: 'evidence',
  encode(writer, body) {
    writer.bytes(body.evidence)
  },
  decode(reader) {
    return { type: 'evidence', evidence: reader.bytes(LIMITS.evidenceBytes) }
  },
  check(body) {
    if (body.evidence.length === 0)
      throw new CordonError('tx-action-invalid', 'expected the bytes of two contradicting messages, got none')
  },
  spends: () => 0n,
  touches: () => ({ accounts: [], holds: [] }),

  execute(context, body) {
    context.recordOffence(body.evidence)
    return null
  },
}
