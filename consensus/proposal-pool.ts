/**
 * Proposals by view (consensus.md §5, §13): the first one accepted from the leader is the one to vote on; a second,
 * different one is kept because others may notarize it. Blocks wait here until a vote or a certificate vouches for them.
 */
import { LIMITS } from '../config/limits.ts'
import { equalBytes } from '../crypto/bytes.ts'
import type { Block, Digest, Proposal, ProposalMessage } from './types.ts'

export interface Pending {
  readonly message: ProposalMessage
  readonly pid: Digest
  /** Name of the proposal in maps. */
  readonly key: string
  /** Result of the checks that depend on the chain alone; undefined before they ran, null: valid. */
  invalid?: string | null
}

const PROPOSALS_PER_VIEW = 2

export class ProposalPool {
  readonly #pending = new Map<number, Pending[]>()
  /** What certificates and proposals told of proposals, by view and name. */
  readonly #proposals = new Map<number, Map<string, Proposal>>()

  /** The proposal to vote on in this view. */
  first(view: number): Pending | null {
    return this.#pending.get(view)?.[0] ?? null
  }

  has(view: number, key: string): boolean {
    return this.#pending.get(view)?.some((pending) => pending.key === key) === true
  }

  isFull(view: number): boolean {
    return (this.#pending.get(view)?.length ?? 0) >= PROPOSALS_PER_VIEW
  }

  add(pending: Pending): void {
    const { proposal } = pending.message
    const list = this.#pending.get(proposal.view)
    if (list === undefined) this.#pending.set(proposal.view, [pending])
    else if (list.length < PROPOSALS_PER_VIEW) list.push(pending)
    this.register(pending.key, proposal)
  }

  /** Remembers which proposal an id stands for: certificates are made from votes, which carry only the id. */
  register(key: string, proposal: Proposal): void {
    const known = this.#proposals.get(proposal.view)
    if (known === undefined) this.#proposals.set(proposal.view, new Map([[key, proposal]]))
    else known.set(key, proposal)
  }

  proposal(view: number, key: string): Proposal | null {
    return this.#proposals.get(view)?.get(key) ?? null
  }

  /** A block that came with a proposal. */
  block(digest: Digest): Block | null {
    for (const list of this.#pending.values()) {
      const found = list.find(({ message }) => equalBytes(message.proposal.blockDigest, digest))
      if (found !== undefined) return found.message.block
    }
    return null
  }

  /** Forgets final views, and the blocks of all but the newest views: those are fetched if they turn out notarized. */
  prune(finalView: number, currentView: number): void {
    for (const view of this.#proposals.keys()) if (view <= finalView) this.#proposals.delete(view)
    const keepFrom = Math.max(finalView + 1, currentView - LIMITS.uncertifiedBlockViews)
    for (const view of this.#pending.keys()) if (view < keepFrom) this.#pending.delete(view)
  }
}
