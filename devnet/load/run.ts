/**
 * A load run against a running devnet: payments are signed before the clock starts, sent at their intended times whether
 * or not earlier ones are done (open loop), to all validators in turn; results come from the block streams.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { isProvablyExpired } from '../../client/payment.ts'
import { connect, type RpcClient } from '../../client/rpc-client.ts'
import { CordonError } from '../../config/errors.ts'
import { LIMITS } from '../../config/limits.ts'
import { toHex } from '../../crypto/bytes.ts'
import type { KeyPair } from '../../crypto/ed25519.ts'
import { deriveKeys } from '../keys.ts'
import { devnetTimeMs, readDevnetFile, validatorUrls, type DevnetFile } from '../layout.ts'
import { chainFacts, signTransfers, type ChainFacts } from '../payments.ts'
import { processUse } from '../processes.ts'
import { FEWEST_LOAD_ACCOUNTS, LoadPlan, type LoadPayment, type LoadPayout } from './plan.ts'
import { LoadSocket, requestOf } from './socket.ts'
import { LoadTally, type Percentiles } from './tally.ts'

/** A payment that is not final this long after its intended time expires, so that every run ends. */
const VALIDITY_MS = 20_000
/** Longest wait after the last payment was sent. */
const DRAIN_MS = 27_000
/** Payments due within this time travel together. */
const BUNDLE_MS = 4
const SIGN_ESTIMATE_MS = 0.12
const CLOCK_LEAD_MS = 200
/** Payments asked about one by one at the end. */
const ASK_AT_MOST = 2_000
const MAX_LOAD_PAYMENTS = 1_000_000

export interface LoadOptions {
  readonly dir: string
  readonly ratePerSecond: number
  readonly durationS: number
  /** How many of the devnet's load accounts take part; default all. */
  readonly accounts?: number
  /** The first of them; default 0. */
  readonly firstAccount?: number
  /** Of each transaction; default 1. More than one make payouts. */
  readonly transfers?: number
  /** How many of the payments are those of thieves, 0 to 1; default none. */
  readonly theftShare?: number
  readonly onProgress?: (text: string) => void
}

export interface LoadResult {
  readonly offered: number
  readonly accepted: number
  readonly refused: number
  readonly settled: number
  readonly held: number
  readonly failed: number
  readonly expired: number
  readonly settledPerSecond: number
  /** Settled, held or failed. */
  readonly executedPerSecond: number
  readonly latencyMs: Percentiles
  readonly nodes: readonly {
    readonly name: string
    readonly cpuMs: number | null
    readonly rssBytes: number | null
  }[]
  /** Refusals by error code. */
  readonly refusals: Readonly<Record<string, number>>
}

interface Signed {
  readonly txId: string
  readonly validUntilMs: number
  readonly request: string
}

/** A load whose payments are signed: to be played soon, since they live for a while only. */
export interface PreparedLoad {
  /** Runs it to its end, at most half a minute after the last payment. */
  play(): Promise<LoadResult>
}

/**
 * Signs a load and plays it.
 * @throws CordonError `usage` for numbers out of range, `devnet-missing` if no validator answers.
 */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  return (await prepareLoad(options)).play()
}

/** @throws CordonError as `runLoad`. */
export async function prepareLoad(options: LoadOptions): Promise<PreparedLoad> {
  const file = readDevnetFile(options.dir)
  const accounts = checkOptions(options, file)
  const client = await connect(validatorUrls(file))
  try {
    const facts = chainFacts(await client.call('chain_info', {}))
    const { height } = await client.call('chain_status', {})
    options.onProgress?.(`signing ${offeredBy(options)} payments of ${accounts} accounts`)
    const signed = signAll(options, file.seed, String(height), accounts, facts)
    return { play: () => play(file, options, signed) }
  } finally {
    client.close()
  }
}

async function play(file: DevnetFile, options: LoadOptions, signed: readonly Signed[]): Promise<LoadResult> {
  const run = new Run(file, options, signed)
  await run.play()
  const client = await connect(validatorUrls(file))
  try {
    await askAbout(run.tally, signed, client)
    return run.result()
  } finally {
    client.close()
  }
}

