/** The state that the parts of ordering share (consensus.md §3). One object per epoch engine; `Ordering` owns it. */
import type { Parameters } from '../config/parameters.ts'
import { toHex } from '../crypto/bytes.ts'
import type { BlockTree } from './block-tree.ts'
import type { CertificateStore } from './certificates.ts'
import type { OwnVoteBook } from './own-votes.ts'
import type { Excluded, PayloadSource } from './payload-source.ts'
import type { PeerProgress } from './peer-progress.ts'
import type { ProposalPool } from './proposal-pool.ts'
import type { ChainStart, Clock, Effect, Note, Verifier } from './replica-types.ts'
import type { ResultLog } from './result-log.ts'
import type { BatchRef, Block, Certificate, Digest, ValidatorIndex, ValidatorSet } from './types.ts'
import type { ViewTimers } from './view-timers.ts'
import type { VotePool } from './vote-pool.ts'
import { batchDigestOfCertificate } from './wire.ts'

export interface Core {
  readonly set: ValidatorSet
  /** Null: a full node, which follows and neither votes nor proposes. */
  readonly self: ValidatorIndex | null
  readonly chain: ChainStart
  readonly parameters: Parameters
  readonly verifier: Verifier
  readonly payload: PayloadSource
  readonly emit: (effect: Effect) => void

  readonly certificates: CertificateStore
  readonly pool: VotePool
  readonly proposals: ProposalPool
  readonly tree: BlockTree
  readonly own: OwnVoteBook
  readonly progress: PeerProgress
  readonly results: ResultLog
  readonly timers: ViewTimers

  /** Current view. */
  view: number
  /** The finalization of the highest view; null: genesis. */
  lastFinal: Certificate | null
  /** View of the newest finalization up to which all was delivered in this life. */
  deliveredView: number
  /** Read at the input under way. */
  clock: Clock
}

export function lastFinalView(core: Core): number {
  return core.lastFinal?.view ?? 0
}

/** Height of the newest block known to be final, delivered or not; of the delivered one while that block is not held. */
export function lastFinalHeight({ lastFinal, tree }: Core): number {
  const digest = lastFinal?.proposal?.blockDigest
  const info = digest === undefined ? null : tree.info(digest)
  return Math.max(info?.height ?? 0, tree.root.height)
}

/** Whom to ask for something: `first`, then all other validators. */
export function askOrder({ set, self }: Core, first: readonly ValidatorIndex[]): ValidatorIndex[] {
  return [...new Set([...first, ...set.validators.keys()])].filter((index) => index !== self)
}

export function note(core: Core, content: Note): void {
  core.emit({ type: 'note', note: content })
}

/** Digest of the block that a proposal's parent certificate names; genesis if there is none. */
export function parentDigestOf(core: Core, parentCertificate: Certificate | null): Digest {
  return parentCertificate?.proposal?.blockDigest ?? core.chain.genesisHash
}

/** Adds a block to the tree, and has it stored if it is new. */
export function keepBlock(core: Core, digest: Digest, block: Block): boolean {
  if (!core.tree.add(digest, block)) return false
  core.emit({ type: 'store', record: { kind: 'block', digest, block } })
  return true
}

const refsByBlock = new WeakMap<Block, ReadonlySet<string>>()

function refName(ref: BatchRef): string {
  return `${ref.epoch}/${ref.author}/${ref.seq}/${toHex(ref.digest)}`
}

function refsOf(core: Core, block: Block): ReadonlySet<string> {
  let refs = refsByBlock.get(block)
  if (refs === undefined) {
    refs = new Set(
      block.payload.map((certificate) =>
        refName({ ...certificate, digest: batchDigestOfCertificate(core.set.context, certificate) }),
      ),
    )
    refsByBlock.set(block, refs)
  }
  return refs
}

/** Certificates in the blocks above the last delivered one up to `tip`: a child of `tip` must not repeat them. */
export function excludedBelow(core: Core, tip: Digest): Excluded {
  const sets = core.tree
    .chain(tip)
    .filter(({ block }) => block.payload.length > 0)
    .map(({ block }) => refsOf(core, block))
  if (sets.length === 0) return () => false
  return (ref) => {
    const name = refName(ref)
    return sets.some((refs) => refs.has(name))
  }
}
