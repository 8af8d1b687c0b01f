/** Votes that were missed. */
import type { BlockVotes } from '../../../client/api.ts'

/** A block this new may still get votes. */
const SETTLING_BLOCKS = 1

/** Votes that never came, of the blocks that are old enough. */
export function missedVotes(blocks: readonly BlockVotes[]): { readonly missed: number; readonly of: number } {
  const old = blocks.slice(0, -SETTLING_BLOCKS).flatMap(({ votes }) => votes)
  return { missed: old.filter((vote) => vote === 'none').length, of: old.length }
}
