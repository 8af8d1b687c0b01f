/** What a simulated node is made of and what it tells the simulation: everything around `node.ts`. */
import type { CordonError } from '../../config/errors.ts'
import type { Parameters } from '../../config/parameters.ts'
import type { ChainStart, Effect, Peer, Verifier } from '../../consensus/replica-types.ts'
import type { SigningKey } from '../../consensus/signer.ts'
import type { Block, Flag, Message, SignedBatch, ValidatorSet } from '../../consensus/types.ts'
import type { Execution, SimApplication } from './application.ts'
import type { SimNode } from './node.ts'
import type { Scheduler } from './scheduler.ts'

export interface Outgoing {
  readonly message: Message
  /** Default 0. */
  readonly delayMs?: number
}

/** How a faulty validator that runs the real replica differs from an honest one. */
export interface Twist {
  readonly flags?: (txs: readonly Uint8Array[]) => Flag[]
  /** What really leaves in place of a message. */
  readonly outgoing?: (message: Message) => readonly Outgoing[]
  /** What its replica gets to see in place of a message. */
  readonly incoming?: (message: Message) => readonly Message[]
  /** Who gets its batches by gossip. */
  readonly audience?: (others: readonly number[]) => readonly number[]
}

/** A signer's journal before it was opened. */
export interface JournalBefore {
  readonly damaged: boolean
  readonly empty: boolean
  /** Whether the operator had the signing state taken for lost. */
  readonly lostWait: boolean
}

export interface NodeEnvironment {
  readonly scheduler: Scheduler
  readonly set: ValidatorSet
  readonly chain: ChainStart
  readonly parameters: Parameters
  readonly verifier: Verifier
  /** What each node is to the others, followers and twins included. */
  readonly peers: readonly Peer[]
  /** The nodes of each validator. */
  readonly nodesOf: readonly (readonly number[])[]
  readonly send: (from: number, to: number, message: Message) => void
  readonly gossipBatch: (from: number, to: number, batch: SignedBatch) => void
  readonly gossipBlock: (
    from: number,
    finalized: Extract<Effect, { type: 'publish-block' }>['finalized'],
  ) => void
  readonly delivered: (node: SimNode, block: Block) => void
  readonly executed: (
    node: SimNode,
    block: Block,
    bodies: readonly (readonly Uint8Array[] | null)[],
    execution: Execution,
  ) => void
  readonly penalized: (node: SimNode, effect: Extract<Effect, { type: 'penalize' }>) => void
  readonly accused: (node: SimNode, effect: Extract<Effect, { type: 'offence' }>) => void
  readonly note: (node: SimNode, note: Extract<Effect, { type: 'note' }>['note']) => void
  /** The disks of the node do not allow it to go on: it is down until somebody repairs it. */
  readonly refused: (node: SimNode, error: CordonError) => void
  /** A start of a validator succeeded; `before` is what its journal was like. */
  readonly opened: (node: SimNode, before: JournalBefore) => void
  /** Transactions of a validator that writes no batches go to another one. */
  readonly handOver: (node: SimNode, txs: readonly Uint8Array[]) => void
  readonly trace: (line: () => string) => void
  /** Whether the process may be scheduled to come back by itself. */
  readonly crashed: (node: SimNode) => void
}

export interface NodeOptions {
  readonly index: number
  /** Null: a follower. */
  readonly key: SigningKey | null
  readonly skewMs: number
  readonly fsyncMs: number
  readonly executeMs: number
  readonly twist: Twist | null
  readonly makeApplication: () => SimApplication
}
