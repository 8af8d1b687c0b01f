/** The live view of a running devnet: one line of numbers per second, with the holds since the last one. */
import { setTimeout as delay } from 'node:timers/promises'
import type { BlockEvent, ChainStatus, HoldInfo } from '../client/api.ts'
import type { RpcClient } from '../client/rpc-client.ts'
import { formatAmount } from '../config/amount.ts'

const TICK_MS = 1_000
/** Holds shown by name in one line; a burst makes dozens. */
const HOLDS_SHOWN = 3

interface LiveTick {
  readonly event: 'tick'
  readonly height: number
  readonly finalityP50Ms: number | null
  readonly settledPerSecond: number
  readonly openHolds: number
  /** New since the last tick. */
  readonly holds: readonly {
    readonly id: string
    readonly amount: string
    readonly reasons: readonly string[]
    readonly text: string | null
  }[]
}

/** Follows the chain and calls `onTick` once per second until the signal aborts. */
export async function watchLive(
  client: RpcClient,
  signal: AbortSignal,
  onTick: (tick: LiveTick) => void,
): Promise<void> {
  let settled = 0
  let newHolds: string[] = []
  let lastMs = performance.now()
  let busy = false
  const tick = async (): Promise<void> => {
    if (busy) return
    busy = true
    try {
      const status = await client.call('chain_status', {})
      const nowMs = performance.now()
      const settledPerSecond = Math.round((settled * 10_000) / (nowMs - lastMs)) / 10
      const ids = newHolds
      ;[settled, newHolds, lastMs] = [0, [], nowMs]
      const holds = await Promise.all(ids.map((id) => client.call('quarantine_get', { id })))
      if (!signal.aborted) onTick(tickOf(status, settledPerSecond, holds))
    } catch {
      // The node is gone for a moment; the next tick asks again, maybe another node.
    } finally {
      busy = false
    }
  }
  const timer = setInterval(() => void tick(), TICK_MS)
  signal.addEventListener('abort', () => clearInterval(timer), { once: true })
  const note = (event: BlockEvent): void => {
    for (const { status, holds } of event.results) {
      if (status === 'settled') settled++
      newHolds.push(...holds)
    }
  }
  try {
    while (!signal.aborted) {
      await follow(client, signal, note).catch(() =>
        delay(TICK_MS, undefined, { signal }).catch(() => undefined),
      )
    }
  } finally {
    clearInterval(timer)
  }
}

/** Ends when no node answers for long; they may be started again, so the caller tries again. */
async function follow(
  client: RpcClient,
  signal: AbortSignal,
  note: (event: BlockEvent) => void,
): Promise<void> {
  for await (const event of client.blocks({ signal })) note(event)
}

function tickOf(status: ChainStatus, settledPerSecond: number, holds: readonly HoldInfo[]): LiveTick {
  return {
    event: 'tick',
    height: status.height,
    finalityP50Ms: status.finality.p50Ms,
    settledPerSecond,
    openHolds: status.openHolds,
    holds: holds.map(({ id, amount, reasons, classes }) => ({
      id,
      amount,
      reasons,
      text: classes[0]?.text ?? null,
    })),
  }
}

/** `height 812 · final in 38 ms · 3.0 settled/s · 6 on hold`, and below it a line for each new hold. */
export function formatTick(tick: LiveTick): string {
  const finality = tick.finalityP50Ms === null ? '–' : `${Math.round(tick.finalityP50Ms)} ms`
  const head = `height ${tick.height} · finality p50 ${finality} · ${tick.settledPerSecond.toFixed(1)} settled/s · ${tick.openHolds} on hold`
  const shown = tick.holds.slice(0, HOLDS_SHOWN).map(({ amount, reasons, text }) => {
    const why = text === null ? reasons.join(', ') : `${reasons.join(', ')} (${text})`
    return `  held ${formatAmount(BigInt(amount))}: ${why}`
  })
  const rest = tick.holds.length - shown.length
  return [head, ...shown, ...(rest > 0 ? [`  and ${rest} more held`] : [])].join('\n')
}
