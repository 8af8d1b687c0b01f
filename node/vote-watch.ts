/** Sees the votes go by, and what becomes of their blocks: who voted for what, and which votes this validator missed. */
import type { Logger } from 'pino'
import type { Effect, Input, Note } from '../consensus/replica-types.ts'
import type { ValidatorIndex, ValidatorSet } from '../consensus/types.ts'
import { equalBytes } from '../crypto/bytes.ts'
import { busyShare } from './busy-share.ts'
import { MissedVotes, type MissCounts } from './missed-votes.ts'
import { VoteLog } from './vote-log.ts'

export interface VoteWatchOptions {
  readonly set: ValidatorSet
  /** Null: a full node, which misses none. */
  readonly self: ValidatorIndex | null
  /** Whether this validator signs no votes at all. */
  readonly isMute: () => boolean
  readonly log: Pick<Logger, 'info'>
}

export class VoteWatch {
  readonly log: VoteLog
  readonly #self: ValidatorIndex | null
  readonly #missed: MissedVotes | null

  constructor({ set, self, isMute, log }: VoteWatchOptions) {
    this.log = new VoteLog(set)
    this.#self = self
    const onReport = (missed: Partial<MissCounts>): void => {
      log.info(
        { missed },
        'votes of this validator were missed; docs/operators.md says what each reason means',
      )
    }
    this.#missed = self === null ? null : new MissedVotes({ busyShare: busyShare(), isMute, onReport })
  }

  /** Since the start, by reason. */
  get missed(): Partial<MissCounts> {
    return this.#missed?.counts ?? {}
  }

  /** What goes into the engine. */
  received(input: Input): void {
    if (input.type !== 'message') return
    const { message, from } = input
    if (from.validator === null) return // strangers may say anything
    if (message.type === 'vote') this.log.heard(from.validator, message.vote)
    if (message.type === 'proposal') this.#missed?.proposed(message.proposal.proposal.view)
  }

  /** This validator voted. */
  cast({ vote, view }: Extract<Note, { kind: 'vote-cast' }>): void {
    if (this.#self === null) return
    this.log.heard(this.#self, { kind: vote, view })
    this.#missed?.voted(vote, view)
  }

  /** @param nowMs of the wall clock, which block times follow. */
  final({ digest, block, finalization }: Extract<Effect, { type: 'deliver' }>, nowMs: number): void {
    const latencyMs = Math.max(0, nowMs - block.timeMs)
    this.log.final(block, finalization, latencyMs)
    // One that is final by its descendant was voted on in a view that this certificate does not name.
    if (finalization.proposal !== null && equalBytes(finalization.proposal.blockDigest, digest))
      this.#missed?.final(finalization.view, latencyMs, performance.now())
  }
}
