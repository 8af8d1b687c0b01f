/** What is known of the other validators: the view each has shown itself in, and when each was last heard. */
import { LIMITS } from '../config/limits.ts'
import type { ValidatorIndex, ValidatorSet, Vote } from './types.ts'
import { weightOf } from './validator-set.ts'

export class PeerProgress {
  readonly #set: ValidatorSet
  readonly #self: ValidatorIndex | null
  /** Highest view each validator has shown itself in. */
  readonly #seenView: number[]
  /** Own view, and own time, when each was last heard. */
  readonly #heardInView: number[]
  readonly #heardMs: number[]

  /** Counts from the view the node starts in: nobody is taken for dead who could not have been heard yet. */
  constructor(set: ValidatorSet, self: ValidatorIndex | null, startView: number) {
    this.#set = set
    this.#self = self
    this.#seenView = set.validators.map(() => 0)
    this.#heardInView = set.validators.map(() => startView)
    this.#heardMs = set.validators.map(() => -Infinity)
  }

  /** A vote or proposal with a right signature came from this validator. */
  heard(signer: ValidatorIndex, ownView: number, nowMs: number): void {
    this.#heardInView[signer] = Math.max(this.#heardInView[signer] ?? 0, ownView)
    this.#heardMs[signer] = nowMs
  }

  /** Who finalizes a view holds its notarization and has left it. */
  sawVote({ kind, view, signer }: Pick<Vote, 'kind' | 'view' | 'signer'>): void {
    this.#seenView[signer] = Math.max(this.#seenView[signer] ?? 0, kind === 'finalize' ? view + 1 : view)
  }

  seenView(index: ValidatorIndex): number {
    return this.#seenView[index] ?? 0
  }

  /** Other validators not yet seen beyond `view`. */
  notSeenBeyond(view: number): ValidatorIndex[] {
    return [...this.#seenView.keys()].filter((index) => index !== this.#self && this.seenView(index) <= view)
  }

  /** "If leader(v) has not been heard for 32 views while weight ≥ q has been heard" (§7, fast skip). */
  isSilent(leader: ValidatorIndex, ownView: number): boolean {
    if (leader === this.#self || !this.#isQuiet(leader, ownView)) return false
    const heard = [...this.#heardInView.keys()].filter(
      (index) => index === this.#self || !this.#isQuiet(index, ownView),
    )
    return weightOf(this.#set, heard) >= this.#set.quorumWeight
  }

  #isQuiet(index: ValidatorIndex, ownView: number): boolean {
    return ownView - (this.#heardInView[index] ?? 0) >= LIMITS.fastSkipViews
  }

  /** Validators from whom nothing came since `sinceMs`: named in alarms. */
  notHeardSince(sinceMs: number): ValidatorIndex[] {
    return [...this.#heardMs.keys()].filter(
      (index) => index !== this.#self && (this.#heardMs[index] ?? -Infinity) < sinceMs,
    )
  }
}
