/**
 * Who voted for the newest final blocks, as this node heard it. The certificate of a block has a quorum only: whoever voted
 * a little later is not in it, and did not miss the vote.
 */
import type { BlockVotes, VoteState } from '../client/api.ts'
import { LIMITS } from '../config/limits.ts'
import type { Block, Certificate, ValidatorIndex, ValidatorSet, Vote } from '../consensus/types.ts'

/** Votes of later views are kept this far ahead of the newest final one. */
const VIEWS_AHEAD = 64

/** Views of blocks, and of attempts between them. */
const MOST_VIEWS = 4 * LIMITS.votedBlocks

const STATES: readonly VoteState[] = ['none', 'notarize', 'finalize']
const NOTARIZE = 1
const FINALIZE = 2

interface FinalBlock {
  readonly height: number
  readonly view: number
  readonly author: ValidatorIndex
  readonly timeMs: number
  readonly latencyMs: number
}

export class VoteLog {
  readonly #set: ValidatorSet
  /** By view: the strongest vote heard of each validator, an index into `STATES`. */
  readonly #votes: Map<number, Uint8Array> = new Map()
  readonly #blocks: FinalBlock[] = []
  #newestView = 0

  constructor(set: ValidatorSet) {
    this.#set = set
  }

  /** A vote came from the validator that signed it, or was cast here. Its signature is checked elsewhere, if it counts. */
  heard(validator: ValidatorIndex, { kind, view }: Pick<Vote, 'kind' | 'view'>): void {
    if (kind === 'nullify' || view > this.#newestView + VIEWS_AHEAD || view < this.#oldestView) return
    if (!this.#votes.has(view) && this.#votes.size >= MOST_VIEWS) return
    const votes = this.#votesOf(view)
    const state = kind === 'finalize' ? FINALIZE : NOTARIZE
    votes[validator] = Math.max(votes[validator] ?? 0, state)
  }

  /** A block became final here, `latencyMs` after the time in its header. */
  final(
    { height, author, timeMs }: Pick<Block, 'height' | 'author' | 'timeMs'>,
    { view, signers }: Pick<Certificate, 'view' | 'signers'>,
    latencyMs: number,
  ): void {
    this.#newestView = Math.max(this.#newestView, view)
    const votes = this.#votesOf(view)
    for (const signer of signers) votes[signer] = FINALIZE
    this.#blocks.push({ height, view, author, timeMs, latencyMs })
    if (this.#blocks.length <= LIMITS.votedBlocks) return
    this.#blocks.shift()
    for (const heardOf of this.#votes.keys()) if (heardOf < this.#oldestView) this.#votes.delete(heardOf)
  }

  /** Of the kept blocks from this height on, lowest first. */
  since(height: number): BlockVotes[] {
    return this.#blocks
      .filter((block) => block.height >= height)
      .map(({ author, view, ...block }) => ({
        ...block,
        view,
        author: this.#set.validators[author]?.name ?? String(author),
        votes: Array.from(this.#votes.get(view) ?? [], (state) => STATES[state] ?? 'none'),
      }))
  }

  get #oldestView(): number {
    return this.#blocks[0]?.view ?? 0
  }

  #votesOf(view: number): Uint8Array {
    let votes = this.#votes.get(view)
    if (votes === undefined) {
      votes = new Uint8Array(this.#set.validators.length)
      this.#votes.set(view, votes)
    }
    return votes
  }
}
