/**
 * Everything that validators were seen to sign, across all their lives, and what of it contradicts itself. The rules are
 * written out again from the table of consensus.md §10; no rule of the code under test is imported.
 */
export type Kind = 'notarize' | 'nullify' | 'finalize'

/** One signed vote, its signature checked. `pid` in hex; null exactly for nullify. */
export interface SeenVote {
  readonly validator: number
  readonly view: number
  readonly kind: Kind
  readonly pid: string | null
}

/** Of one validator in one view. */
interface Ballot {
  readonly notarize: Set<string>
  readonly finalize: Set<string>
  nullify: boolean
}

export class VoteBook {
  readonly #ballots = new Map<string, Ballot>()
  readonly #batches = new Map<string, string>()
  readonly #findings: string[] = []
  #votes = 0

  /** Different votes. */
  get votes(): number {
    return this.#votes
  }

  /** Different batches. */
  get batches(): number {
    return this.#batches.size
  }

  /** One line for each vote or batch that contradicts an earlier one of its signer. */
  get findings(): readonly string[] {
    return this.#findings
  }

  has({ validator, view, kind, pid }: SeenVote): boolean {
    const ballot = this.#ballots.get(`${validator}/${view}`)
    if (ballot === undefined) return false
    return kind === 'nullify' ? ballot.nullify : ballot[kind].has(pid ?? '')
  }

  vote(seen: SeenVote): void {
    if (this.has(seen)) return
    const { validator, view, kind, pid } = seen
    const key = `${validator}/${view}`
    const ballot = this.#ballots.get(key) ?? { notarize: new Set(), finalize: new Set(), nullify: false }
    this.#ballots.set(key, ballot)
    this.#votes++
    if (kind === 'nullify') ballot.nullify = true
    else ballot[kind].add(pid ?? '')
    const why = contradictionIn(ballot)
    if (why !== null)
      this.#findings.push(`validator ${validator}, view ${view}: ${why}, by its ${kind} vote ${pid ?? ''}`)
  }

  /** A signed batch: its digest in hex. */
  batch(author: number, seq: number, digest: string): void {
    const key = `${author}/${seq}`
    const known = this.#batches.get(key)
    if (known === undefined) this.#batches.set(key, digest)
    else if (known !== digest)
      this.#findings.push(`validator ${author} signed two batches ${seq}: ${known} and ${digest}`)
  }
}

function contradictionIn({ notarize, finalize, nullify }: Ballot): string | null {
  if (notarize.size > 1) return 'two notarize votes'
  if (finalize.size > 1) return 'two finalize votes'
  if (nullify && finalize.size > 0) return 'nullify and finalize'
  if ([...finalize].some((pid) => notarize.size > 0 && !notarize.has(pid)))
    return 'notarize and finalize of different proposals'
  return null
}
