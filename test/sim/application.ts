/**
 * What a simulated node executes final blocks with: the real ledger (`ledger-application.ts`), or, quicker, this chain
 * of hashes that follows the rules of dissemination.md. Verdicts come from the production rule; the oracles check them.
 */
import { hash } from 'node:crypto'
import { heldTransfers } from '../../consensus/verdict.ts'
import type { ExecutionResult } from '../../consensus/replica-types.ts'
import type { BatchCertificate, Block, Digest, ValidatorSet } from '../../consensus/types.ts'
import type { Prng } from './prng.ts'
import type { ReceiptClaim } from './results-oracle.ts'
import { decodeTx } from './transactions.ts'

export type Outcome = 'settled' | 'held' | 'duplicate' | 'expired'

export interface TxOutcome {
  readonly id: number
  readonly outcome: Outcome
}

export interface Execution {
  readonly result: ExecutionResult
  /** One list per certificate; null: skipped. */
  readonly batches: readonly (readonly TxOutcome[] | null)[]
  readonly nextDueMs: number | null
}

export interface SimApplication {
  readonly height: number
  /** Time of the newest executed block. */
  readonly timeMs: number
  /** When the next hold falls due. */
  readonly nextDueMs: number | null
  has(txId: number): boolean
  /** The newest ones, ascending. */
  recentResults(count: number): ExecutionResult[]
  /** Whether each certificate of the next block is skipped, so that no body is needed. */
  skips(block: Block): boolean[]
  /** `bodies[i]` may be null exactly if certificate i is skipped. */
  execute(block: Block, bodies: readonly (readonly Uint8Array[] | null)[]): Promise<Execution>
  /** What proves the end of an executed transaction; null: nothing. Undefined: there are no receipts here. */
  receiptOf(txId: number): Promise<ReceiptClaim | null> | undefined
  /** A crash: the newest executions that were not on disk are lost and will be done again. */
  rollback(heights: number): void
  /** A restart. */
  open(): Promise<void>
  /** Flips a bit of a stored value, if anything is stored. */
  flip(prng: Prng): Promise<void>
  /** Whether the value of some row is not what was written, as a look at all files would show. */
  readonly damaged: boolean
}

interface Step {
  readonly execution: Execution
  readonly newTxs: readonly number[]
  readonly newBatches: readonly string[]
  readonly holdsBefore: readonly number[]
}

export class HashChain implements SimApplication {
  readonly #set: ValidatorSet
  readonly #batchTtlMs: number
  readonly #holdMs: number
  readonly #genesisRoot: Digest
  readonly #steps: Step[] = []
  readonly #txs = new Set<number>()
  readonly #batches = new Set<string>()
  /** When open holds fall due, ascending. */
  #holds: readonly number[] = []

  constructor(set: ValidatorSet, genesisRoot: Digest, batchTtlMs: number, holdMs: number) {
    this.#set = set
    this.#genesisRoot = genesisRoot
    this.#batchTtlMs = batchTtlMs
    this.#holdMs = holdMs
  }

  get height(): number {
    return this.#steps.length
  }

  get nextDueMs(): number | null {
    return this.#holds[0] ?? null
  }

  has(txId: number): boolean {
    return this.#txs.has(txId)
  }

  get timeMs(): number {
    return this.#steps.at(-1)?.execution.result.timeMs ?? 0
  }

  recentResults(count: number): ExecutionResult[] {
    return this.#steps.slice(-count).map(({ execution }) => execution.result)
  }

  skips(block: Block): boolean[] {
    const inBlock = new Set<string>()
    return block.payload.map((certificate) => {
      const name = batchName(certificate)
      const skipped =
        certificate.createdMs + this.#batchTtlMs < block.timeMs ||
        this.#batches.has(name) ||
        inBlock.has(name)
      inBlock.add(name)
      return skipped
    })
  }

  execute(block: Block, bodies: readonly (readonly Uint8Array[] | null)[]): Promise<Execution> {
    if (block.height !== this.height + 1)
      throw new Error(`expected height ${this.height + 1}, got ${block.height}`)
    const skips = this.skips(block)
    const holdsBefore = this.#holds
    const ended = this.#holds.filter((dueMs) => dueMs <= block.timeMs).length
    this.#holds = this.#holds.slice(ended)
    const newTxs: number[] = []
    const newBatches: string[] = []
    const batches = block.payload.map((certificate, i) => {
      if (skips[i] === true) return null
      newBatches.push(batchName(certificate))
      this.#batches.add(batchName(certificate))
      return this.#executeBatch(certificate, bodies[i] ?? [], block.timeMs, newTxs)
    })
    const receipts = digest('receipts', JSON.stringify(batches), String(ended))
    const result: ExecutionResult = {
      height: block.height,
      timeMs: block.timeMs,
      stateRoot: digest(
        'state',
        this.#steps.at(-1)?.execution.result.stateRoot ?? this.#genesisRoot,
        receipts,
        String(block.timeMs),
      ),
      receiptsRoot: receipts,
      hadWork: batches.length > 0 || ended > 0,
    }
    const execution = { result, batches, nextDueMs: this.nextDueMs }
    this.#steps.push({ execution, newTxs, newBatches, holdsBefore })
    return Promise.resolve(execution)
  }

  #executeBatch(
    certificate: BatchCertificate,
    txs: readonly Uint8Array[],
    timeMs: number,
    newTxs: number[],
  ): TxOutcome[] {
    if (txs.length !== certificate.txCount)
      throw new Error('executed with a body that is not the certified one')
    const held = new Set(heldTransfers(this.#set, certificate).map(({ tx }) => tx))
    return txs.map((bytes, index) => {
      const tx = decodeTx(bytes)
      if (this.#txs.has(tx.id)) return { id: tx.id, outcome: 'duplicate' }
      if (tx.validUntilMs < timeMs) return { id: tx.id, outcome: 'expired' }
      this.#txs.add(tx.id)
      newTxs.push(tx.id)
      if (!held.has(index)) return { id: tx.id, outcome: 'settled' }
      this.#holds = [...this.#holds, timeMs + this.#holdMs]
      return { id: tx.id, outcome: 'held' }
    })
  }

  receiptOf(): undefined {
    return undefined
  }

  open(): Promise<void> {
    return Promise.resolve()
  }

  /** It has no disk. */
  flip(): Promise<void> {
    return Promise.resolve()
  }

  get damaged(): boolean {
    return false
  }

  rollback(heights: number): void {
    for (const step of this.#steps.splice(Math.max(0, this.#steps.length - heights)).reverse()) {
      for (const id of step.newTxs) this.#txs.delete(id)
      for (const name of step.newBatches) this.#batches.delete(name)
      this.#holds = step.holdsBefore
    }
  }
}

function batchName({ epoch, author, seq }: BatchCertificate): string {
  return `${epoch} ${author} ${seq}`
}

function digest(...parts: readonly (string | Uint8Array)[]): Digest {
  return Buffer.from(hash('sha256', Buffer.concat(parts.map((part) => Buffer.from(part))), 'hex'), 'hex')
}
