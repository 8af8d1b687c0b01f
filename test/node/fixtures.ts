/**
 * A chain for the tests of a node, without a network: real ledger, real chain store, real signatures of all validators.
 * Accounts, keys and transactions are those of the ledger's tests.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chainIdOf } from '../../config/genesis.ts'
import { toHex, utf8 } from '../../crypto/bytes.ts'
import { sign } from '../../crypto/ed25519.ts'
import { hash } from '../../crypto/hash.ts'
import { EMPTY_ROOT, merkleRoot } from '../../crypto/merkle.ts'
import type {
  BatchCertificate,
  Block,
  Certificate,
  Digest,
  ExecutedResults,
  Flag,
  SignedBatch,
  ValidatorSet,
  VoteKind,
} from '../../consensus/types.ts'
import { makeValidatorSet } from '../../consensus/validator-set.ts'
import {
  ackMessage,
  batchDigestOfBatch,
  batchFields,
  batchMessage,
  blockDigest,
  justHash,
  proposalId,
  resultLeaf,
  voteMessage,
} from '../../consensus/wire.ts'
import type { Action } from '../../ledger/actions/index.ts'
import { Ledger, type LedgerChain } from '../../ledger/ledger.ts'
import type { DecodedTransaction } from '../../ledger/transaction.ts'
import type { BlockExecution, ExecutionBatch, HeldTransfer } from '../../ledger/types.ts'
import { ChainStore, refOf } from '../../node/store/chain-store.ts'
import { Admission } from '../../node/admission.ts'
import { Congestion, type Load } from '../../node/congestion.ts'
import { Intake } from '../../node/intake.ts'
import { PendingTransactions } from '../../node/pending.ts'
import { PendingStore } from '../../node/store/pending-store.ts'
import {
  GENESIS_MS,
  keysOf,
  makeChain,
  makeTx,
  type ChainOptions,
  type TxOptions,
} from '../ledger/helpers.ts'

export const EPOCH = 1
const MODEL_ID: Digest = hash('genesis', utf8('model'))
const QUORUM: readonly number[] = [0, 1, 2]

export function validatorSetOf({ genesis, genesisHash }: LedgerChain): ValidatorSet {
  const validators = genesis.validators.map(({ name, publicKey, stake }) => ({
    name,
    publicKey,
    weight: stake,
  }))
  return makeValidatorSet({ genesisHash }, EPOCH, validators)
}

function secretKey(validator: number): Uint8Array {
  return keysOf(`validator${validator}`).secretKey
}

export interface FinalBlock {
  readonly digest: Digest
  readonly block: Block
  readonly finalization: Certificate
}

export interface BlockOptions {
  readonly timeMs?: number
  readonly executed?: ExecutedResults
}

/** What a block says when it commits to no results. */
const NOTHING_EXECUTED: ExecutedResults = {
  height: 0,
  stateRoot: hash('state-node', utf8('genesis')),
  resultsRoot: EMPTY_ROOT,
}

/** Makes final blocks, one on top of the other. */
export class NodeChain implements AsyncDisposable {
  readonly chain: LedgerChain
  readonly set: ValidatorSet
  readonly directory: string
  readonly ledger: Ledger
  store: ChainStore
  readonly #pendingStores: PendingStore[] = []
  readonly #blocks: FinalBlock[] = []
  #seq = 0

  private constructor(chain: LedgerChain, directory: string, ledger: Ledger, store: ChainStore) {
    this.chain = chain
    this.set = validatorSetOf(chain)
    this.directory = directory
    this.ledger = ledger
    this.store = store
  }

