/** From signed bytes to their end: submits, waits, and survives the loss of the node it submitted to. */
import { setTimeout as sleep } from 'node:timers/promises'
import { CordonError } from '../config/errors.ts'
import { toHex } from '../crypto/bytes.ts'
import type { SubmitResult, TxInfo } from './api.ts'
import { isLost, type RpcClient } from './rpc-client.ts'

/** Wait before trying again when a busy node does not say how long. */
const BUSY_RETRY_MS = 250
/** The node's own answer at the end of the time says more than ours, so it gets a moment. */
const GRACE_MS = 100

export interface SignedPayment {
  readonly txId: Uint8Array
  /** Canonical bytes. */
  readonly bytes: Uint8Array
}

export interface PaymentEnd {
  readonly info: TxInfo
  /** Monotonic, from writing `tx_submit` to having the final result. */
  readonly latencyMs: number
}

/**
 * Submits and waits for the end: settled, held, failed or expired.
 * @throws CordonError `outcome-unknown` once `timeoutMs` is up; the node's own error if it refuses the payment.
 */
export async function submitAndWait(client: RpcClient, payment: SignedPayment, timeoutMs: number): Promise<PaymentEnd> {
  const startMs = performance.now()
  const deadlineMs = startMs + timeoutMs
  const info = await waitForEnd(client, payment, deadlineMs)
  return { info, latencyMs: performance.now() - startMs }
}

/** Submits; a busy node is asked again until the time is up. Bytes that are known already are not submitted twice. */
export async function submit(client: RpcClient, payment: SignedPayment, timeoutMs: number): Promise<SubmitResult> {
  return submitUntil(client, payment, performance.now() + timeoutMs)
}

/**
 * Waits for the end of a transaction that somebody submitted.
 * @throws CordonError `outcome-unknown` once `timeoutMs` is up.
 */
export async function waitForTransaction(client: RpcClient, txId: string, timeoutMs: number): Promise<TxInfo> {
  const deadlineMs = performance.now() + timeoutMs
  return withDeadline(txId, deadlineMs, async () => {
    for (;;) {
      const info = await client.call('tx_wait', { txId, timeoutMs: remaining(deadlineMs) })
      if (hasEnded(info)) return info
      if (performance.now() >= deadlineMs) throw outcomeUnknown(txId, info.status)
      if (info.status === 'unknown') await sleep(BUSY_RETRY_MS) // a node that answers at once for what it does not know
    }
  })
}

export function hasEnded({ status }: Pick<TxInfo, 'status'>): boolean {
  return status !== 'pending' && status !== 'unknown'
}

/**
 * Whether it can never happen any more: blocks up to a time past its validity are executed, and it was in none. The
 * node's clock does not count (ledger.md: expired only by finalized block time).
 */
export function isProvablyExpired(info: TxInfo, validUntilMs: number): boolean {
  return info.executedTimeMs > validUntilMs && info.status !== 'settled' && info.status !== 'held' && info.status !== 'failed'
}

/**
 * After a break the bytes are submitted again: the node that took them may be gone before it told the others. Once one
 * node accepted, what another thinks of them decides nothing: the first has them on its disk.
 */
async function waitForEnd(client: RpcClient, payment: SignedPayment, deadlineMs: number): Promise<TxInfo> {
  const txId = toHex(payment.txId)
  return withDeadline(txId, deadlineMs, async () => {
    let accepted = false
    for (;;) {
      try {
        await submitUntil(client, payment, deadlineMs)
        accepted = true
      } catch (error) {
        if (!accepted || isUnreachable(error)) throw error
      }
      try {
        const info = await client.call('tx_wait', { txId, timeoutMs: remaining(deadlineMs) }, { retry: false })
        if (hasEnded(info)) return info
        if (performance.now() >= deadlineMs) throw outcomeUnknown(txId, info.status)
      } catch (error) {
        if (!isLost(error)) throw error
      }
    }
  })
}

async function submitUntil(client: RpcClient, payment: SignedPayment, deadlineMs: number): Promise<SubmitResult> {
  const tx = toHex(payment.bytes)
  for (;;) {
    try {
      return await client.call('tx_submit', { tx })
    } catch (error) {
      if (!(error instanceof CordonError) || error.code !== 'busy') throw error
      const retryAfterMs = typeof error.payload.retryAfterMs === 'number' ? error.payload.retryAfterMs : BUSY_RETRY_MS
      if (performance.now() + retryAfterMs >= deadlineMs) throw error
      await sleep(retryAfterMs)
    }
  }
}

/** No node that hangs can keep a caller beyond its time. What was begun goes on in the network. */
async function withDeadline<Result>(txId: string, deadlineMs: number, run: () => Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const timeUp = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(outcomeUnknown(txId, 'pending')), remaining(deadlineMs) + GRACE_MS)
  })
  try {
    return await Promise.race([run(), timeUp])
  } catch (error) {
    throw isUnreachable(error) ? outcomeUnknown(txId, 'pending', error) : error
  } finally {
    clearTimeout(timer)
  }
}

function isUnreachable(error: unknown): boolean {
  return error instanceof CordonError && (error.code === 'connection-lost' || error.code === 'cannot-connect')
}

function remaining(deadlineMs: number): number {
  return Math.max(0, Math.ceil(deadlineMs - performance.now()))
}

function outcomeUnknown(txId: string, status: string, cause?: unknown): CordonError {
  const why = cause instanceof Error ? `no node answers any more (${cause.message})` : 'the time is up'
  return new CordonError('outcome-unknown', `${why}; payment ${txId} may still settle. See how it ends: cordon tx wait ${txId}`, { txId, status })
}
