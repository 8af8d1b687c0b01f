/**
 * What `cordon devnet --demo` plays: the town's ordinary payments through different validators, and an attack now and
 * then. Reports what it does; the caller shows it.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { submit, type SignedPayment } from '../../client/payment.ts'
import type { RpcClient } from '../../client/rpc-client.ts'
import { devnetAddress } from '../accounts.ts'
import { itemAt } from '../item-at.ts'
import { deriveKeys } from '../keys.ts'
import { devnetTimeMs } from '../layout.ts'
import { chainFacts, signPayment, type ChainFacts } from '../payments.ts'
import type { AttackPattern } from '../attacks/attack.ts'
import { playAttack, type AttackResult } from '../attacks/play.ts'
import { OrdinaryTraffic, type OrdinaryPayment } from './ordinary.ts'
import { CITIZENS } from './population.ts'

/** In turn: what is plain to see within seconds. */
const PATTERNS = ['drain', 'burst'] as const satisfies readonly AttackPattern[]
type DemoPattern = (typeof PATTERNS)[number]
const PAYMENTS_PER_SECOND = 3
const FIRST_ATTACK_MS = 8_000
const ATTACK_PAUSE_MS = 50_000
const SUBMIT_TIMEOUT_MS = 10_000
/** The same trouble is told again after this time at the earliest. */
const TROUBLE_MS = 10_000
/** Balances are asked again after this time: the stream keeps its own count in between. */
const BALANCES_MS = 60_000

export type DemoEvent =
  | { readonly event: 'attack-started'; readonly pattern: DemoPattern }
  | ({ readonly event: 'attack' } & AttackResult)
  | { readonly event: 'trouble'; readonly message: string }

interface DemoOptions {
  readonly dir: string
  readonly seed: string
  readonly clients: readonly RpcClient[]
  readonly signal: AbortSignal
  readonly onEvent: (event: DemoEvent) => void
}

/** Plays until the signal aborts. A payment or attack that fails is reported, and the rest goes on. */
export async function playDemo(given: DemoOptions): Promise<void> {
  const options = { ...given, onEvent: withoutRepeats(given.onEvent) }
  const streams = [playOrdinary(options), playAttacks(options)]
  await Promise.all(streams.map((stream) => stream.catch((error: unknown) => report(options, error))))
}

async function playAttacks(options: DemoOptions): Promise<void> {
  const { dir, clients, signal, onEvent } = options
  let pauseMs = FIRST_ATTACK_MS
  for (let round = 0; await pause(pauseMs, signal); round++) {
    pauseMs = ATTACK_PAUSE_MS
    const pattern = PATTERNS[round % PATTERNS.length] ?? 'drain'
    onEvent({ event: 'attack-started', pattern })
    try {
      onEvent({ event: 'attack', ...(await playAttack({ dir, pattern, clients, signal })) })
    } catch (error) {
      report(options, error)
    }
  }
}

async function playOrdinary(options: DemoOptions): Promise<void> {
  const { dir, seed, clients, signal } = options
  const town = new Town(seed)
  const client = itemAt(clients, 0)
  const facts = chainFacts(await client.call('chain_info', {}))
  await town.refresh(client)
  // The height makes each start of a directory another stream.
  const { height } = await client.call('chain_status', {})
  const traffic = new OrdinaryTraffic({
    seed,
    run: String(height),
    perSecond: PAYMENTS_PER_SECOND,
    balanceOf: (citizen) => town.balanceOf(citizen),
  })
  const startMs = performance.now()
  let refreshAtMs = startMs + BALANCES_MS
  for (let count = 0; !signal.aborted; count++) {
    const payment = traffic.next()
    if (payment === null) continue
    if (!(await pause(startMs + payment.atMs - performance.now(), signal))) return
    town.pay(payment, facts)
    const validUntilMs = devnetTimeMs(dir) + facts.validityMs
    const signed = sign(town, payment, facts, validUntilMs)
    submit(itemAt(clients, count % clients.length), signed, SUBMIT_TIMEOUT_MS).catch((error: unknown) =>
      report(options, error),
    )
    if (performance.now() < refreshAtMs) continue
    refreshAtMs += BALANCES_MS
    town.refresh(client).catch((error: unknown) => report(options, error))
  }
}

/** Keys of the citizens, and what they have as far as the stream knows. */
class Town {
  readonly keys: ReturnType<typeof deriveKeys>
  readonly #balances: bigint[] = []

  constructor(seed: string) {
    this.keys = deriveKeys(seed, 'citizen', CITIZENS.length)
  }

  balanceOf(citizen: number): bigint {
    return this.#balances[citizen] ?? 0n
  }

  pay(payment: OrdinaryPayment, facts: ChainFacts): void {
    this.#balances[payment.from] = this.balanceOf(payment.from) - payment.amountUnits - facts.feeUnits
    this.#balances[payment.to] = this.balanceOf(payment.to) + payment.amountUnits
  }

  /** Holds and failures make the own count wrong in time. */
  async refresh(client: RpcClient): Promise<void> {
    await Promise.all(
      this.keys.map(async ({ publicKey }, citizen) => {
        this.#balances[citizen] = BigInt(
          (await client.call('account_get', { address: devnetAddress(publicKey) })).available,
        )
      }),
    )
  }
}

function sign(town: Town, payment: OrdinaryPayment, facts: ChainFacts, validUntilMs: number): SignedPayment {
  return signPayment(facts, {
    from: itemAt(town.keys, payment.from),
    to: itemAt(town.keys, payment.to).publicKey,
    amountUnits: payment.amountUnits,
    memo: payment.memo,
    validUntilMs,
  })
}

function report({ signal, onEvent }: DemoOptions, error: unknown): void {
  if (!signal.aborted)
    onEvent({ event: 'trouble', message: error instanceof Error ? error.message : String(error) })
}

/** While nodes are down every payment has the same trouble, which is said once in a while. */
function withoutRepeats(onEvent: DemoOptions['onEvent']): DemoOptions['onEvent'] {
  const toldMs = new Map<string, number>()
  return (event) => {
    if (event.event === 'trouble') {
      const nowMs = performance.now()
      if (nowMs - (toldMs.get(event.message) ?? -Infinity) < TROUBLE_MS) return
      toldMs.set(event.message, nowMs)
    }
    onEvent(event)
  }
}

/** Waits. False, and early, if the signal aborts. */
async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  return delay(Math.max(ms, 0), true, { signal }).catch(() => false)
}
