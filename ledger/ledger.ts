/**
 * The ledger: applies final blocks one after the other and answers questions about what they did.
 *
 * A block is executed in four steps: read what it touches, execute (pure, `execute.ts`), hash the changed state, write
 * everything in one batch. Memory follows the disk: readers see a block once it is written, never before.
 */
import { CordonError } from '../config/errors.ts'
import { chainIdOf, type Genesis } from '../config/genesis.ts'
import { LIMITS } from '../config/limits.ts'
import { mapKey } from '../crypto/bytes.ts'
import { blockRecords, bodyOf, neededUntilMs } from './block-records.ts'
import { checkConservation, totalsAfter, valueOfState } from './conservation.ts'
import { accountKey, decodeAccount, decodeHold, holdKey, type AccountEntry } from './entries.ts'
import {
  BlockExecutor,
  skippedBatches,
  touchedBy,
  tryDecode,
  type BatchRef,
  type Execution,
  type ExecutionInput,
} from './execute.ts'
import { inconsistent, loadLedger, type LedgerMemory, type NeededWindow } from './open.ts'
import { decodeOrNull, LedgerReader, NOTHING_IN_FLIGHT, publicAccount, type InFlight } from './reader.ts'
import { encodeReceipt, receiptsRootOf } from './receipt.ts'
import {
  changesKey,
  encodeChanges,
  encodeHead,
  encodeResult,
  headKey,
  pageKey,
  resultKey,
  windowKey,
  type BlockBody,
  type BlockResult,
  type Head,
} from './records.ts'
import { encodeStateProof } from './state/proof.ts'
import type { Change } from './state/tree.ts'
import { stateUpdates, windowUpdate, type WindowUpdate } from './state-updates.ts'
import { LevelStore } from './store/level.ts'
import { MemoryStore } from './store/memory.ts'
import type { LedgerStore, StoreChange } from './store/store.ts'
import type { DecodedTransaction } from './transaction.ts'
import type {
  Account,
  BlockExecution,
  Bytes32,
  EvidenceJudge,
  ExecutionBlock,
  Hold,
  Totals,
} from './types.ts'

export interface LedgerChain {
  readonly genesis: Genesis
  /** `genesisHash(genesis)`. */
  readonly genesisHash: Uint8Array
}

export interface LedgerOptions extends LedgerChain {
  /** Lets others run in the middle of a large block, as `setImmediate` of node:timers/promises. Default: nobody. */
  readonly nextTurn?: () => Promise<unknown>
  /** What consensus says of evidence. Part of the rules: the same on every node of a chain. Default: nothing is proven. */
  readonly judgeEvidence?: EvidenceJudge
}

/** What proves an account, or that there is none, under the state root of a height. */
export interface AccountProof {
  readonly height: number
  readonly stateRoot: Bytes32
  readonly account: Account | null
  /** Key of the account in the state: H("state-key", 1, id). */
  readonly key: Bytes32
  /** `decodeStateProof(key, proof)` and `verifyStateProof` read it. */
  readonly proof: Uint8Array
}

/** What executing a block came to, beside its execution. */
interface BlockOutcome {
  readonly updates: readonly Change[]
  readonly body: BlockBody | null
  /** Window records that nobody needs any more. */
  readonly windowsGone: readonly NeededWindow[]
  readonly result: BlockResult
  readonly head: Head
}

/** Transactions of a block as decoded before, batch by batch; null where a batch was not decoded. */
export type DecodedBatches = readonly (readonly DecodedTransaction[] | null)[]

export class Ledger extends LedgerReader {
  readonly #genesis: Genesis
  readonly #chain: Uint8Array
  readonly #nextTurn: () => Promise<unknown>
  readonly #judgeEvidence: EvidenceJudge
  #queue: Promise<unknown> = Promise.resolve()
  #broken: unknown = null
  #closed = false

