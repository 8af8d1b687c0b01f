/**
 * Execution of one block: pure. It depends on the final bytes, the parameters and the state before, nothing else
 * (ledger.md, Three outcomes, Time, Execution order; dissemination.md, Life of a batch 7).
 *
 *   1. Holds that fell due end, in (expiresMs, id) order, at most maxExpiriesPerBlock.
 *   2. Certificates in block order, transactions in batch order. A batch that was executed before, or is older than
 *      batchTtlMs, is skipped.
 */
import { LIMITS } from '../config/limits.ts'
import type { Parameters } from '../config/parameters.ts'
import { hash } from '../crypto/hash.ts'
import { CordonError } from '../config/errors.ts'
import { mapKey } from '../crypto/bytes.ts'
import { definitionOf } from './actions/index.ts'
import { Draft, type StateBefore, type StateChanges } from './draft.ts'
import { checkStructure, isOfSystem } from './rules.ts'
import { decodeTransaction, type DecodedTransaction } from './transaction.ts'
import type {
  Bytes32,
  EvidenceJudge,
  ExecutedTransfer,
  ExecutionBatch,
  ExecutionBlock,
  FailureCode,
  HeldTransfer,
  Hold,
  ProvenOffence,
  Receipt,
  VoidTransaction,
} from './types.ts'
import { batchKey, batchMember, bucketEndMs, liveMember, type BatchName, type Member } from './windows.ts'

/** What names a batch, and when it was made: all that decides whether it is skipped. */
export interface BatchRef extends BatchName {
  readonly createdMs: number
}

/** Looks into a window: the bucket of a member, or null. */
export interface Seen {
  find(key: string): number | null
}

/** Everything execution reads. */
export interface ExecutionInput extends StateBefore {
  readonly block: ExecutionBlock
  /** Beside each batch that is not skipped: its transactions, null where the bytes are not a transaction. */
  readonly decoded: readonly (readonly (DecodedTransaction | null)[] | null)[]
  readonly parameters: Parameters
  /** First 8 bytes of the genesis hash. */
  readonly chain: Uint8Array
  /** Open holds that are due at the block's time, in (expiresMs, id) order, at most maxExpiriesPerBlock. */
  readonly due: readonly Hold[]
  readonly liveIds: Seen
  readonly executedBatches: Seen
  readonly judgeEvidence: EvidenceJudge
}

/** Everything execution decides. */
export interface Execution {
  readonly changes: StateChanges
  readonly receipts: readonly Receipt[]
  /** The transaction of each receipt. */
  readonly transactions: readonly DecodedTransaction[]
  readonly voids: readonly VoidTransaction[]
  readonly transfers: readonly ExecutedTransfer[]
  readonly endedHolds: readonly Hold[]
  /** Validators whose first offence was recorded. */
  readonly offenders: readonly number[]
  /** Holds that ended by an action, with the index of its receipt; the others expired. */
  readonly endedBy: ReadonlyMap<Hold, number>
  readonly newLiveIds: readonly Member[]
  readonly newBatches: readonly Member[]
}

/**
 * Which batches a block of that time skips: those executed before, repeated in the list, or older than batchTtlMs.
 */
export function skippedBatches(
  batches: readonly BatchRef[],
  timeMs: number,
  batchTtlMs: number,
  executed: Seen,
): boolean[] {
  const inThisBlock = new Set<string>()
  return batches.map((batch) => {
    if (batch.createdMs + batchTtlMs < timeMs) return true
    const key = batchKey(batch)
    const bucket = executed.find(key)
    const remembered = bucket !== null && bucketEndMs(bucket) + batchTtlMs > timeMs
    if (remembered || inThisBlock.has(key)) return true
    inThisBlock.add(key)
    return false
  })
}

/** The transaction in these bytes, or null. Batches are checked before they are certified, so null hardly happens. */
export function tryDecode(bytes: Uint8Array): DecodedTransaction | null {
  try {
    return decodeTransaction(bytes)
  } catch (error) {
    if (error instanceof CordonError) return null
    throw error
  }
}

