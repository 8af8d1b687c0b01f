/**
 * Pays exactly once (DESIGN.md, Wallet). Without a key there is one attempt. With a key the newest attempt is resumed:
 * the same bytes again, which give the same receipt. Another attempt is signed only once the one before is provably
 * expired: blocks past its validity are executed, and it was in none.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { CordonError } from '../../config/errors.ts'
import { toHex } from '../../crypto/bytes.ts'
import { hasEnded, isProvablyExpired, submitAndWait, type PaymentEnd } from '../../client/payment.ts'
import type { RpcClient } from '../../client/rpc-client.ts'
import type { Outbox, PaymentTerms, StoredEntry } from '../outbox.ts'

/** How often to look for the end of a payment that this node does not take but another may have taken. */
const POLL_MS = 250

export interface PayOnceOptions {
  readonly client: RpcClient
  readonly outbox: Outbox
  /** Signs an attempt and makes it durable. Returns another process's attempt of that number if there is one. */
  readonly sign: (attempt: number) => Promise<StoredEntry>
  readonly key: string | null
  readonly terms: PaymentTerms
  readonly timeoutMs: number
}

/** @throws CordonError `outcome-unknown` when the time is up; the refusal of the node; `usage` for a key of another payment. */
export async function payOnce(options: PayOnceOptions): Promise<PaymentEnd> {
  const { key, outbox, sign, terms, timeoutMs } = options
  const deadlineMs = performance.now() + timeoutMs
  let entry = (key === null ? null : outbox.newest(key)) ?? (await sign(1))
  for (;;) {
    if (key !== null) requireSameTerms(key, entry, terms)
    const end = entry.own ? await first(options, entry, deadlineMs) : await resume(options, entry, deadlineMs)
    if (end !== 'expired') return end
    entry = await sign(entry.attempt + 1)
  }
}

/** @throws CordonError `usage` if a key was used for another payment. */
export function requireSameTerms(key: string, { terms, txId }: StoredEntry, wanted: PaymentTerms): void {
  const differing = (['from', 'to', 'amount', 'memo'] as const).filter((name) => terms[name] !== wanted[name])
  if (differing.length === 0) return
  const was = differing.map((name) => `${name} ${JSON.stringify(terms[name])}`).join(', ')
  throw new CordonError(
    'usage',
    `--key ${JSON.stringify(key)} belongs to another payment, ${toHex(txId)}, with ${was}; use another key`,
    { txId: toHex(txId) },
  )
}

/** An attempt that has not been sent by this process before. */
async function first(
  { client, outbox, key }: PayOnceOptions,
  entry: StoredEntry,
  deadlineMs: number,
): Promise<PaymentEnd> {
  try {
    const end = await submitAndWait(client, entry, remaining(deadlineMs))
    if (key === null) outbox.remove(entry)
    return end
  } catch (error) {
    // What is left is a refusal by the only node that saw the bytes (client/payment.ts).
    if (error instanceof CordonError && error.code !== 'outcome-unknown') {
      if (key === null) outbox.remove(entry)
      else outbox.markRefused(entry)
    }
    throw error
  }
}

async function resume(
  { client }: PayOnceOptions,
  entry: StoredEntry,
  deadlineMs: number,
): Promise<PaymentEnd | 'expired'> {
  const startMs = performance.now()
  const txId = toHex(entry.txId)
  const known = await client.call('tx_get', { txId })
  if (isProvablyExpired(known, entry.validUntilMs)) return 'expired'
  if (hasEnded(known) && known.status !== 'expired')
    return { info: known, latencyMs: performance.now() - startMs }
  try {
    const end = await submitAndWait(client, entry, remaining(deadlineMs))
    return end.info.status === 'expired' ? 'expired' : end
  } catch (error) {
    if (!(error instanceof CordonError) || error.code === 'outcome-unknown' || entry.refused) throw error
    return waitAfterRefusal(client, entry, startMs, deadlineMs, error)
  }
}

/** This node refuses bytes that another one may have taken earlier: only their end, or the lack of it, says how it stands. */
async function waitAfterRefusal(
  client: RpcClient,
  entry: StoredEntry,
  startMs: number,
  deadlineMs: number,
  refusal: CordonError,
): Promise<PaymentEnd | 'expired'> {
  const txId = toHex(entry.txId)
  while (performance.now() < deadlineMs) {
    const info = await client.call('tx_get', { txId })
    if (isProvablyExpired(info, entry.validUntilMs)) return 'expired'
    if (hasEnded(info)) return { info, latencyMs: performance.now() - startMs }
    await sleep(POLL_MS)
  }
  throw new CordonError(
    'outcome-unknown',
    `the node refuses the payment now (${refusal.message}), but an earlier attempt may have reached another; see how it ends: cordon tx wait ${txId}`,
    { txId, refusal: refusal.code },
  )
}

/** At least a moment: an attempt that is signed is also sent. */
function remaining(deadlineMs: number): number {
  return Math.max(1, deadlineMs - performance.now())
}
