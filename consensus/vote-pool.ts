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

/** Votes in one view: by kind and name of the proposal, and all of them in the order in which they came up. */
interface ViewVotes {
  readonly byKind: Readonly<Record<VoteKind, Map<string, MutableTally>>>
  readonly all: MutableTally[]
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
  readonly #views = new Map<number, ViewVotes>()
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
    const known = this.#views.get(view)?.byKind[kind].get(pidHex)?.signatures.get(signer)
    return known !== undefined && equalBytes(known, signature)
  }

  /** Enters a vote whose signature was checked. */
  add({ kind, view, pid, signer, signature }: Omit<Vote, 'epoch'>): PoolAnswer {
    const votes = this.#votesOf(view)
    const tallies = votes.byKind[kind]
    const key = pidKey(pid)
    const tally = tallies.get(key)
    if (tally?.signatures.has(signer) === true) return 'known'
    const others = proposalsOf(tallies, signer)
    if (others >= PROPOSALS_PER_VALIDATOR) return 'dropped'
    const counted = tally ?? {
      kind,
      view,
      pid,
      weight: 0n,
      signatures: new Map<ValidatorIndex, Uint8Array>(),
    }
    if (tally === undefined) {
      tallies.set(key, counted)
      votes.all.push(counted)
    }
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
    for (const tally of this.tallies(view)) {
      const signature = tally.signatures.get(signer)
      if (signature !== undefined && contradiction(tally, { kind, pid }) !== null)
        return { kind: tally.kind, pid: tally.pid, signature }
    }
    return null
  }

  #votesOf(view: number): ViewVotes {
    let votes = this.#views.get(view)
    if (votes === undefined) {
      votes = { byKind: { notarize: new Map(), nullify: new Map(), finalize: new Map() }, all: [] }
      this.#views.set(view, votes)
    }
    return votes
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
    return this.#views.get(view)?.byKind[kind].get(pidKey(pid)) ?? null
  }

  /** All votes of the view. */
  tallies(view: number): readonly Tally[] {
    return this.#views.get(view)?.all ?? []
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

/** For how many proposals a validator is counted. */
function proposalsOf(tallies: ReadonlyMap<string, Tally>, signer: ValidatorIndex): number {
  let count = 0
  for (const tally of tallies.values()) if (tally.signatures.has(signer)) count++
  return count
}
