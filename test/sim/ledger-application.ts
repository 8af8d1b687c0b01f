/** The real ledger as the application of a simulated node, over a store in memory that a crash can set back. */
import { heldTransfers } from '../../consensus/verdict.ts'
import type { ExecutionResult } from '../../consensus/replica-types.ts'
import type { Block, ValidatorSet } from '../../consensus/types.ts'
import { batchDigestOfCertificate, blockDigest } from '../../consensus/wire.ts'
import { equalBytes, toHex } from '../../crypto/bytes.ts'
import { Ledger } from '../../ledger/ledger.ts'
import { readError } from '../../ledger/store/level-errors.ts'
import { MemoryStore } from '../../ledger/store/memory.ts'
import { SEALED } from '../../ledger/store/sealed.ts'
import type { LedgerStore, RangeQuery, StoreChange, StoreRow } from '../../ledger/store/store.ts'
import { encodeReceipt } from '../../ledger/receipt.ts'
import { decodeTransaction } from '../../ledger/transaction.ts'
import type { BlockExecution } from '../../ledger/types.ts'
import type { Execution, Outcome, SimApplication, TxOutcome } from './application.ts'
import type { SimChain } from './chain.ts'
import { Violation } from './oracles.ts'
import type { Prng } from './prng.ts'
import type { ReceiptClaim } from './results-oracle.ts'
import { flipBit, unseal } from './storage.ts'
import { decodeTx } from './transactions.ts'

const AFTER_ALL_KEYS = new Uint8Array(64).fill(0xff)