/** Whether every accepted payment has its end: what the exit code of `cordon bench` says. */
export function allAccountedFor({ accepted, settled, held, failed, expired }: LoadResult): boolean {
  return accepted === settled + held + failed + expired
}

/**
 * Looks up payments of which no stream told the end, such as those of a node that was killed. What no node knows and
 * blocks have left behind in time can never happen any more.
 */
async function askAbout(tally: LoadTally, signed: readonly Signed[], client: RpcClient): Promise<void> {
  for (const number of tally.unresolved().slice(0, ASK_AT_MOST)) {
    const { txId, validUntilMs } = signed[number] ?? { txId: '', validUntilMs: Infinity }
    const info = await client.call('tx_get', { txId })
    if (info.status === 'settled' || info.status === 'held' || info.status === 'failed') {
      tally.learned(number, info.status)
    } else if (isProvablyExpired(info, validUntilMs)) {
      if (tally.isAccepted(number)) tally.learned(number, 'expired')
      else tally.notTaken(number, 'connection-lost') // nobody ever said that it was accepted
    }
  }
}

function offeredBy({ ratePerSecond, durationS }: LoadOptions): number {
  return Math.floor(ratePerSecond * durationS)
}

function checkOptions(options: LoadOptions, file: DevnetFile): number {
  const { ratePerSecond, durationS } = options
  const offered = offeredBy(options)
  if (!(ratePerSecond > 0) || !(durationS > 0) || offered < 1 || offered > MAX_LOAD_PAYMENTS) {
    throw new CordonError(
      'usage',
      `expected a rate and a duration above 0 that make 1 to ${MAX_LOAD_PAYMENTS} payments, got ${ratePerSecond} per second for ${durationS} s`,
    )
  }
  // Signed beforehand, a payment may be valid for unorderedValidityMs at most.
  const longestS = (LIMITS.unorderedValidityMs - VALIDITY_MS - offered * SIGN_ESTIMATE_MS) / 1000 - 5
  if (durationS > longestS) {
    throw new CordonError(
      'usage',
      `payments are signed beforehand and live ten minutes at most: at this rate the duration can be ${Math.floor(longestS)} s, got ${durationS}`,
    )
  }
  const { firstAccount = 0 } = options
  const accounts = options.accounts ?? file.loadAccounts - firstAccount
  const fewest = Math.max(FEWEST_LOAD_ACCOUNTS, (options.transfers ?? 1) + 1)
  const most = file.loadAccounts - firstAccount
  if (!Number.isInteger(accounts) || accounts < fewest || accounts > most) {
    throw new CordonError(
      'usage',
      `expected ${fewest} to ${most} accounts, the load accounts of this devnet, got ${accounts}; more come with cordon devnet --load-accounts in a new directory`,
    )
  }
  return accounts
}

/** Signs everything, with validities counted from when the clock will start. */
function signAll(
  options: LoadOptions,
  seed: string,
  run: string,
  accounts: number,
  facts: ChainFacts,
): Signed[] {
  const { transfers: perPayment = 1, theftShare = 0, firstAccount = 0 } = options
  const keys = deriveKeys(seed, 'load', firstAccount + accounts).slice(firstAccount)
  const plan = new LoadPlan(seed, run, accounts)
  const keyOf = (account: number): KeyPair => {
    const key = keys[account]
    if (key === undefined) throw new RangeError(`the plan names an account beyond ${accounts}`)
    return key
  }
  const offered = offeredBy(options)
  const startWallMs = devnetTimeMs(options.dir) + offered * SIGN_ESTIMATE_MS + CLOCK_LEAD_MS
  return Array.from({ length: offered }, (_, number) => {
    const thefts = Math.floor(number * theftShare)
    const { from, transfers } =
      Math.floor((number + 1) * theftShare) > thefts
        ? alone(plan.theft(thefts))
        : perPayment === 1
          ? alone(plan.payment(number))
          : plan.payout(number, perPayment)
    const validUntilMs = Math.ceil(startWallMs + (number * 1000) / options.ratePerSecond + VALIDITY_MS)
    const { txId, bytes } = signTransfers(
      facts,
      { from: keyOf(from), validUntilMs },
      transfers.map(({ to, amountUnits }) => ({ to: keyOf(to).publicKey, amountUnits, memo: '' })),
    )
    return { txId: toHex(txId), validUntilMs, request: requestOf(number, toHex(bytes)) }
  })
}