  static async open(options: ChainOptions = {}): Promise<NodeChain> {
    const chain = makeChain(options)
    const directory = mkdtempSync(join(tmpdir(), 'cordon-node-'))
    const store = await ChainStore.open(join(directory, 'chain'), chain.genesisHash, EPOCH)
    return new NodeChain(chain, directory, await Ledger.inMemory(chain), store)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.ledger.close()
    await this.store.close()
    for (const store of this.#pendingStores) await store.close()
    rmSync(this.directory, { recursive: true, force: true })
  }

  /** Closes the chain store and opens it anew, as a restart does. */
  async reopen(): Promise<void> {
    await this.store.close()
    this.store = await ChainStore.open(join(this.directory, 'chain'), this.chain.genesisHash, EPOCH)
  }

  async pendingStore(): Promise<PendingStore> {
    const store = await PendingStore.open(join(this.directory, 'pending'), this.chain.genesisHash)
    this.#pendingStores.push(store)
    return store
  }

  /** Time of the newest block made here. */
  get timeMs(): number {
    return this.#blocks.at(-1)?.block.timeMs ?? GENESIS_MS
  }

  tx(sender: string, actions: readonly Action[], options: TxOptions = {}): DecodedTransaction {
    return makeTx(this.chain, sender, actions, this.timeMs, options)
  }

  batch(
    txs: readonly DecodedTransaction[],
    options: { readonly author?: number; readonly createdMs?: number; readonly seq?: number } = {},
  ): SignedBatch {
    const { author = 0, createdMs = this.timeMs, seq = ++this.#seq } = options
    const batch = { epoch: EPOCH, author, seq, createdMs, txs: txs.map((tx) => tx.bytes) }
    const digest = batchDigestOfBatch(this.set.context, batch)
    return { batch, digest, signature: sign(batchMessage(digest), secretKey(author)) }
  }

  /** Every signer flags the same transfers. */
  certificate(
    { batch, digest }: SignedBatch,
    { signers = QUORUM, flags = [] }: { signers?: readonly number[]; flags?: readonly Flag[] } = {},
  ): BatchCertificate {
    const opinion = { flags, modelId: MODEL_ID }
    const message = ackMessage(this.set.context, { ...batchFields(batch), digest, ...opinion })
    return {
      ...batchFields(batch),
      acks: signers.map((signer) => ({ signer, ...opinion, signature: sign(message, secretKey(signer)) })),
    }
  }

  /** The next final block; it is not stored by that. */
  block(payload: readonly BatchCertificate[] = [], options: BlockOptions = {}): FinalBlock {
    const parent = this.#blocks.at(-1)
    const { timeMs = this.timeMs + 1_000, executed = parent?.block.executed ?? NOTHING_EXECUTED } = options
    const block: Block = {
      genesisHash: this.chain.genesisHash,
      height: (parent?.block.height ?? 0) + 1,
      parentDigest: parent?.digest ?? hash('block', this.chain.genesisHash),
      epoch: EPOCH,
      author: 0,
      timeMs,
      payload,
      executed,
      validatorSetHash: this.set.hash,
      nextValidatorSetHash: this.set.hash,
    }
    const final = { block, digest: blockDigest(block), finalization: this.certify('finalize', block) }
    this.#blocks.push(final)
    return final
  }

  /** A certificate of votes for a block, in the view of its height. */
  certify(kind: VoteKind, block: Block, signers: readonly number[] = QUORUM): Certificate {
    const proposal =
      kind === 'nullify'
        ? null
        : {
            epoch: EPOCH,
            view: block.height,
            parentView: block.height - 1,
            blockDigest: blockDigest(block),
            justHash: justHash(null, []),
          }
    const pid = proposal === null ? null : proposalId(this.set.context, proposal)
    const message = voteMessage(this.set.context, kind, EPOCH, block.height, pid)
    const signatures = signers.map((signer) => sign(message, secretKey(signer)))
    return { kind, epoch: EPOCH, view: block.height, proposal, signers, signatures }
  }

  /** What a header says that commits to the results after `from` up to `to`, which are executed. */
  async results(from: number, to: number): Promise<ExecutedResults> {
    const leaves: Uint8Array[] = []
    for (let height = from + 1; height <= to; height++) {
      const result = await this.ledger.result(height)
      if (result === null) throw new Error(`height ${height} is not executed`)
      leaves.push(resultLeaf(height, result.receiptsRoot))
    }
    const newest = await this.ledger.result(to)
    if (newest === null) throw new Error(`height ${to} is not executed`)
    return { height: to, stateRoot: newest.stateRoot, resultsRoot: merkleRoot(leaves) }
  }

  /** Writes final blocks to the store as consensus does before it delivers them. */
  async storeFinal(...finals: readonly FinalBlock[]): Promise<void> {
    await this.store.write(
      finals.flatMap(({ digest, block, finalization }) => [
        { kind: 'block', digest, block } as const,
        { kind: 'finalized', height: block.height, digest, finalization } as const,
      ]),
      false,
    )
  }

  /** Executes the next block, with these transactions, past everybody else. */
  async execute(
    txs: readonly DecodedTransaction[] = [],
    { held = [], ...options }: BlockOptions & { readonly held?: readonly HeldTransfer[] } = {},
  ): Promise<BlockExecution> {
    const batches = txs.length === 0 ? [] : [this.batch(txs)]
    const { digest, block } = this.block(
      batches.map((batch) => this.certificate(batch)),
      options,
    )
    return this.ledger.execute({
      height: block.height,
      digest,
      timeMs: block.timeMs,
      batches: batches.map((batch) => this.executionBatch(batch, held)),
    })
  }

  executionBatch(signed: SignedBatch, held: readonly HeldTransfer[] = []): ExecutionBatch {
    const { createdMs, txs } = signed.batch
    return { ...refOf(signed), createdMs, txs, held }
  }

  async storeBatch(...batches: readonly SignedBatch[]): Promise<void> {
    await this.store.write(
      batches.map((batch) => ({ kind: 'batch', batch, ack: null })),
      false,
    )
  }
}

/** Lets everything run that waits for nothing but a turn of the event loop. */
export async function turns(count = 3): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

export interface IntakeHarness {
  readonly intake: Intake
  readonly pending: PendingTransactions
  readonly admission: Admission
  readonly store: PendingStore
  /** Handed to the batch builder, in order. */
  readonly offered: Uint8Array[]
  readonly gossiped: Uint8Array[]
  /** One list per hand-over. */
  readonly handed: (readonly Uint8Array[])[]
  readonly checked: DecodedTransaction[]
  readonly submitted: DecodedTransaction[]
  readonly log: { readonly level: 'info' | 'error'; readonly message: string }[]
  load: Load
  /** Ids in the pending log. */
  logged(): Promise<string[]>
}

export interface IntakeHarnessOptions {
  readonly self?: number | null
  /** Another pending log, for one that fails or is slow. */
  readonly store?: PendingStore
  readonly handOver?: (txs: readonly Uint8Array[]) => Promise<unknown>
  /** Default: what `self` says. */
  readonly writesBatches?: () => boolean
}

export const NO_LOAD: Load = {
  ownOpenBatches: 0,
  queuedTxs: 0,
  executionBacklogTxs: 0,
  executionBacklogBlocks: 0,
}

/** An intake over the ledger of a chain. It is not started. */
export async function makeIntake(
  chain: NodeChain,
  { self = 0, store, handOver, writesBatches = () => self !== null }: IntakeHarnessOptions = {},
): Promise<IntakeHarness> {
  const log = store ?? (await chain.pendingStore())
  const { parameters } = chain.chain.genesis
  const pending = new PendingTransactions(log, parameters.batchTtlMs)
  const chainId = chainIdOf(chain.chain.genesisHash)
  const admission = new Admission({
    ledger: chain.ledger,
    pending,
    parameters,
    chainId,
    judgeEvidence: () => null,
  })
  const harness: Omit<IntakeHarness, 'intake'> = {
    pending,
    admission,
    store: log,
    offered: [],
    gossiped: [],
    handed: [],
    checked: [],
    submitted: [],
    log: [],
    load: NO_LOAD,
    async logged() {
      const ids: string[] = []
      for await (const { txId } of log.all()) ids.push(toHex(txId))
      return ids
    },
  }
  const intake = new Intake({
    set: chain.set,
    self,
    ledger: chain.ledger,
    admission,
    pending,
    store: log,
    congestion: new Congestion({
      pending,
      maxOpenBatches: parameters.maxOpenBatches,
      batchMaxTxs: parameters.batchMaxTxs,
      load: () => harness.load,
    }),
    writesBatches,
    offer: (txs) => harness.offered.push(...txs),
    checked: (tx) => harness.checked.push(tx),
    submitted: (tx) => harness.submitted.push(tx),
    gossip: (bytes) => harness.gossiped.push(bytes),
    handOver: async (txs) => {
      harness.handed.push(txs)
      return handOver?.(txs)
    },
    log: {
      info: (_fields, message) => harness.log.push({ level: 'info', message }),
      error: (_fields, message) => harness.log.push({ level: 'error', message }),
    },
  })
  return Object.assign(harness, { intake })
}
