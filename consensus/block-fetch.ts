/**
 * Fetching blocks by digest with their ancestors (consensus.md §8.7). At most one chain per purpose is wanted at a time:
 * a certificate for a high view must not start a fetch for every lower view.
 */
import { toHex } from '../crypto/bytes.ts'
import type { BlockTree } from './block-tree.ts'
import type { Target } from './replica-types.ts'
import type { Block, Digest, ValidatorIndex } from './types.ts'
import { blockDigest } from './wire.ts'

const FIRST_BACKOFF_MS = 500
const BACKOFF_GROWTH = 1.5
const LONGEST_BACKOFF_MS = 30_000
/** Longest wait while finalizations come in: the network is there, so a request that got no answer was just lost. */
const BACKOFF_WHILE_ALIVE_MS = 1_000
/** Asked at the same time. */
const PARALLEL_REQUESTS = 2

/** Why a chain is wanted. `final` keeps its goal until it is reached, however far the chain moves on meanwhile. */
export type FetchPurpose = 'final' | 'notarized' | 'parent'

interface Wanted {
  readonly goal: string
  /** The lowest missing ancestor of the goal, or the goal itself. */
  need: Digest
  readonly candidates: readonly ValidatorIndex[]
  attempt: number
  backoffMs: number
  nextMs: number
  askedMs: number
  /** Who answered last: asked first for the next page. */
  responder: string | null
}

export interface FetchRequest {
  readonly digest: Digest
  readonly targets: readonly Target[]
}

export class BlockFetcher {
  readonly #tree: BlockTree
  readonly #wanted = new Map<FetchPurpose, Wanted>()

  constructor(tree: BlockTree) {
    this.#tree = tree
  }

  /** Wants the chain of `goal`, or nothing (null). Candidates are asked in order, then anyone. */
  want(
    purpose: FetchPurpose,
    goal: Digest | null,
    candidates: () => readonly ValidatorIndex[],
    nowMs: number,
  ): void {
    const current = this.#wanted.get(purpose)
    if (goal === null) {
      this.#wanted.delete(purpose)
      return
    }
    const name = toHex(goal)
    if (current?.goal === name) return
    const need = this.#tree.missing(goal)
    if (need === null) this.#wanted.delete(purpose)
    else
      this.#wanted.set(purpose, {
        goal: name,
        need,
        candidates: candidates(),
        attempt: 0,
        backoffMs: FIRST_BACKOFF_MS,
        nextMs: nowMs,
        askedMs: -Infinity,
        responder: null,
      })
  }

  isWanted(purpose: FetchPurpose): boolean {
    return this.#wanted.has(purpose)
  }

  /** The blocks of an answer that continue a wanted chain, newest first; the rest was not asked for. */
  select(blocks: readonly Block[]): { readonly digest: Digest; readonly block: Block }[] {
    const expected = new Set([...this.#wanted.values()].map(({ need }) => toHex(need)))
    const selected: { digest: Digest; block: Block }[] = []
    for (const block of blocks) {
      const digest = blockDigest(block)
      if (!expected.has(toHex(digest))) break
      expected.add(toHex(block.parentDigest))
      selected.push({ digest, block })
    }
    return selected
  }

  /** To be called after the tree grew: finished chains end, those that moved on ask for the next page at once. */
  advance(nowMs: number, responder: string | null): void {
    for (const [purpose, wanted] of this.#wanted) {
      const need = this.#tree.missing(wanted.need)
      if (need === null) {
        this.#wanted.delete(purpose)
      } else if (need !== wanted.need) {
        Object.assign(wanted, { need, attempt: 0, backoffMs: FIRST_BACKOFF_MS, nextMs: nowMs, responder })
      }
    }
  }

  /** A finalization came in. */
  networkIsAlive(nowMs: number): void {
    for (const wanted of this.#wanted.values()) {
      wanted.nextMs = Math.min(wanted.nextMs, Math.max(nowMs, wanted.askedMs + BACKOFF_WHILE_ALIVE_MS))
    }
  }

  clear(): void {
    this.#wanted.clear()
  }

  /** Requests that are due; an answer that does not come is asked for again, elsewhere. */
  due(nowMs: number): FetchRequest[] {
    if (this.nextDeadlineMs > nowMs) return []
    const requests = new Map<string, FetchRequest>()
    for (const wanted of this.#wanted.values()) {
      if (wanted.nextMs > nowMs) continue
      const name = toHex(wanted.need)
      if (!requests.has(name)) requests.set(name, { digest: wanted.need, targets: targetsOf(wanted) })
      wanted.attempt++
      wanted.askedMs = nowMs
      wanted.nextMs = nowMs + wanted.backoffMs
      wanted.backoffMs = Math.min(wanted.backoffMs * BACKOFF_GROWTH, LONGEST_BACKOFF_MS)
    }
    return [...requests.values()]
  }

  get nextDeadlineMs(): number {
    let next = Infinity
    for (const { nextMs } of this.#wanted.values()) next = Math.min(next, nextMs)
    return next
  }
}

function targetsOf({ candidates, attempt, responder }: Wanted): Target[] {
  if (attempt === 0 && responder !== null) return [{ kind: 'peer', id: responder }]
  const places = candidates.length + 1 // the last place is "anyone"
  return Array.from({ length: PARALLEL_REQUESTS }, (_, i): Target => {
    const index = candidates[(attempt * PARALLEL_REQUESTS + i) % places]
    return index === undefined ? { kind: 'anyone' } : { kind: 'validator', index }
  })
}
