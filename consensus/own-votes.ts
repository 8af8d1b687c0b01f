/** The votes this validator has cast, as the protocol needs them: to ask the guards, and to send them again (§8.3–4). */
import { pidKey } from './certificates.ts'
import { NO_VOTES, type OwnVotes } from './guards.ts'
import type { Vote } from './types.ts'

export class OwnVoteBook {
  readonly #views = new Map<number, Vote[]>()

  record(vote: Vote): void {
    const votes = this.#views.get(vote.view)
    if (votes === undefined) this.#views.set(vote.view, [vote])
    else votes.push(vote)
  }

  /** In the order of casting. */
  votes(view: number): readonly Vote[] {
    return this.#views.get(view) ?? []
  }

  /** Votes of all views, ascending. */
  all(): Vote[] {
    const views = [...this.#views].sort(([left], [right]) => left - right)
    return views.flatMap(([, votes]) => votes)
  }

  of(view: number): OwnVotes {
    const votes = this.#views.get(view)
    if (votes === undefined) return NO_VOTES
    const pidOfKind = (kind: Vote['kind']): string | null => {
      const vote = votes.find((candidate) => candidate.kind === kind)
      return vote === undefined ? null : pidKey(vote.pid)
    }
    return {
      notarize: pidOfKind('notarize'),
      nullify: pidOfKind('nullify') !== null,
      finalize: pidOfKind('finalize'),
    }
  }

  /** Whether exactly this vote was cast here. */
  has({ kind, view, pid }: Pick<Vote, 'kind' | 'view' | 'pid'>): boolean {
    return this.votes(view).some((vote) => vote.kind === kind && pidKey(vote.pid) === pidKey(pid))
  }

  prune(upToView: number): void {
    for (const view of this.#views.keys()) if (view <= upToView) this.#views.delete(view)
  }
}
