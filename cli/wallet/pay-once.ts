/**
 * Pays exactly once (DESIGN.md, Wallet). The newest attempt is resumed: the same bytes again, which give the same
 * receipt. Another attempt is signed only once the one before is provably expired: blocks past its validity are
 * executed, and it was in none.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { CordonError } from '../../config/errors.ts'
import { toHex } from '../../crypto/bytes.ts'
import {
  hasEnded,
  isProvablyExpired,
  submit,
  submitAndLeave,
  submitAndWait,
  type PaymentEnd,
} from '../../client/payment.ts'
import type { RpcClient } from '../../client/rpc-client.ts'

/** How often to look for the end of a payment that this node does not take but another may have taken. */
const POLL_MS = 250

/** A signed payment that is on the disk. */
export interface Attempt {
  readonly txId: Uint8Array
  /** Canonical bytes. */
  readonly bytes: Uint8Array
  readonly validUntilMs: number
  /** From 1. */
  readonly attempt: number
  /** Whether this process made it: then nothing has been sent yet. */
  readonly own: boolean
  /** Whether a node refused it and none can have taken it. */
  readonly refused: boolean
}

/** The attempts at one payment, where they are kept. */
export interface Attempts<Kept extends Attempt> {
  /** The last one, or null: there was none. */
  newest(): Kept | null
  /** Signs an attempt and makes it durable. Returns another process's attempt of that number if there is one. */
  sign(attempt: number): Promise<Kept>
  /** The node that saw it refused it, and no other can have it. */
  markRefused(attempt: Kept, refusal: CordonError): void
  /** It is about to be sent again. */
  unmarkRefused(attempt: Kept): void
}

interface PayOnceOptions<Kept extends Attempt> {
  readonly client: RpcClient
  readonly attempts: Attempts<Kept>
  readonly timeoutMs: number
  /** Whether a payment that an earlier run saw fail for good is signed anew. */
  readonly againIfFailed?: boolean
}

/** @throws CordonError `outcome-unknown` when the time is up; the refusal of the node; whatever `attempts` throws. */
export async function payOnce<Kept extends Attempt>(options: PayOnceOptions<Kept>): Promise<PaymentEnd> {
  const { attempts, timeoutMs } = options
  let leftMs = timeoutMs
  let attempt = attempts.newest() ?? (await attempts.sign(1))
  for (;;) {
    const startMs = performance.now()
    const end = await (attempt.own ? first : resume)(options, attempt, startMs + leftMs)
    if (end !== 'again') return end
    leftMs -= performance.now() - startMs
    attempt = await attempts.sign(attempt.attempt + 1) // a person may be asked, and take their time
  }
}

interface Accepted<Kept extends Attempt> {
  readonly attempt: Kept
  /** Monotonic, from sending it to the node's word that it has it. */
  readonly latencyMs: number
}

/**
 * The same until a node has it on its disk; nobody waits for the end.
 * @throws CordonError as `payOnce`.
 */
export async function acceptOnce<Kept extends Attempt>(
  options: Omit<PayOnceOptions<Kept>, 'againIfFailed'>,
): Promise<Accepted<Kept>> {
  const { client, attempts, timeoutMs } = options
  const attempt = await sendable(options)
  const startMs = performance.now()
  try {
    await submit(client, attempt, timeoutMs)
  } catch (error) {
    if (!isRefusal(error)) throw error
    if (!attempt.own && !attempt.refused) throw refusedNow(attempt, error)
    attempts.markRefused(attempt, error)
    throw error
  }
  return { attempt, latencyMs: performance.now() - startMs }
}

/** The same, and nobody waits for an answer: whether a node refuses it is seen by a repeat. Ends the connection. */
export async function leaveOnce<Kept extends Attempt>(
  options: Pick<PayOnceOptions<Kept>, 'client' | 'attempts'>,
): Promise<Kept> {
  const attempt = await sendable(options)
  await submitAndLeave(options.client, attempt)
  return attempt
}

/** The attempt to send now: the newest, or another one if that can never be executed any more. */
async function sendable<Kept extends Attempt>({
  client,
  attempts,
}: Pick<PayOnceOptions<Kept>, 'client' | 'attempts'>): Promise<Kept> {
  let attempt = attempts.newest() ?? (await attempts.sign(1))
  while (!attempt.own) {
    const known = await client.call('tx_get', { txId: toHex(attempt.txId) })
    if (!isProvablyExpired(known, attempt.validUntilMs)) break
    attempt = await attempts.sign(attempt.attempt + 1)
  }
  if (attempt.refused) attempts.unmarkRefused(attempt)
  return attempt
}

/** An attempt that has not been sent by this process before. */
async function first<Kept extends Attempt>(
  { client, attempts }: PayOnceOptions<Kept>,
  attempt: Kept,
  deadlineMs: number,
): Promise<PaymentEnd> {
  try {
    return await submitAndWait(client, attempt, remaining(deadlineMs))
  } catch (error) {
    // What is left is a refusal by the only node that saw the bytes (client/payment.ts), unless another process found them
    // under their key and sent them elsewhere meanwhile: a repeat finds what became of that.
    if (isRefusal(error)) attempts.markRefused(attempt, error)
    throw error
  }
}

async function resume<Kept extends Attempt>(
  { client, attempts, againIfFailed }: PayOnceOptions<Kept>,
  attempt: Kept,
  deadlineMs: number,
): Promise<PaymentEnd | 'again'> {
  const startMs = performance.now()
  const known = await client.call('tx_get', { txId: toHex(attempt.txId) })
  if (isProvablyExpired(known, attempt.validUntilMs)) return 'again'
  if (known.status === 'failed' && againIfFailed === true) return 'again'
  if (attempt.refused) attempts.unmarkRefused(attempt)
  if (hasEnded(known) && known.status !== 'expired')
    return { info: known, latencyMs: performance.now() - startMs }
  try {
    const end = await submitAndWait(client, attempt, remaining(deadlineMs))
    return end.info.status === 'expired' ? 'again' : end
  } catch (error) {
    if (!isRefusal(error)) throw error
    if (!attempt.refused) return waitAfterRefusal(client, attempt, startMs, deadlineMs, error)
    attempts.markRefused(attempt, error)
    throw error
  }
}

/** Whether no node has taken what was submitted, and none will by itself. */
function isRefusal(error: unknown): error is CordonError {
  return error instanceof CordonError && error.code !== 'outcome-unknown'
}

/** This node refuses bytes that another one may have taken earlier: only their end, or the lack of it, says how it stands. */
async function waitAfterRefusal(
  client: RpcClient,
  attempt: Attempt,
  startMs: number,
  deadlineMs: number,
  refusal: CordonError,
): Promise<PaymentEnd | 'again'> {
  const txId = toHex(attempt.txId)
  while (performance.now() < deadlineMs) {
    const info = await client.call('tx_get', { txId })
    if (isProvablyExpired(info, attempt.validUntilMs)) return 'again'
    if (hasEnded(info)) return { info, latencyMs: performance.now() - startMs }
    await sleep(POLL_MS)
  }
  throw refusedNow(attempt, refusal)
}

function refusedNow(attempt: Attempt, refusal: CordonError): CordonError {
  const txId = toHex(attempt.txId)
  return new CordonError(
    'outcome-unknown',
    `the node refuses the payment now (${refusal.message}), but it may have reached another before; see how it ends: cordon tx wait ${txId}`,
    { txId, refusal: refusal.code },
  )
}

/** At least a moment: an attempt that is signed is also sent. */
function remaining(deadlineMs: number): number {
  return Math.max(1, deadlineMs - performance.now())
}
