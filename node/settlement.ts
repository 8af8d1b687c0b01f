/**
 * What follows from a final and from an executed block: the fraud engine learns, pending transactions end, counters
 * move, and those who wait are woken. The one place where the parts of a node hear of the ledger's progress.
 */
import type { Logger } from 'pino'
import type { BlockEvent } from '../client/api.ts'
import { CordonError } from '../config/errors.ts'
import { fromHex, toHex } from '../crypto/bytes.ts'
import type { Input, Note } from '../consensus/replica-types.ts'
import type { Block } from '../consensus/types.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { decodeTransaction } from '../ledger/transaction.ts'
import type { BlockExecution, Receipt, VoidTransaction } from '../ledger/types.ts'
import type { Congestion } from './congestion.ts'
import type { ExecutedBlock } from './executor.ts'
import type { FraudEngine } from './fraud-engine.ts'
import type { Intake } from './intake.ts'
import type { Metrics } from './metrics.ts'
import type { Outcomes } from './outcomes.ts'
import { txName, type PendingTransactions } from './pending.ts'
import type { ReviewDesk } from './review/desk.ts'
import type { StatusSource } from './status.ts'

/** Pending transactions are compared with block time this often, by block time. */
const ADVANCE_INTERVAL_MS = 250
/** Accounts with transactions that wait for their sequence, looked at each time. */
const PARKED_SENDERS = 256

export interface SettlementOptions {
  readonly ledger: Ledger
  readonly pending: PendingTransactions
  readonly congestion: Pick<Congestion, 'ended'>
  readonly fraud: Pick<FraudEngine, 'executed'>
  readonly outcomes: Outcomes
  readonly review: Pick<ReviewDesk, 'executed'>
  readonly log: Logger
}

/** Parts that are built later than the executor that reports here. */
export interface SettlementSinks {
  readonly status: Pick<StatusSource, 'noteFinal'>
  readonly metrics: Pick<Metrics, 'note' | 'noteFinal' | 'noteExecuted'>
  readonly intake: Pick<Intake, 'offerDue'>
  readonly input: (input: Input) => void
}

export class Settlement {
  readonly #options: SettlementOptions
  readonly #sinks: SettlementSinks
  #advancedMs = 0
  #nextDueMs: number | null = null

  constructor(options: SettlementOptions, sinks: SettlementSinks) {
    this.#options = options
    this.#sinks = sinks
  }

  /** A block became final. */
  final(block: Block): void {
    this.#sinks.status.noteFinal(block.timeMs)
    this.#sinks.metrics.noteFinal(Math.max(0, Date.now() - block.timeMs))
  }