/** A store whose newest write batches can be undone. */
class RewindingStore implements LedgerStore {
  readonly #rows = new MemoryStore()
  /** What to write to undo each write batch, oldest first. */
  readonly #undo: StoreChange[][] = []
  /** Values in which a bit has flipped, with their checksums, by key. */
  readonly #flipped = new Map<string, Uint8Array>()

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#read(key, await this.#rows.get(key))
  }

  async getMany(keys: readonly Uint8Array[]): Promise<readonly (Uint8Array | undefined)[]> {
    const values = await this.#rows.getMany(keys)
    return keys.map((key, i) => this.#read(key, values[i]))
  }

  async range(query: RangeQuery): Promise<readonly StoreRow[]> {
    const rows = await this.#rows.range(query)
    return rows.map(([key, value]) => [key, this.#read(key, value)])
  }

  /** As `LevelStore` reads: what has not its checksum is refused. */
  #read<Value extends Uint8Array | undefined>(key: Uint8Array, value: Value): Value {
    const flipped = this.#flipped.get(toHex(key))
    if (flipped === undefined) return value
    try {
      return unseal(flipped) as Value
    } catch (error) {
      throw readError('ledger', error)
    }
  }

  get damaged(): boolean {
    return this.#flipped.size > 0
  }

  async flip(prng: Prng): Promise<void> {
    const rows = await this.#rows.range({ from: new Uint8Array(), to: AFTER_ALL_KEYS, limit: Infinity })
    if (rows.length === 0) return
    const [key, value] = prng.pick(rows)
    const stored = SEALED.encode(value)
    flipBit(stored, prng)
    this.#flipped.set(toHex(key), stored)
  }

  async write(records: Iterable<StoreChange>): Promise<void> {
    const changes = [...records]
    const keys = changes.map(({ key }) => key)
    for (const key of keys) this.#flipped.delete(toHex(key))
    const before = await this.#rows.getMany(keys)
    this.#undo.push(keys.map((key, i) => ({ key, value: before[i] ?? null })))
    if (this.#undo.length > 16) this.#undo.shift()
    await this.#rows.write(changes)
  }

  async rewind(): Promise<void> {
    const changes = this.#undo.pop()
    if (changes !== undefined) await this.#rows.write(changes.reverse())
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

/** State root before the first block. */
export async function genesisStateRoot(chain: SimChain): Promise<Uint8Array> {
  const ledger = await Ledger.inMemory(chain)
  return ledger.genesisStateRoot
}

interface LedgerOutcome extends TxOutcome {
  readonly txId: Uint8Array
}

interface Step {
  readonly result: ExecutionResult
  readonly txs: readonly number[]
}

export class LedgerApplication implements SimApplication {
  readonly #set: ValidatorSet
  readonly #chain: SimChain
  readonly #store = new RewindingStore()
  readonly #steps: Step[] = []
  /** Executed transactions by number, with their ids. */
  readonly #txs = new Map<number, Uint8Array>()
  #ledger: Ledger | null = null
  #supply: bigint | null = null
  #lost = 0

  constructor(set: ValidatorSet, chain: SimChain) {
    this.#set = set
    this.#chain = chain
  }

  get #open(): Ledger {
    if (this.#ledger === null) throw new Error('the ledger is not open')
    return this.#ledger
  }

  get height(): number {
    return this.#steps.length
  }

  get timeMs(): number {
    return this.#open.timeMs
  }

  get nextDueMs(): number | null {
    return this.#open.nextDueMs
  }

  has(txId: number): boolean {
    return this.#txs.has(txId)
  }

  recentResults(count: number): ExecutionResult[] {
    return this.#steps.slice(-count).map(({ result }) => result)
  }

  skips(block: Block): boolean[] {
    return this.#open.skipsOf(block.payload, block.timeMs)
  }

  async execute(block: Block, bodies: readonly (readonly Uint8Array[] | null)[]): Promise<Execution> {
    const skips = this.skips(block)
    const execution = await this.#open.execute({
      height: block.height,
      digest: blockDigest(block),
      timeMs: block.timeMs,
      batches: block.payload.map((certificate, i) => ({
        epoch: certificate.epoch,
        author: certificate.author,
        seq: certificate.seq,
        createdMs: certificate.createdMs,
        digest: batchDigestOfCertificate(this.#set.context, certificate),
        txs: bodies[i] ?? null,
        held: skips[i] === true ? [] : heldTransfers(this.#set, certificate),
      })),
    })
    this.#checkSupply()
    const batches = outcomesOf(
      execution,
      bodies.map((txs, i) => (skips[i] === true ? null : (txs ?? []))),
    )
    const { height, timeMs, stateRoot, receiptsRoot, hadWork } = execution
    const result: ExecutionResult = { height, timeMs, stateRoot, receiptsRoot, hadWork }
    const done = batches
      .flatMap((batch) => batch ?? [])
      .filter(({ outcome }) => outcome === 'settled' || outcome === 'held')
    for (const { id, txId } of done) this.#txs.set(id, txId)
    this.#steps.push({ result, txs: done.map(({ id }) => id) })
    return { result, batches, nextDueMs: execution.nextDueMs }
  }

  async receiptOf(txId: number): Promise<ReceiptClaim | null> {
    const id = this.#txs.get(txId)
    const proof = id === undefined ? null : await this.#open.receiptProof(id)
    return proof === null ? null : { ...proof, receipt: encodeReceipt(proof.receipt) }
  }

  /** Value is conserved. */
  #checkSupply(): void {
    const { balances, holds, stake, fees } = this.#open.totals()
    const supply = balances + holds + stake + fees
    this.#supply ??= supply
    if (supply !== this.#supply) {
      throw new Violation(`the total of all value changed from ${this.#supply} to ${supply}`)
    }
  }

  flip(prng: Prng): Promise<void> {
    return this.#store.flip(prng)
  }

  get damaged(): boolean {
    return this.#store.damaged
  }

  rollback(heights: number): void {
    const steps = this.#steps.splice(Math.max(0, this.#steps.length - heights))
    for (const { txs } of steps) for (const id of txs) this.#txs.delete(id)
    this.#lost += steps.length
  }

  async open(): Promise<void> {
    for (; this.#lost > 0; this.#lost--) await this.#store.rewind()
    this.#ledger = await Ledger.over(this.#store, this.#chain)
    if (this.#ledger.height !== this.height) {
      throw new Violation(`the ledger came back at height ${this.#ledger.height}, not ${this.height}`)
    }
  }
}

/** Receipts are in the order of execution; a transaction without one is void. */
function outcomesOf(
  { receipts, voids }: BlockExecution,
  bodies: readonly (readonly Uint8Array[] | null)[],
): (readonly LedgerOutcome[] | null)[] {
  let nextReceipt = 0
  let nextVoid = 0
  return bodies.map((txs) =>
    txs === null
      ? null
      : txs.map((bytes) => {
          const { id } = decodeTransaction(bytes)
          const receipt = receipts[nextReceipt]
          if (receipt !== undefined && equalBytes(receipt.txId, id)) {
            nextReceipt++
            return { id: decodeTx(bytes).id, txId: id, outcome: settledOrHeld(receipt.outcome) }
          }
          const reason = voids[nextVoid++]?.reason
          return {
            id: decodeTx(bytes).id,
            txId: id,
            outcome: reason === 'duplicate' ? 'duplicate' : 'expired',
          }
        }),
  )
}

function settledOrHeld(outcome: 'settled' | 'held' | 'failed'): Outcome {
  if (outcome === 'failed') throw new Violation('a transaction of a funded account failed')
  return outcome
}