  private constructor(
    store: LedgerStore,
    { genesis, genesisHash, nextTurn, judgeEvidence }: LedgerOptions,
    memory: LedgerMemory,
  ) {
    super(store, memory)
    this.#genesis = genesis
    this.#chain = chainIdOf(genesisHash)
    this.#nextTurn = nextTurn ?? (() => Promise.resolve())
    this.#judgeEvidence = judgeEvidence ?? (() => null)
  }

  /**
   * Opens the ledger in a LevelDB directory of its own; an empty one gets the state of genesis.
   * @throws CordonError `directory-locked`, `other-chain`, `format-version`, `data-inconsistent`, `genesis-invalid`.
   */
  static async open({
    directory,
    ...chain
  }: LedgerOptions & { readonly directory: string }): Promise<Ledger> {
    return Ledger.over(await LevelStore.open(directory), chain)
  }

  /** A ledger in memory. Opened again over the same store it goes on, as from disk. */
  static async inMemory({
    store = new MemoryStore(),
    ...chain
  }: LedgerOptions & { readonly store?: MemoryStore }): Promise<Ledger> {
    return Ledger.over(store, chain)
  }

  /** A ledger over any store, which it owns from now on. */
  static async over(store: LedgerStore, chain: LedgerOptions): Promise<Ledger> {
    try {
      return new Ledger(store, chain, await loadLedger(store, chain.genesis, chain.genesisHash))
    } catch (error) {
      await store.close()
      throw error
    }
  }

  /** Waits for the block under way and closes the store. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#queue.catch(() => undefined)
    await this.store.close()
  }

  /** Whether the next block, of that time, would skip this batch if it were its first. */
  skips(batch: Omit<BatchRef, 'createdMs'>, createdMs: number, blockTimeMs: number): boolean {
    return (
      this.skipsOf(
        [{ epoch: batch.epoch, author: batch.author, seq: batch.seq, createdMs }],
        blockTimeMs,
      )[0] === true
    )
  }

  /** Which batches of the next block, in its order, it skips: those executed before, repeated in the list, or too old. */
  skipsOf(batches: readonly BatchRef[], blockTimeMs: number): boolean[] {
    return skippedBatches(
      batches,
      blockTimeMs,
      this.#genesis.parameters.batchTtlMs,
      this.memory.executedBatches,
    )
  }