/** Executes a block batch by batch, so that a caller can let others run in between. */
export class BlockExecutor {
  readonly #input: ExecutionInput
  readonly #skipped: readonly boolean[]
  readonly #draft: Draft
  readonly #receipts: Receipt[] = []
  readonly #transactions: DecodedTransaction[] = []
  readonly #voids: VoidTransaction[] = []
  readonly #transfers: ExecutedTransfer[] = []
  readonly #endedHolds: Hold[] = []
  readonly #endedBy = new Map<Hold, number>()
  readonly #newLiveIds: Member[] = []
  readonly #newBatches: Member[] = []
  readonly #liveInThisBlock = new Set<string>()
  readonly #offenders: number[] = []
  /** Evidence is judged before its transaction runs, and looked up when it does. */
  readonly #judged = new Map<Uint8Array, ProvenOffence | null>()

  constructor(input: ExecutionInput) {
    const { block, parameters } = input
    this.#input = input
    this.#draft = new Draft(block.height, block.timeMs, parameters, input, (evidence) =>
      this.#judge(evidence),
    )
    this.#skipped = skippedBatches(block.batches, block.timeMs, parameters.batchTtlMs, input.executedBatches)
    this.#expireHolds()
  }

  #expireHolds(): void {
    for (const hold of this.#input.due) {
      this.#draft.begin(hold.txId, hold.payer)
      this.#draft.endHold(hold, hold.onExpiry === 'return' ? 'expired-returned' : 'expired-released')
      this.#endedHolds.push(...this.#draft.take().endedHolds)
    }
  }

  /** Executes the batch at `index`; call it for each in order. */
  runBatch(index: number): void {
    const batch = this.#input.block.batches[index] as ExecutionBatch
    if (this.#skipped[index] === true) return
    this.#newBatches.push(batchMember(batch))
    const verdicts = new Map(batch.held.map((held) => [held.tx * 256 + held.action, held]))
    for (const [tx, decoded] of (this.#input.decoded[index] ?? []).entries()) {
      this.#runTransaction(
        decoded,
        batch.txs?.[tx] ?? new Uint8Array(0),
        (action) => verdicts.get(tx * 256 + action) ?? null,
      )
    }
  }

  finish(): Execution {
    return {
      changes: this.#draft.changes(),
      receipts: this.#receipts,
      transactions: this.#transactions,
      voids: this.#voids,
      transfers: this.#transfers,
      endedHolds: this.#endedHolds,
      offenders: this.#offenders,
      endedBy: this.#endedBy,
      newLiveIds: this.#newLiveIds,
      newBatches: this.#newBatches,
    }
  }

  #runTransaction(
    decoded: DecodedTransaction | null,
    bytes: Uint8Array,
    verdictOf: (action: number) => HeldTransfer | null,
  ): void {
    if (decoded === null || !this.#wellFormed(decoded)) {
      this.#voids.push({ txId: decoded?.id ?? hash('tx', bytes), reason: 'invalid' })
      return
    }
    const reason = this.#voidReason(decoded) ?? this.#systemVoidReason(decoded)
    if (reason !== null) {
      this.#voids.push({ txId: decoded.id, reason })
      return
    }
    this.#consume(decoded)
    if (isOfSystem(decoded.transaction)) {
      this.#record(decoded, 0n, this.#runActions(decoded, verdictOf))
      return
    }
    const { sender, fee, sequence } = decoded.transaction
    const { balance } = this.#draft.look(sender)
    if (balance < fee) {
      this.#draft.charge(sender, balance, sequence)
      this.#record(decoded, balance, 'fee-not-covered')
      return
    }
    this.#draft.charge(sender, fee, sequence)
    this.#record(decoded, fee, this.#runActions(decoded, verdictOf))
  }

  #wellFormed({ transaction }: DecodedTransaction): boolean {
    try {
      checkStructure(transaction, { chain: this.#input.chain, minFee: this.#input.parameters.minFee })
      return true
    } catch (error) {
      if (error instanceof CordonError) return false
      throw error
    }
  }

  /** Void: the id is live, the block is outside the validity window, or the sequence is not the next one. */
  #voidReason({ id, transaction }: DecodedTransaction): VoidTransaction['reason'] | null {
    const { timeMs } = this.#input.block
    if (transaction.validUntilMs < timeMs) return 'expired'
    if (transaction.sequence !== 0n) {
      // An account that does not exist has no next sequence: or anybody could fill the state with empty accounts.
      const account = this.#draft.look(transaction.sender)
      return account.exists && transaction.sequence === account.sequence + 1n ? null : 'sequence'
    }
    if (transaction.validUntilMs > timeMs + LIMITS.unorderedValidityMs) return 'not-yet-valid'
    const key = mapKey(id)
    return this.#liveInThisBlock.has(key) || this.#input.liveIds.find(key) !== null ? 'duplicate' : null
  }

  /**
   * What nobody pays for must leave no trace unless it is new and true: evidence that proves nothing, or an offence of a
   * validator that has one recorded.
   */
  #systemVoidReason({ transaction }: DecodedTransaction): VoidTransaction['reason'] | null {
    for (const action of transaction.actions) {
      if (action.type !== 'evidence') continue
      const offence = this.#judge(action.evidence)
      if (offence === null) return 'invalid'
      if (this.#draft.hasOffence(offence.validator)) return 'duplicate'
      this.#offenders.push(offence.validator)
    }
    return null
  }

  #judge(evidence: Uint8Array): ProvenOffence | null {
    let offence = this.#judged.get(evidence)
    if (offence === undefined) {
      offence = this.#input.judgeEvidence(evidence)
      this.#judged.set(evidence, offence)
    }
    return offence
  }

  /** Uses the id up; the sequence goes with the fee. */
  #consume({ id, transaction }: DecodedTransaction): void {
    if (transaction.sequence !== 0n) return
    const member = liveMember(id, transaction.validUntilMs)
    this.#liveInThisBlock.add(member.key)
    this.#newLiveIds.push(member)
  }

  /** Applies all actions, or none and says why. */
  #runActions(
    { id, transaction }: DecodedTransaction,
    verdictOf: (action: number) => HeldTransfer | null,
  ): FailureCode | null {
    this.#draft.begin(id, transaction.sender)
    for (const [index, action] of transaction.actions.entries()) {
      this.#draft.beginAction(index, verdictOf(index))
      const failure = definitionOf(action).execute(this.#draft, action)
      if (failure !== null) {
        this.#draft.rollback()
        return failure
      }
    }
    return null
  }

  #record(decoded: DecodedTransaction, fee: bigint, failure: FailureCode | null): void {
    const index = this.#receipts.length
    const { transfers, endedHolds, holds } = failure === null ? this.#draft.take() : NO_EFFECTS
    this.#transfers.push(...transfers)
    for (const hold of endedHolds) {
      this.#endedHolds.push(hold)
      this.#endedBy.set(hold, index)
    }
    this.#transactions.push(decoded)
    this.#receipts.push({
      txId: decoded.id,
      height: this.#input.block.height,
      index,
      timeMs: this.#input.block.timeMs,
      outcome: failure !== null ? 'failed' : holds.length > 0 ? 'held' : 'settled',
      fee,
      failure,
      holds,
    })
  }
}

const NO_EFFECTS: {
  readonly transfers: readonly ExecutedTransfer[]
  readonly endedHolds: readonly Hold[]
  readonly holds: Receipt['holds']
} = {
  transfers: [],
  endedHolds: [],
  holds: [],
}

/** Ids of accounts and holds that the transactions of a block name. */
export function touchedBy(decoded: ExecutionInput['decoded']): {
  readonly accounts: Map<string, Bytes32>
  readonly holds: Map<string, Bytes32>
} {
  const accounts = new Map<string, Bytes32>()
  const holds = new Map<string, Bytes32>()
  for (const item of decoded.flatMap((batch) => batch ?? [])) {
    if (item === null) continue
    const { sender, actions } = item.transaction
    if (!isOfSystem(item.transaction)) accounts.set(mapKey(sender), sender)
    for (const action of actions) {
      const touches = definitionOf(action).touches(action)
      for (const account of touches.accounts) accounts.set(mapKey(account), account)
      for (const hold of touches.holds) holds.set(mapKey(hold), hold)
    }
  }
  return { accounts, holds }
}
