/** Own results of execution, and what headers commit to of them (consensus.md §12, Committed results). */
import { LIMITS } from '../config/limits.ts'
import { equalBytes, toHex } from '../crypto/bytes.ts'
import { EMPTY_ROOT, merkleRoot } from '../crypto/merkle.ts'
import type { ExecutionResult } from './replica-types.ts'
import type { Digest, ExecutedResults } from './types.ts'
import { resultLeaf } from './wire.ts'

export type ResultsVerdict =
  | { readonly verdict: 'right' }
  /** This node has not executed that far yet. */
  | { readonly verdict: 'wait' }
  | { readonly verdict: 'wrong'; readonly reason: string }
  /** Well-formed, but this node computed something else: either it or the leader is broken. */
  | { readonly verdict: 'mismatch'; readonly height: number; readonly own: string; readonly claimed: string }

export class ResultLog {
  readonly #results = new Map<number, ExecutionResult>()
  #lastHeight = 0
  #lastWorkHeight = 0

  constructor(restored: readonly ExecutionResult[]) {
    for (const result of restored) this.add(result)
  }

  /** Newest executed height that had certificates or expiries. */
  get lastWorkHeight(): number {
    return this.#lastWorkHeight
  }

  add(result: ExecutionResult): void {
    this.#results.set(result.height, result)
    this.#lastHeight = Math.max(this.#lastHeight, result.height)
    if (result.hadWork) this.#lastWorkHeight = Math.max(this.#lastWorkHeight, result.height)
  }

  /** Results that a final header commits to are not asked for again; its own height is the base of the next. */
  prune(committedHeight: number): void {
    for (const height of this.#results.keys()) if (height < committedHeight) this.#results.delete(height)
  }

  /** "The leader names max(parent.executed.height, own last executed height − 1)", at most 64 heights on. */
  claim(parent: ExecutedResults): ExecutedResults {
    const height = Math.min(this.#lastHeight - 1, parent.height + LIMITS.resultsPerHeader)
    const results = height > parent.height ? this.#between(parent.height, height) : null
    const last = results?.at(-1)
    if (results === null || last === undefined)
      return { height: parent.height, stateRoot: parent.stateRoot, resultsRoot: EMPTY_ROOT }
    return { height, stateRoot: last.stateRoot, resultsRoot: rootOf(results) }
  }

  /** Judges what a block of `blockHeight` on a parent with these committed results claims. */
  judge(parent: ExecutedResults, claimed: ExecutedResults, blockHeight: number): ResultsVerdict {
    if (claimed.height >= blockHeight)
      return wrong(`executed height ${claimed.height} is not below the block's own ${blockHeight}`)
    if (claimed.height < parent.height)
      return wrong(`executed height ${claimed.height} is below the parent's ${parent.height}`)
    if (claimed.height > parent.height + LIMITS.resultsPerHeader) {
      return wrong(
        `more than ${LIMITS.resultsPerHeader} heights of results after ${parent.height}: ${claimed.height}`,
      )
    }
    if (claimed.height === parent.height) {
      const copied =
        equalBytes(claimed.stateRoot, parent.stateRoot) && equalBytes(claimed.resultsRoot, EMPTY_ROOT)
      return copied ? { verdict: 'right' } : wrong('same executed height as the parent, but other roots')
    }
    const results = this.#between(parent.height, claimed.height)
    if (results === null) return { verdict: 'wait' }
    return this.#compare(results, claimed)
  }

  #compare(results: readonly ExecutionResult[], claimed: ExecutedResults): ResultsVerdict {
    const { stateRoot } = results.at(-1) as ExecutionResult
    const resultsRoot = rootOf(results)
    if (equalBytes(stateRoot, claimed.stateRoot) && equalBytes(resultsRoot, claimed.resultsRoot))
      return { verdict: 'right' }
    return {
      verdict: 'mismatch',
      height: claimed.height,
      own: describe(stateRoot, resultsRoot),
      claimed: describe(claimed.stateRoot, claimed.resultsRoot),
    }
  }

  /** Results of the heights above `from` up to `to`, or null unless all are known. */
  #between(from: number, to: number): ExecutionResult[] | null {
    if (to > this.#lastHeight) return null
    const results: ExecutionResult[] = []
    for (let height = from + 1; height <= to; height++) {
      const result = this.#results.get(height)
      if (result === undefined) return null
      results.push(result)
    }
    return results
  }
}

function rootOf(results: readonly ExecutionResult[]): Digest {
  return merkleRoot(results.map(({ height, receiptsRoot }) => resultLeaf(height, receiptsRoot)))
}

function describe(stateRoot: Digest, resultsRoot: Digest): string {
  return `state ${toHex(stateRoot)}, results ${toHex(resultsRoot)}`
}

function wrong(reason: string): ResultsVerdict {
  return { verdict: 'wrong', reason }
}
