/** From signed bytes to their end: submits, waits, and survives the loss of the node it submitted to. */
import { setTimeout as sleep } from 'node:timers/promises'
import { CordonError } from '../config/errors.ts'
import { toHex } from '../crypto/bytes.ts'
import type { SubmitResult, TxInfo } from './api.ts'
import { isLost, isUnreachable } from './reachable.ts'
import type { RpcClient } from './rpc-client.ts'

/** Wait before trying again when a busy node does not say how long. */
const BUSY_RETRY_MS = 250
/** A node may answer before the time is up without knowing the end; asking again has its pace. */
const ASK_AGAIN_MS = 20
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
export async function submitAndWait(
  client: RpcClient,
  payment: SignedPayment,
  timeoutMs: number,
): Promise<PaymentEnd> {
  const startMs = performance.now()
  const deadlineMs = startMs + timeoutMs
  const info = await waitForEnd(client, payment, deadlineMs)
  return { info, latencyMs: performance.now() - startMs }
}

/**
 * Submits without waiting for the end; a busy node is asked again until the time is up.
 * @throws CordonError `outcome-unknown` if the connection broke before the node answered; the node's own error.
 */
export async function submit(
  client: RpcClient,
  payment: SignedPayment,
  timeoutMs: number,
): Promise<SubmitResult> {
  const deadlineMs = performance.now() + timeoutMs
  return withDeadline(toHex(payment.txId), deadlineMs, () => submitUntil(client, payment, deadlineMs))
}

/** Hands the bytes over and ends the connection; nobody waits for the answer. */
export async function submitAndLeave(client: RpcClient, payment: SignedPayment): Promise<void> {
  client.call('tx_submit', { tx: toHex(payment.bytes) }, { retry: false }).catch(() => undefined)
  await client[Symbol.asyncDispose]()
}

/**
 * Waits for the end of a transaction that somebody submitted.
 * @throws CordonError `outcome-unknown` once `timeoutMs` is up.
 */
export async function waitForTransaction(
  client: RpcClient,
  txId: string,
  timeoutMs: number,
): Promise<TxInfo> {
  const deadlineMs = performance.now() + timeoutMs
  return withDeadline(txId, deadlineMs, async () => {
    for (;;) {
      const info = await client.call('tx_wait', { txId, timeoutMs: remaining(deadlineMs) })
      if (hasEnded(info)) return info
      if (performance.now() >= deadlineMs) throw outcomeUnknown(txId, info.status)
      await sleep(ASK_AGAIN_MS)
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
  return (
    info.executedTimeMs > validUntilMs &&
    info.status !== 'settled' &&
    info.status !== 'held' &&
    info.status !== 'failed'
  )
}

/**
 * After a break the bytes are submitted again: the node that took them may be gone before it told the others. Once one
 * node may have them, what another thinks of them decides nothing: the first may have them on its disk. So a refusal
 * that leaves this function is one by the only node that ever saw the bytes.
 */
async function waitForEnd(client: RpcClient, payment: SignedPayment, deadlineMs: number): Promise<TxInfo> {
  const txId = toHex(payment.txId)
  return withDeadline(txId, deadlineMs, async () => {
    let mayBeTaken = false
    for (;;) {
      try {
        await submitUntil(client, payment, deadlineMs)
        mayBeTaken = true
        const info = await client.call(
          'tx_wait',
          { txId, timeoutMs: remaining(deadlineMs) },
          { retry: false },
        )
        if (hasEnded(info)) return info
        if (performance.now() >= deadlineMs) throw outcomeUnknown(txId, info.status)
        await sleep(ASK_AGAIN_MS)
      } catch (error) {
        if (isLost(error)) mayBeTaken = true
        else if (!mayBeTaken || isUnreachable(error) || isTimeUp(error)) throw error
        else await waitAnywhere(client, txId, deadlineMs)
      }
    }
  })
}

/** For bytes that some other node may hold: a moment, before everything is tried again. */
async function waitAnywhere(client: RpcClient, txId: string, deadlineMs: number): Promise<void> {
  await sleep(BUSY_RETRY_MS)
  if (performance.now() >= deadlineMs)
    throw outcomeUnknown(txId, (await client.call('tx_get', { txId })).status)
}

async function submitUntil(
  client: RpcClient,
  payment: SignedPayment,
  deadlineMs: number,
): Promise<SubmitResult> {
  const tx = toHex(payment.bytes)
  for (;;) {
    try {
      return await client.call('tx_submit', { tx }, { retry: false })
    } catch (error) {
      if (!(error instanceof CordonError) || error.code !== 'busy') throw error
      const wanted = error.payload.retryAfterMs
      const retryAfterMs = typeof wanted === 'number' ? Math.max(wanted, 1) : BUSY_RETRY_MS
      if (performance.now() + retryAfterMs >= deadlineMs) throw error
      await sleep(retryAfterMs)
    }
  }
}

/** No node that hangs can keep a caller beyond its time. What was begun goes on in the network. */
async function withDeadline<Result>(
  txId: string,
  deadlineMs: number,
  run: () => Promise<Result>,
): Promise<Result> {
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

function isTimeUp(error: unknown): boolean {
  return error instanceof CordonError && error.code === 'outcome-unknown'
}

function remaining(deadlineMs: number): number {
  return Math.max(0, Math.ceil(deadlineMs - performance.now()))
}

function outcomeUnknown(txId: string, status: string, cause?: unknown): CordonError {
  const why = cause instanceof Error ? `no node answers any more (${cause.message})` : 'the time is up'
  return new CordonError(
    'outcome-unknown',
    `${why}; payment ${txId} may still settle. See how it ends: cordon tx wait ${txId}`,
    { txId, status },
  )
}
