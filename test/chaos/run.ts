/** One chaos run: a fresh devnet with links, payments all the time, faults in rounds, and the audit at the end. */
import { setTimeout as delay } from 'node:timers/promises'
import { connect } from '../../client/rpc-client.ts'
import { createDevnet } from '../../devnet/create.ts'
import { readDevnetFile, validatorUrls } from '../../devnet/layout.ts'
import { chainFacts } from '../../devnet/payments.ts'
import { Supervisor } from '../../devnet/supervisor.ts'
import { askAboutOpenPayments, compareNodes } from './audit.ts'
import { Faults } from './faults.ts'
import { LedgerBook } from './ledger-book.ts'
import { describeFault, planFillers, planRounds } from './plan.ts'
import { Traffic } from './traffic.ts'

export interface ChaosOptions {
  /** A directory that does not exist yet. */
  readonly dir: string
  readonly validators: number
  readonly seed: string
  readonly forMs: number
  readonly ratePerSecond: number
  readonly onProgress: (text: string) => void
  /** Another node program than the sources. */
  readonly entry?: string
}

export interface ChaosResult {
  readonly accepted: number
  readonly settled: number
  readonly held: number
  readonly failed: number
  readonly expired: number
  /** Accepted, and not ended alike on every node. */
  readonly lost: number
  readonly forks: number
  readonly faults: number
  /** Longest time from the end of the last fault of a round to a newer final block. */
  readonly worstRecoveryMs: number
  readonly longestGapMs: number
  readonly rounds: number
  readonly refused: Readonly<Record<string, number>>
  /** Everything that was not as it must be. */
  readonly findings: readonly string[]
}

/** Nothing becomes final for so long after everything is healed: the run ends as failed. */
const RECOVERY_LIMIT_MS = 60_000
/** After the last payment: all end within their validity, and some more. */
const DRAIN_LIMIT_MS = 90_000
const POLL_MS = 100

export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { dir, validators, seed, entry, onProgress } = options
  await createDevnet(dir, { validators, seed: `chaos ${seed}` })
  const deaths: string[] = []
  const supervisor = await Supervisor.open({
    dir,
    withLinks: true,
    ...(entry !== undefined && { entry }),
    onEvent: (event) => {
      if (event.event === 'exit' && event.signal !== 'SIGKILL' && event.code !== 0) deaths.push(event.message)
    },
  })
  try {
    await supervisor.start()
    const run = new ChaosRun(options, supervisor)
    const result = await run.play()
    return { ...result, findings: [...result.findings, ...deaths] }
  } finally {
    onProgress('stopping')
    await supervisor.stop()
  }
}

class ChaosRun {
  readonly #options: ChaosOptions
  readonly #supervisor: Supervisor
  readonly #urls: readonly string[]
  readonly #book: LedgerBook
  readonly #stop = new AbortController()
  #faults = 0
  #lastFaultMs = performance.now()
  #longestGapMs = 0
  #worstRecoveryMs = 0
  #rounds = 0
  /** Told of every block that a node executed. */
  #onBlock: () => void = () => undefined

  constructor(options: ChaosOptions, supervisor: Supervisor) {
    this.#options = options
    this.#supervisor = supervisor
    this.#urls = validatorUrls(supervisor.file)
    this.#book = new LedgerBook(this.#urls.length)
  }

  async play(): Promise<ChaosResult> {
    const client = await connect(this.#urls)
    const facts = chainFacts(await client.call('chain_info', {}))
    const { totalSupply } = await client.call('chain_status', {})
    client.close()
    const traffic = new Traffic({
      file: readDevnetFile(this.#options.dir),
      facts,
      ratePerSecond: this.#options.ratePerSecond,
      run: this.#options.seed,
      book: this.#book,
      onBlock: () => this.#onBlock(),
    })
    await traffic.open()
    try {
      const payments = traffic.play(this.#stop.signal)
      const findings = await this.#playRounds().finally(() => this.#stop.abort())
      await payments
      await this.#drain()
      await askAboutOpenPayments(this.#book, this.#urls)
      findings.push(...(await compareNodes(this.#urls, totalSupply)), ...this.#book.findings)
      return {
        ...this.#book.count(),
        forks: this.#book.forks,
        faults: this.#faults,
        worstRecoveryMs: Math.round(this.#worstRecoveryMs),
        longestGapMs: Math.round(this.#longestGapMs),
        rounds: this.#rounds,
        refused: Object.fromEntries(traffic.refusals),
        findings,
      }
    } finally {
      traffic.close()
    }
  }

  async #playRounds(): Promise<string[]> {
    const { seed, forMs, onProgress } = this.#options
    const names = this.#supervisor.file.nodes.map(({ name }) => name)
    const faults = new Faults(this.#supervisor, {
      fillers: planFillers(seed, names),
      onFault: (fault) => {
        const nowMs = performance.now()
        if (this.#faults++ > 0) this.#longestGapMs = Math.max(this.#longestGapMs, nowMs - this.#lastFaultMs)
        this.#lastFaultMs = nowMs
        onProgress(describeFault(fault))
      },
    })
    const endMs = performance.now() + forMs
    for (const round of planRounds(seed, names)) {
      if (performance.now() >= endMs) break
      try {
        await faults.play(round)
      } catch (error) {
        return [`round ${this.#rounds + 1}: ${error instanceof Error ? error.message : String(error)}`]
      }
      this.#rounds++
      const tookMs = await this.#recovery()
      const counts = this.#book.count()
      onProgress(
        `round ${this.#rounds}: recovered in ${Math.round(tookMs)} ms; height ${Math.max(...this.#book.heights)}, ` +
          `${counts.accepted} accepted, ${Math.round((endMs - performance.now()) / 1000)} s left`,
      )
      if (tookMs >= RECOVERY_LIMIT_MS)
        return [`round ${this.#rounds}: no recovery within ${RECOVERY_LIMIT_MS} ms`]
    }
    return []
  }

  /**
   * Until there is a final block that nobody had when the last fault ended. A node that was away may be behind for longer;
   * the next round does not wait for it, and the audit at the end compares all of them.
   */
  async #recovery(): Promise<number> {
    const startMs = performance.now()
    const newest = Math.max(...this.#book.heights)
    const isBack = (): boolean => this.#book.heights.some((height) => height > newest)
    const timer = new AbortController()
    await Promise.race([
      delay(RECOVERY_LIMIT_MS, undefined, { signal: timer.signal }).catch(() => undefined),
      new Promise<void>((resolve) => {
        this.#onBlock = () => {
          if (isBack()) resolve()
        }
      }),
    ])
    timer.abort()
    this.#onBlock = () => undefined
    const tookMs = performance.now() - startMs
    this.#worstRecoveryMs = Math.max(this.#worstRecoveryMs, tookMs)
    return tookMs
  }

  /** Until the streams have told the end of every accepted payment, or can have told it. */
  async #drain(): Promise<void> {
    for (const { name, pid } of this.#supervisor.file.nodes) if (pid !== null) this.#supervisor.resume(name)
    const startMs = performance.now()
    const isOpen = (): boolean =>
      this.#book.payments.some(
        ({ accepted, outcomes }) => accepted && outcomes.every((outcome) => outcome === null),
      )
    while (isOpen() && performance.now() - startMs < DRAIN_LIMIT_MS) await delay(POLL_MS)
    const newest = Math.max(...this.#book.heights)
    while (
      this.#book.heights.some((height) => height < newest) &&
      performance.now() - startMs < DRAIN_LIMIT_MS
    )
      await delay(POLL_MS)
  }
}