function alone({ from, ...transfer }: LoadPayment): LoadPayout {
  return { from, transfers: [transfer] }
}

class Run {
  readonly tally: LoadTally
  readonly #file: DevnetFile
  readonly #options: LoadOptions
  readonly #signed: readonly Signed[]
  readonly #sockets: readonly LoadSocket[]
  #startMs = 0
  #turn = 0
  #cpuBefore = new Map<string, number>()
  #nodes: LoadResult['nodes'] = []

  constructor(file: DevnetFile, options: LoadOptions, signed: readonly Signed[]) {
    this.#file = file
    this.#options = options
    this.#signed = signed
    this.tally = new LoadTally(signed.map(({ txId }) => txId))
    this.#sockets = file.nodes
      .filter((node) => node.validator)
      .map(
        ({ name, rpc }, index) =>
          new LoadSocket(name, rpc, {
            onAnswer: (number, refusal) => this.tally.answered(number, refusal),
            onBlock: (event) => this.tally.block(event, index, performance.now()),
            onBreak: (unanswered) => {
              this.tally.nodeLost(index)
              this.#send(unanswered)
            },
          }),
      )
  }

  async play(): Promise<void> {
    await Promise.all(this.#sockets.map((socket) => socket.open()))
    try {
      for (const { name, pid } of this.#file.nodes)
        this.#cpuBefore.set(name, (pid === null ? null : processUse(pid))?.cpuMs ?? 0)
      this.#options.onProgress?.(
        `sending ${this.#options.ratePerSecond} per second for ${this.#options.durationS} s`,
      )
      await this.#sendAll()
      const deadlineMs = performance.now() + DRAIN_MS
      while (this.tally.open > 0 && performance.now() < deadlineMs) await delay(BUNDLE_MS)
      this.#nodes = this.#measure()
    } finally {
      for (const socket of this.#sockets) socket.close()
    }
  }

  result(): LoadResult {
    const { accepted, refused, settled, held, failed, expired } = this.tally.counts()
    const seconds = (this.tally.lastResultMs - this.#startMs) / 1000
    const perSecond = (count: number): number => (seconds > 0 ? Math.round((count * 10) / seconds) / 10 : 0)
    return {
      offered: this.#signed.length,
      accepted,
      refused,
      settled,
      held,
      failed,
      expired,
      settledPerSecond: perSecond(settled),
      executedPerSecond: perSecond(settled + held + failed),
      latencyMs: this.tally.latencies((number) => this.#intendedMs(number)),
      nodes: this.#nodes,
      refusals: Object.fromEntries(this.tally.refusals),
    }
  }

  #intendedMs(number: number): number {
    return this.#startMs + (number * 1000) / this.#options.ratePerSecond
  }

  async #sendAll(): Promise<void> {
    this.#startMs = performance.now()
    let next = 0
    while (next < this.#signed.length) {
      const nowMs = performance.now()
      const due: number[] = []
      while (next < this.#signed.length && this.#intendedMs(next) <= nowMs) due.push(next++)
      this.#send(due)
      if (next < this.#signed.length)
        await delay(Math.max(BUNDLE_MS, this.#intendedMs(next) - performance.now()))
    }
  }

  /** Hands a bundle to the next validator that is there. */
  #send(numbers: readonly number[]): void {
    if (numbers.length === 0) return
    for (let tries = 0; tries < this.#sockets.length; tries++) {
      const index = this.#turn++ % this.#sockets.length
      const socket = this.#sockets[index]
      if (socket?.ready !== true) continue
      for (const number of numbers) this.tally.sent(number, index)
      socket.send(numbers.map((number) => ({ number, request: this.#signed[number]?.request ?? '' })))
      return
    }
    for (const number of numbers) this.tally.notTaken(number, 'cannot-connect')
  }

  #measure(): LoadResult['nodes'] {
    return this.#file.nodes.map(({ name, pid }) => {
      const use = pid === null ? null : processUse(pid)
      return {
        name,
        cpuMs: use === null ? null : use.cpuMs - (this.#cpuBefore.get(name) ?? 0),
        rssBytes: use?.rssBytes ?? null,
      }
    })
  }
}
