/**
 * Votes by view, kind and proposal, each validator's weight counted once (consensus.md §5, §13). Also the memory of
 * checked signatures: a vote that arrived alone is not checked again inside a certificate, nor the other way round.
 */
import { LIMITS } from '../config/limits.ts'
import { equalBytes } from '../crypto/bytes.ts'
import { pidKey, type KnownVotes } from './certificates.ts'
import { contradiction, type SignedChoice } from './evidence.ts'
import type { Certificate, Digest, ValidatorIndex, ValidatorSet, Vote, VoteKind } from './types.ts'
import { weightOfIndex } from './validator-set.ts'

/** Votes of one kind for one thing in one view. */
export interface Tally {
  readonly kind: VoteKind
  readonly view: number
  readonly pid: Digest | null
  readonly weight: bigint
  readonly signatures: ReadonlyMap<ValidatorIndex, Uint8Array>
}

interface MutableTally extends Tally {
  weight: bigint
  readonly signatures: Map<ValidatorIndex, Uint8Array>
}

/** Told of two votes of one validator in one view that no honest one casts both. */
export type OnContradiction = (
  view: number,
  validator: ValidatorIndex,
  first: SignedChoice,
  second: SignedChoice,
) => void

/** `conflict`: counted, and the same validator voted for another proposal in this kind and view before. */
export type PoolAnswer = 'counted' | 'conflict' | 'known' | 'dropped'

/** Different proposals of one kind and view that are kept per validator; the second one only as evidence and for a quorum of others. */
const PROPOSALS_PER_VALIDATOR = 2

export class VotePool implements KnownVotes {
  readonly #set: ValidatorSet
  readonly #views = new Map<number, Map<string, MutableTally>>()
  /** Votes beyond the next view: only the highest of each validator and kind (§13). */
  readonly #future = new Map<string, Vote>()

  readonly #onContradiction: OnContradiction

  constructor(set: ValidatorSet, onContradiction: OnContradiction = () => undefined) {
    this.#set = set
    this.#onContradiction = onContradiction
  }

  isKnown(
    kind: VoteKind,
    view: number,
    pidHex: string,
    signer: ValidatorIndex,
    signature: Uint8Array,
  ): boolean {
    const known = this.#views.get(view)?.get(tallyKey(kind, pidHex))?.signatures.get(signer)
    return known !== undefined && equalBytes(known, signature)
  }

  /** Enters a vote whose signature was checked. */
  add({ kind, view, pid, signer, signature }: Omit<Vote, 'epoch'>): PoolAnswer {
    const tallies = this.#talliesOf(view)
    const tally = tallies.get(tallyKey(kind, pidKey(pid)))
    if (tally?.signatures.has(signer) === true) return 'known'
    const others = this.#proposalsOf(tallies, kind, signer)
    if (others >= PROPOSALS_PER_VALIDATOR) return 'dropped'
    const counted = tally ?? {
      kind,
      view,
      pid,
      weight: 0n,
      signatures: new Map<ValidatorIndex, Uint8Array>(),
    }
    if (tally === undefined) tallies.set(tallyKey(kind, pidKey(pid)), counted)
    counted.signatures.set(signer, signature)
    counted.weight += weightOfIndex(this.#set, signer)
    const against = this.contradicted({ kind, view, pid, signer })
    if (against !== null) this.#onContradiction(view, signer, against, { kind, pid, signature })
    return others === 0 ? 'counted' : 'conflict'
  }

  /** A vote in the pool that an honest validator would not have cast beside this one, or null. */
  contradicted({
    kind,
    view,
    pid,
    signer,
  }: Pick<Vote, 'kind' | 'view' | 'pid' | 'signer'>): SignedChoice | null {
    for (const tally of this.#views.get(view)?.values() ?? []) {
      const signature = tally.signatures.get(signer)
      if (signature !== undefined && contradiction(tally, { kind, pid }) !== null)
        return { kind: tally.kind, pid: tally.pid, signature }
    }
    return null
  }

  #talliesOf(view: number): Map<string, MutableTally> {
    let tallies = this.#views.get(view)
    if (tallies === undefined) {
      tallies = new Map()
      this.#views.set(view, tallies)
    }
    return tallies
  }

  #proposalsOf(tallies: ReadonlyMap<string, Tally>, kind: VoteKind, signer: ValidatorIndex): number {
    let count = 0
    for (const tally of tallies.values()) if (tally.kind === kind && tally.signatures.has(signer)) count++
    return count
  }

  /** Enters the votes of a checked certificate. */
  absorb(certificate: Certificate, pid: Digest | null): void {
    const { kind, view, signers, signatures } = certificate
    for (const [position, signer] of signers.entries()) {
      this.add({ kind, view, pid, signer, signature: signatures[position] as Uint8Array })
    }
  }

  /** Keeps a checked vote of a view beyond the next, in place of a lower one of the same validator and kind. */
  addFuture(vote: Vote): void {
    const key = `${vote.signer}/${vote.kind}`
    const kept = this.#future.get(key)
    if (kept === undefined || kept.view < vote.view) this.#future.set(key, vote)
  }

  /** Moves future votes up to `view` into the pool and returns them. */
  takeFuture(view: number): Vote[] {
    const due: Vote[] = []
    for (const [key, vote] of this.#future) {
      if (vote.view > view) continue
      this.#future.delete(key)
      if (this.add(vote) !== 'dropped') due.push(vote)
    }
    return due
  }

  tally(kind: VoteKind, view: number, pid: Digest | null): Tally | null {
    return this.#views.get(view)?.get(tallyKey(kind, pidKey(pid))) ?? null
  }

  /** All votes of the view. */
  tallies(view: number): Tally[] {
    return [...(this.#views.get(view)?.values() ?? [])]
  }

  /** What in this view has weight ≥ q. */
  quorums(view: number): Tally[] {
    return this.tallies(view).filter((tally) => tally.weight >= this.#set.quorumWeight)
  }

  /** Views that have votes, for a recount after a restart. */
  views(): number[] {
    return [...this.#views.keys()]
  }

  /** Forgets what is settled. Votes are kept a while longer: what contradicts them may come late. */
  prune(upToView: number): void {
    for (const view of this.#views.keys())
      if (view <= upToView - LIMITS.evidenceViews) this.#views.delete(view)
    for (const [key, vote] of this.#future) if (vote.view <= upToView) this.#future.delete(key)
  }
}

function tallyKey(kind: VoteKind, pidHex: string): string {
  return `${kind}/${pidHex}`
}