  /** A block was executed and is durable. */
  async executed({ execution, refs, skippedTxs }: ExecutedBlock): Promise<void> {
    const { pending, congestion, fraud, outcomes } = this.#options
    const { metrics, intake, input } = this.#sinks
    await fraud.executed(execution, refs)
    this.#options.review.executed(execution)
    const settled =
      pending.settle(execution.receipts.map((receipt) => txName(receipt.txId))) +
      pending.settle(voidsOf(execution, 'duplicate')) // executed before, in a batch of somebody else
    congestion.ended(settled, performance.now())
    pending.park(voidsOf(execution, 'sequence'))
    pending.offerAgain(namesOf(skippedTxs))
    metrics.noteExecuted(execution)
    this.#alarm(execution)
    // The holds first: one that has just ended would call for another block.
    if (execution.nextDueMs !== this.#nextDueMs) {
      this.#nextDueMs = execution.nextDueMs
      input({ type: 'next-due', timeMs: execution.nextDueMs })
    }
    input({ type: 'executed', result: execution })
    outcomes.publish(eventOf(execution, await this.#expired(execution.timeMs)))
    intake.offerDue()
  }

  #alarm({ offenders, height }: BlockExecution): void {
    const { ledger, log } = this.#options
    for (const index of offenders) {
      const { name, offence } = ledger.validators()[index] ?? { name: String(index), offence: null }
      log.error(
        { validator: name, kind: offence?.kind, position: offence?.position, height },
        'the ledger has proof that a validator contradicted itself; its operator must be asked, and nobody should rely on it: cordon evidence list',
      )
    }
  }

  async #expired(executedTimeMs: number): Promise<string[]> {
    if (executedTimeMs < this.#advancedMs + ADVANCE_INTERVAL_MS) return []
    this.#advancedMs = executedTimeMs
    const expired = await this.#options.pending.advance(executedTimeMs)
    return [...expired, ...(await this.#unpark(executedTimeMs))]
  }

  /** @returns the names of transactions that lost their sequence to another one: those can never be executed. */
  async #unpark(executedTimeMs: number): Promise<string[]> {
    const { pending, ledger } = this.#options
    const lost: string[] = []
    for (const sender of pending.takeParkedSenders(PARKED_SENDERS)) {
      const account = await ledger.account(fromHex(sender))
      for (const { id, name } of pending.unpark(sender, account?.sequence ?? 0n)) {
        if ((await ledger.receipt(id)) === null) lost.push(name)
        else pending.settle([name])
      }
    }
    await pending.expire(lost, executedTimeMs)
    return lost
  }

  /** Something the replica wants people to know. */
  note(note: Note): void {
    const { log } = this.#options
    this.#sinks.metrics.note(note)
    switch (note.kind) {
      case 'standstill':
        log.warn(note, 'nothing became final for a while; sending certificates and votes again')
        return
      case 'result-mismatch':
        log.error(
          note,
          'a leader claims other execution results than this node has; refusing to vote for its block',
        )
        return
      case 'key-used-elsewhere':
        log.fatal(
          note,
          'another process votes with the key of this validator, or an older signer folder was put in place; this node signs nothing more, also after a restart. Stop the other one and import what it signed: cordon signer import (docs/signer.md)',
        )
        return
      case 'voting-waits':
        log.warn(
          note,
          'the signing state was lost; this node votes again when this view or a later one is final',
        )
        return
      case 'voting-resumed':
        log.warn(note, 'the wait for a lost signing state is over; this node votes above this view')
        return
      case 'too-far-behind':
        log.error(
          note,
          'more blocks are missing than are fetched one by one; copy data/ from a stopped node of the same chain',
        )
        return
      case 'vote-refused':
      case 'batch-dropped':
        log.info(note, note.kind)
        return
      default:
        log.debug(note, note.kind)
    }
  }
}

/**
 * The event of a block executed long ago. What expired then is not kept.
 * @throws CordonError `not-found` if the height is not executed.
 */
export async function pastEvent(ledger: Ledger, height: number): Promise<BlockEvent> {
  const [result, transactions] = await Promise.all([ledger.result(height), ledger.transactionsOf(height)])
  if (result === null || transactions === null)
    throw new CordonError('not-found', `height ${height} is not executed`, { height })
  return eventOf({ ...result, receipts: transactions.map(({ receipt }) => receipt) }, [])
}

/** What subscribers hear of an executed block. */
function eventOf(
  execution: Pick<BlockExecution, 'height' | 'digest' | 'timeMs' | 'receipts'>,
  expired: readonly string[],
): BlockEvent {
  return {
    height: execution.height,
    hash: toHex(execution.digest),
    timeMs: execution.timeMs,
    results: execution.receipts.map((receipt: Receipt) => ({
      txId: toHex(receipt.txId),
      status: receipt.outcome,
      holds: receipt.holds.map((hold) => toHex(hold.holdId)),
    })),
    expired,
  }
}

function voidsOf({ voids }: BlockExecution, reason: VoidTransaction['reason']): string[] {
  return voids.flatMap((entry) => (entry.reason === reason ? [txName(entry.txId)] : []))
}

/** Names of those that decode: a certified batch has no others, with at most F faulty. */
function namesOf(txs: readonly Uint8Array[]): string[] {
  return txs.flatMap((bytes) => {
    try {
      return [txName(decodeTransaction(bytes).id)]
    } catch {
      return []
    }
  })
}
