/** What ordering asks of dissemination: certificates to order, and whether one in a block is right. */
import type { BatchCertificate, BatchRef, Block } from './types.ts'

/** Whether a batch is already in a block between the last delivered one and the parent. */
export type Excluded = (ref: BatchRef) => boolean

export interface PayloadSource {
  /**
   * Certificates for a block of this time, in the order they should have; at most `maxBytes` of encoding (4 bytes of
   * length before each included) and `maxCertsPerBlock` of them. None that is excluded, or void at `timeMs`.
   */
  select(wish: {
    readonly timeMs: number
    readonly excluded: Excluded
    readonly maxBytes: number
  }): readonly BatchCertificate[]
  /** Null if the certificate may stand in a block of its epoch, else why not. Depends on the certificate and set only. */
  check(certificate: BatchCertificate): string | null
  /** Whether a block made now would have work: certificates to order, or a hold that falls due. Asked often: it must be cheap. */
  hasOrderable(excluded: Excluded): boolean
  /** The block is final; called once per block, in height order. */
  onDelivered(block: Block): void
}