  /**
   * Executes the next block and writes it. `decoded` may hold what a caller has decoded anyway, in the order of the
   * block's batches.
   * @throws CordonError `data-inconsistent` if the block is not the next one, a body is missing, or value is not
   *   conserved: then nothing has changed.
   */
  execute(block: ExecutionBlock, decoded: DecodedBatches = []): Promise<BlockExecution> {
    return this.#exclusive(async () => {
      this.#checkNext(block)
      const input = await this.#read(block, await this.#decode(block, decoded))
      const execution = await this.#run(input)
      const totals = totalsAfter(this.totals(), input, execution.changes)
      checkConservation(this.totals(), totals, block.height)
      return this.#apply(input, execution, totals)
    })
  }

  /** One at a time: blocks, proofs and audits. */
  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#queue.then(() => {
      if (this.#closed) throw new Error('the ledger is closed')
      if (this.#broken !== null)
        throw inconsistent('an earlier block could not be written; restart the node', this.#broken)
      return work()
    })
    this.#queue = run.catch(() => undefined)
    return run
  }

  #checkNext({ height, timeMs }: ExecutionBlock): void {
    if (height !== this.height + 1) {
      throw new CordonError(
        'data-inconsistent',
        `expected block ${this.height + 1} to execute, got ${height}`,
        { height },
      )
    }
    if (timeMs <= this.timeMs) {
      throw new CordonError(
        'data-inconsistent',
        `expected block ${height} to be later than ${this.timeMs} ms, got ${timeMs}`,
        { height },
      )
    }
  }

  async #decode(block: ExecutionBlock, given: DecodedBatches): Promise<ExecutionInput['decoded']> {
    const skipped = this.skipsOf(block.batches, block.timeMs)
    const decoded: ((DecodedTransaction | null)[] | null)[] = []
    let inThisTurn = 0
    for (const [index, batch] of block.batches.entries()) {
      if (skipped[index] === true) {
        decoded.push(null)
        continue
      }
      const { txs } = batch
      if (txs === null) {
        throw new CordonError(
          'data-inconsistent',
          `block ${block.height} cannot be executed: batch ${batch.author}/${batch.seq} is not skipped and its body is missing`,
        )
      }
      decoded.push([...(given[index] ?? txs.map(tryDecode))])
      inThisTurn += txs.length
      if (inThisTurn >= LIMITS.txsPerTurn) {
        inThisTurn = 0
        await this.#nextTurn()
      }
    }
    return decoded
  }

  /** Brings everything to memory that the block can touch. */
  async #read(block: ExecutionBlock, decoded: ExecutionInput['decoded']): Promise<ExecutionInput> {
    const { openHolds, tree, validators, fees, liveIds, executedBatches } = this.memory
    const { parameters } = this.#genesis
    const touched = touchedBy(decoded)
    const dueIds = openHolds.due(block.timeMs, parameters.maxExpiriesPerBlock).map((hold) => hold.id)
    for (const id of dueIds) touched.holds.set(mapKey(id), id)
    const keys = new Map([...touched.holds].map(([key, id]) => [key, holdKey(id)]))
    await tree.load(keys.values())
    const holds = new Map<string, Hold | null>()
    for (const [key, treeKey] of keys) holds.set(key, decodeOrNull(tree.get(treeKey), decodeHold))
    for (const hold of holds.values()) {
      if (hold?.end !== null) continue
      touched.accounts.set(mapKey(hold.payer), hold.payer)
      touched.accounts.set(mapKey(hold.payee), hold.payee)
    }
    const due = dueIds.map((id) => holds.get(mapKey(id))).filter((hold): hold is Hold => hold?.end === null)
    if (due.length !== dueIds.length) throw inconsistent('an open hold is not in its state')
    const accounts = await this.#readAccounts(touched.accounts)
    return {
      block,
      decoded,
      parameters,
      chain: this.#chain,
      due,
      accounts,
      holds,
      validators,
      fees,
      liveIds,
      executedBatches,
      judgeEvidence: this.#judgeEvidence,
    }
  }

  async #readAccounts(ids: ReadonlyMap<string, Bytes32>): Promise<Map<string, AccountEntry | null>> {
    const { tree } = this.memory
    const found = new Map<string, AccountEntry | null>()
    const missing: [string, { readonly id: Bytes32; readonly key: Bytes32 }][] = []
    for (const [key, id] of ids) {
      const cached = this.cache.get(key)
      if (cached === undefined) missing.push([key, { id: Uint8Array.from(id), key: accountKey(id) }])
      else found.set(key, cached)
    }
    await tree.load(missing.map(([, { key }]) => key))
    for (const [key, { id, key: treeKey }] of missing) {
      const entry = decodeOrNull(tree.get(treeKey), (bytes) => decodeAccount(id, bytes))
      this.cache.set(key, id, entry, treeKey)
      found.set(key, entry)
    }
    return found
  }

  async #run(input: ExecutionInput): Promise<Execution> {
    const executor = new BlockExecutor(input)
    let inThisTurn = 0
    for (const [index, batch] of input.decoded.entries()) {
      executor.runBatch(index)
      inThisTurn += batch?.length ?? 0
      if (inThisTurn < LIMITS.txsPerTurn) continue
      inThisTurn = 0
      await this.#nextTurn()
    }
    return executor.finish()
  }

  /** Hashes, writes, and lets memory follow. */
  async #apply(input: ExecutionInput, execution: Execution, totals: Totals): Promise<BlockExecution> {
    const { block } = input
    const { tree } = this.memory
    const live = windowUpdate(this.memory.liveIds, execution.newLiveIds, block.timeMs, 0)
    const batches = windowUpdate(
      this.memory.executedBatches,
      execution.newBatches,
      block.timeMs,
      this.#genesis.parameters.batchTtlMs,
    )
    const updates = stateUpdates(execution, input.fees, this.cache, live, batches)
    await tree.load(updates.map(({ key }) => key))
    this.inFlight = inFlightOf(input, execution)
    try {
      tree.advance(block.height)
      await this.#updateTree(updates)
      const encoded = execution.receipts.map(encodeReceipt)
      const result = this.#resultOf(block, execution, receiptsRootOf(encoded))
      const head = this.#headAfter(execution, totals, live, batches)
      const body = bodyOf(execution, encoded)
      const windowsGone = this.#windowsGone(block.timeMs)
      await this.store.write(this.#recordsOf(execution, { updates, body, windowsGone, result, head }))
      this.#remember(input, execution, { head, result, body, live, batches, windowsGone: windowsGone.length })
      return blockExecution(result, execution, this.nextDueMs)
    } catch (error) {
      this.#broken = error
      throw error
    } finally {
      this.inFlight = NOTHING_IN_FLIGHT
    }
  }

  async #updateTree(updates: readonly Change[]): Promise<void> {
    const { tree } = this.memory
    for (const [index, { key, value }] of updates.entries()) {
      tree.set(key, value)
      if ((index + 1) % LIMITS.txsPerTurn === 0) await this.#nextTurn()
    }
    for (const _ of tree.rehash()) await this.#nextTurn()
  }

  /** Made one by one as they are written: thousands that wait for each other would be copied by collections. */
  *#recordsOf(
    execution: Execution,
    { updates, body, windowsGone, result, head }: BlockOutcome,
  ): Generator<StoreChange> {
    const { height } = result
    yield* this.#stateRecords(height, updates)
    yield* blockRecords(height, execution, body)
    for (const gone of windowsGone) yield { key: windowKey(gone.height), value: null }
    yield { key: resultKey(height), value: encodeResult(result) }
    yield { key: headKey, value: encodeHead(head) }
  }

  /** Pages that have waited long enough, the entries this block changed, and the end of what need not be kept any more. */
  #stateRecords(height: number, updates: readonly Change[]): StoreChange[] {
    const { tree, changedHeights } = this.memory
    const upTo = height - LIMITS.statePageLagBlocks
    const records: StoreChange[] = tree
      .takePages(upTo)
      .map(({ path, bytes }) => ({ key: pageKey(path), value: bytes }))
    while ((changedHeights[0] ?? Infinity) <= upTo)
      records.push({ key: changesKey(changedHeights.shift() as number), value: null })
    if (updates.length > 0) {
      records.push({ key: changesKey(height), value: encodeChanges(updates) })
      changedHeights.push(height)
    }
    return records
  }

  #resultOf(block: ExecutionBlock, execution: Execution, receiptsRoot: Bytes32): BlockResult {
    return {
      height: block.height,
      digest: Uint8Array.from(block.digest),
      timeMs: block.timeMs,
      stateRoot: this.memory.tree.root,
      receiptsRoot,
      hadWork: block.batches.length > 0 || execution.endedHolds.length > 0,
      receipts: execution.receipts.length,
    }
  }

  #headAfter({ receipts }: Execution, totals: Totals, live: WindowUpdate, batches: WindowUpdate): Head {
    const { head, tree } = this.memory
    let { settled, held, failed } = head.outcomes
    for (const { outcome } of receipts) {
      if (outcome === 'settled') settled++
      else if (outcome === 'held') held++
      else failed++
    }
    return {
      ...head,
      height: head.height + 1,
      stateRoot: tree.root,
      entries: tree.count,
      totals,
      outcomes: { settled, held, failed },
      liveIdBuckets: live.bucketCount,
      executedBatchBuckets: batches.bucketCount,
    }
  }

  /** The oldest window records that are not needed any more at this time. */
  #windowsGone(timeMs: number): readonly NeededWindow[] {
    const { neededWindows } = this.memory
    const needed = neededWindows.findIndex(({ untilMs }) => untilMs > timeMs)
    return needed === -1 ? [...neededWindows] : neededWindows.slice(0, needed)
  }

  #remember(
    input: ExecutionInput,
    { changes, endedHolds, receipts }: Execution,
    written: {
      readonly head: Head
      readonly result: BlockResult
      readonly body: BlockBody | null
      readonly live: WindowUpdate
      readonly batches: WindowUpdate
      /** How many of the oldest window records went. */
      readonly windowsGone: number
    },
  ): void {
    const memory = this.memory
    const { head, result, body, live, batches } = written
    for (const [key, entry] of changes.accounts) this.cache.set(key, entry.id, entry)
    for (const { holds } of receipts) {
      for (const { holdId } of holds) {
        const hold = changes.holds.get(mapKey(holdId)) as Hold
        memory.openHolds.add({
          expiresMs: hold.expiresMs,
          id: hold.id,
          payer: Uint8Array.from(hold.payer),
          amount: hold.amount,
        })
      }
    }
    for (const hold of endedHolds) memory.openHolds.remove(hold)
    if (changes.validators.size > 0) {
      memory.validators = memory.validators.map(
        (validator) => changes.validators.get(validator.index) ?? validator,
      )
    }
    memory.fees = changes.fees
    memory.liveIds.add(live.added, live.entries)
    memory.liveIds.drop(live.dropped)
    memory.executedBatches.add(batches.added, batches.entries)
    memory.executedBatches.drop(batches.dropped)
    memory.neededWindows.splice(0, written.windowsGone)
    if (batches.added.length > 0) {
      const untilMs = neededUntilMs(live.added, batches.added, this.#genesis.parameters.batchTtlMs)
      memory.neededWindows.push({ height: head.height, untilMs })
    }
    memory.head = head
    memory.results.set(result.height, result)
    memory.results.delete(result.height - LIMITS.resultsInMemory)
    if (body !== null) this.keepBody(input.block.height, body)
    memory.tree.evict(LIMITS.stateEntriesInMemory)
  }

  /** Proof of an account, or of its absence, under the newest state root. */
  accountProof(id: Bytes32): Promise<AccountProof> {
    return this.#exclusive(async () => {
      const key = accountKey(id)
      const proof = await this.memory.tree.prove(key)
      const account = publicAccount(
        decodeOrNull(this.memory.tree.get(key), (bytes) => decodeAccount(id, bytes)),
      )
      return {
        height: this.height,
        stateRoot: this.stateRoot,
        account,
        key,
        proof: encodeStateProof(key, proof),
      }
    })
  }

  /**
   * Counts all value anew and compares it with the totals kept from block to block; every page is checked against its
   * hash on the way.
   * @throws CordonError `data-inconsistent`.
   */
  audit(): Promise<Totals> {
    return this.#exclusive(async () => {
      const counted = await valueOfState(this.memory.tree.entries())
      checkConservation(this.totals(), counted, this.height)
      return counted
    })
  }
}

/** What readers see of everything the block changes, until it is written. */
function inFlightOf({ accounts, holds }: ExecutionInput, { changes }: Execution): InFlight {
  return { accounts, holds: new Map([...changes.holds.keys()].map((key) => [key, holds.get(key) ?? null])) }
}

function blockExecution(result: BlockResult, execution: Execution, nextDueMs: number | null): BlockExecution {
  const { height, digest, timeMs, stateRoot, receiptsRoot, hadWork } = result
  const { receipts, voids, transfers, endedHolds, offenders } = execution
  return {
    height,
    digest,
    timeMs,
    stateRoot,
    receiptsRoot,
    hadWork,
    receipts,
    voids,
    transfers,
    endedHolds,
    offenders,
    nextDueMs,
  }
}
