/**
 * When a block is valid on its parent (consensus.md 4.1.7, §12; ledger.md, Time). Everything here depends on the chain
 * alone, so honest validators agree; the two exceptions only make a validator wait: its clock and its own execution.
 */
import { LIMITS } from '../config/limits.ts'
import type { Parameters } from '../config/parameters.ts'
import { equalBytes } from '../crypto/bytes.ts'
import type { ParentInfo } from './block-tree.ts'
import type { PayloadSource } from './payload-source.ts'
import type { ResultLog } from './result-log.ts'
import type { Block, Digest, ValidatorIndex, ValidatorSet } from './types.ts'
import { encodeBlock } from './wire.ts'

export interface BlockRules {
  readonly set: ValidatorSet
  readonly genesisHash: Digest
  readonly parameters: Parameters
  readonly payload: PayloadSource
}

/** Null if the block may follow its parent under `leader`, else the rule it breaks. Checks signatures of its payload. */
export function whyBlockInvalid(
  rules: BlockRules,
  block: Block,
  parent: ParentInfo,
  leader: ValidatorIndex,
): string | null {
  return whyHeaderInvalid(rules, block, parent, leader) ?? whyPayloadInvalid(rules, block)
}

function whyHeaderInvalid(
  { set, genesisHash }: BlockRules,
  block: Block,
  parent: ParentInfo,
  leader: ValidatorIndex,
): string | null {
  if (!equalBytes(block.genesisHash, genesisHash)) return 'it belongs to another chain'
  if (block.epoch !== set.epoch) return `expected epoch ${set.epoch}, got ${block.epoch}`
  if (block.author !== leader) return `expected the leader ${leader} as author, got ${block.author}`
  if (!equalBytes(block.parentDigest, parent.digest))
    return 'its parent is not the block of the parent certificate'
  if (block.height !== parent.height + 1) return `expected height ${parent.height + 1}, got ${block.height}`
  if (block.timeMs <= parent.timeMs) return `time ${block.timeMs} is not after the parent's ${parent.timeMs}`
  // One epoch without end: the next set is this one.
  if (!equalBytes(block.validatorSetHash, set.hash)) return 'wrong hash of the validator set'
  if (!equalBytes(block.nextValidatorSetHash, set.hash)) return 'wrong hash of the next validator set'
  return null
}

function whyPayloadInvalid({ parameters, payload }: BlockRules, block: Block): string | null {
  if (block.payload.length > parameters.maxCertsPerBlock)
    return `${block.payload.length} certificates, at most ${parameters.maxCertsPerBlock} allowed`
  if (encodeBlock(block).length > LIMITS.blockBytes) return `longer than ${LIMITS.blockBytes} bytes`
  if (block.payload.length > 0 && mustBeEmpty(block.height, block.executed.height)) {
    return `${block.height - block.executed.height} heights ahead of execution, so its payload must be empty`
  }
  for (const [position, certificate] of block.payload.entries()) {
    const reason = payload.check(certificate)
    if (reason !== null) return `certificate ${position}: ${reason}`
  }
  return null
}

/** "If height − executed.height > 256 the payload must be empty." */
export function mustBeEmpty(height: number, executedHeight: number): boolean {
  return height - executedHeight > LIMITS.executionLagBlocks
}

/** Milliseconds until the block is due by the local clock; 0 if it is. "It waits, it does not reject." */
export function msUntilDue(block: Block, wallMs: number, parameters: Parameters): number {
  return Math.max(0, block.timeMs - parameters.maxClockDriftMs - wallMs)
}

export function judgeResults(
  results: ResultLog,
  block: Block,
  parent: ParentInfo,
): ReturnType<ResultLog['judge']> {
  return results.judge(parent.executed, block.executed, block.height)
}
