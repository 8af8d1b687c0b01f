/**
 * One crash run: a fresh devnet under payments; round after round validators kill themselves at a named durable boundary,
 * are started again, and must vote again by themselves. The end is audited like that of a chaos run, and every signature
 * that was seen on the wire is held against all others of its validator.
 */
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connect } from '../../client/rpc-client.ts'
import type { OffenceInfo } from '../../client/api.ts'
import { createDevnet } from '../../devnet/create.ts'
import { nodePaths, validatorUrls } from '../../devnet/layout.ts'
import { chainFacts } from '../../devnet/payments.ts'
import { Supervisor, type SupervisorEvent } from '../../devnet/supervisor.ts'
import type { FailPoint } from '../../node/fail-points.ts'
import { askAboutOpenPayments, compareNodes } from '../chaos/audit.ts'
import { LedgerBook } from '../chaos/ledger-book.ts'
import { rpcCall } from '../chaos/rpc.ts'
import { Traffic } from '../chaos/traffic.ts'
import { addObserver, Observer } from './observer.ts'
import { needsTornJournal, planRounds, type Death, type Round } from './plan.ts'

export interface CrashOptions {
  /** A directory that does not exist yet. */
  readonly dir: string
  readonly points: readonly FailPoint[]
  /** Of every point. */
  readonly rounds: number
  /** No round begins later than this. */
  readonly forMs: number
  readonly seed: string
  readonly ratePerSecond: number
  /** No round begins after it is aborted; what was played is audited as ever. */
  readonly signal?: AbortSignal
  readonly onProgress: (text: string) => void
  /** Program of the nodes; the sources unless a build is to be tested. */
  readonly entry?: string
}

export interface PointCount {
  rounds: number
  /** Processes that ended at the point. */
  kills: number
}

export interface CrashResult {
  readonly rounds: number
  readonly points: Readonly<Record<string, PointCount>>
  /** Signatures seen on the wire that contradict each other. */
  readonly doubleSigns: number
  /** What they were looked for in. */
  readonly votesSeen: number
  readonly batchesSeen: number
  readonly accepted: number
  readonly settled: number
  readonly lost: number
  readonly forks: number
  /** Validators that did not come back by themselves. */
  readonly repairs: number
  /** Lives after a death in which the validator was seen to vote again; the others died again before that. */
  readonly recoveries: number
  /** Longest time from the start of such a life to the vote. */
  readonly worstRecoveryMs: number
  readonly seconds: number
  readonly findings: readonly string[]
}

const VALIDATORS = 4
/** A point that is not reached within this time is one that the run does not cover. */
const REACH_LIMIT_MS = 300_000
/** Of all validators, the last ones may wait for others that are dead: they are killed where they are. */
const ALL_REACH_LIMIT_MS = 2_500
/** For machines with much else to do; what it really took is reported. */
const RECOVERY_LIMIT_MS = 300_000
const DRAIN_LIMIT_MS = 90_000
const POLL_MS = 50
/** Looks like the begin of a record that a crash cut off. */
const TORN = Uint8Array.of(0, 0, 0, 90, 1, 0, 0)

type Exit = Extract<SupervisorEvent, { event: 'exit' }>

export async function runCrashes(options: CrashOptions): Promise<CrashResult> {
  const { dir, seed, entry, onProgress } = options
  await createDevnet(dir, { validators: VALIDATORS, seed: `crash ${seed}` })
  addObserver(dir)
  let onExit: (exit: Exit) => void = () => undefined
  const supervisor = await Supervisor.open({
    dir,
    ...(entry !== undefined && { entry }),
    onEvent: (event) => {
      if (event.event === 'exit') onExit(event)
    },
  })
  const observer = await Observer.start(dir)
  try {
    await supervisor.start()
    const run = new CrashRun(options, supervisor, observer)
    onExit = (exit) => run.onExit(exit)
    return await run.play()
  } finally {
    onProgress('stopping')
    await observer.stop()
    await supervisor.stop()
  }
}

class CrashRun {
  readonly #options: CrashOptions
  readonly #supervisor: Supervisor
  readonly #observer: Observer
  readonly #names: readonly string[]
  readonly #urls: readonly string[]
  readonly #book: LedgerBook
  readonly #points: Record<string, PointCount>
  readonly #findings: string[] = []
  readonly #startMs = performance.now()
  /** Who waits for the death of a validator. */
  readonly #deathWatch = new Map<string, (exit: Exit) => void>()
  #rounds = 0
  #repairs = 0
  #recoveries = 0
  #worstRecoveryMs = 0
  /** Validators that died at a point and were not started again yet. */
  #dead: readonly string[] = []

  constructor(options: CrashOptions, supervisor: Supervisor, observer: Observer) {
    this.#options = options
    this.#supervisor = supervisor
    this.#observer = observer
    this.#names = supervisor.file.nodes.map(({ name }) => name)
    this.#urls = validatorUrls(supervisor.file)
    this.#book = new LedgerBook(this.#urls.length)
    this.#points = Object.fromEntries(options.points.map((point) => [point, { rounds: 0, kills: 0 }]))
  }

  /** Ends that nobody asked for are findings. */
  onExit(exit: Exit): void {
    this.#deathWatch.get(exit.name)?.(exit)
    if (exit.signal !== 'SIGKILL' && exit.code !== 0) this.#findings.push(exit.message)
  }

  async play(): Promise<CrashResult> {
    const client = await connect(this.#urls)
    const facts = chainFacts(await client.call('chain_info', {}))
    const { totalSupply } = await client.call('chain_status', {})
    client.close()
    const traffic = new Traffic({
      file: this.#supervisor.file,
      facts,
      ratePerSecond: this.#options.ratePerSecond,
      run: this.#options.seed,
      book: this.#book,
      onBlock: () => undefined,
    })
    await traffic.open()
    const stop = new AbortController()
    try {
      const payments = traffic.play(stop.signal)
      await this.#playRounds().finally(() => stop.abort())
      await payments
      await this.#drain()
      await askAboutOpenPayments(this.#book, this.#urls)
      this.#findings.push(...(await compareNodes(this.#urls, totalSupply)), ...(await this.#offences()))
      return this.#result()
    } finally {
      traffic.close()
    }
  }

  #result(): CrashResult {
    const { accepted, settled, lost } = this.#book.count()
    const { votes, batches, findings: doubleSigns } = this.#observer.book
    return {
      rounds: this.#rounds,
      points: this.#points,
      doubleSigns: doubleSigns.length,
      votesSeen: votes,
      batchesSeen: batches,
      accepted,
      settled,
      lost,
      forks: this.#book.forks,
      repairs: this.#repairs,
      recoveries: this.#recoveries,
      worstRecoveryMs: Math.round(this.#worstRecoveryMs),
      seconds: Math.round((performance.now() - this.#startMs) / 1000),
      findings: [...this.#findings, ...this.#book.findings, ...doubleSigns],
    }
  }

  async #playRounds(): Promise<void> {
    const { seed, points, rounds, forMs, signal, onProgress } = this.#options
    for (const round of planRounds(seed, this.#names, points, rounds)) {
      if (signal?.aborted === true || performance.now() - this.#startMs >= forMs) break
      const beganMs = performance.now()
      if (round.deaths.length > 1) await this.#rest()
      const kills = await this.#die(round)
      this.#dead = round.deaths.map(({ name }) => name)
      if (round.thenRest) await this.#rest()
      const count = this.#points[round.point] ?? { rounds: 0, kills: 0 }
      count.rounds++
      count.kills += kills
      this.#rounds++
      onProgress(
        `${String(this.#rounds).padStart(5)}  ${round.point} ${round.deaths.map(({ name, passing }) => `${name}:${passing}`).join(' ')}` +
          `  ${kills} killed${round.thenRest ? ', back' : ''}, ${Math.round(performance.now() - beganMs)} ms`,
      )
      if (this.#findings.length + this.#book.findings.length + this.#observer.book.findings.length > 0) break
    }
    await this.#rest()
  }

  /** @returns how many ended at the point; all of the round are dead. */
  async #die({ point, deaths }: Round): Promise<number> {
    const isAll = deaths.length > 1
    const limit = new AbortController()
    const ends = await Promise.all(
      deaths.map(async (death) => {
        const killed = await this.#arm(point, death, limit, isAll)
        if (!killed) await this.#supervisor.kill(death.name)
        return killed
      }),
    )
    limit.abort()
    const kills = ends.filter(Boolean).length
    if (kills === 0)
      this.#findings.push(`${point} was not reached by ${deaths.map(({ name }) => name).join(' ')}`)
    return kills
  }

  /** Starts the validator with the point armed. Resolves to whether it died there before the time was up. */
  async #arm(
    point: FailPoint,
    { name, passing }: Death,
    limit: AbortController,
    isAll: boolean,
  ): Promise<boolean> {
    await this.#supervisor.kill(name)
    if (needsTornJournal(point)) this.#tearJournal(name)
    const died = new Promise<Exit>((resolve) => this.#deathWatch.set(name, resolve))
    const timer = new AbortController()
    const wasDead = this.#dead.includes(name)
    const voted = this.#votes(name, timer.signal)
    // It may die before it is ready, which is no refusal.
    this.#supervisor.restart(name, { CORDON_FAIL_AT: `${point}:${passing}` }).catch(() => undefined)
    const exit = await Promise.race([
      died,
      delay(REACH_LIMIT_MS, null, { signal: AbortSignal.any([limit.signal, timer.signal]) }).catch(
        () => null,
      ),
    ])
    timer.abort()
    this.#deathWatch.delete(name)
    const recoveryMs = await voted
    if (wasDead && recoveryMs !== null) this.#recovered(recoveryMs)
    // The others of a round with all may need this one to get to their point; not for long, then.
    if (isAll && exit !== null) {
      const { signal } = limit
      void delay(ALL_REACH_LIMIT_MS, undefined, { signal }).then(
        () => limit.abort(),
        () => undefined,
      )
    }
    if (exit === null) return false
    if (exit.signal === 'SIGKILL' && exit.message.includes(`fail point ${point}, `)) return true
    this.#findings.push(`armed at ${point}: ${exit.message}`)
    return false
  }

  /** What a power cut leaves of a record that was being appended. */
  #tearJournal(name: string): void {
    const node = this.#supervisor.file.nodes.find((each) => each.name === name)
    if (node === undefined) throw new RangeError(`no node ${name}`)
    appendFileSync(join(nodePaths(this.#options.dir, node).signer, 'votes.journal'), TORN)
  }

  /** Starts the dead again as they are, and waits until each of them votes. */
  async #rest(): Promise<void> {
    const names = this.#dead
    this.#dead = []
    const limit = AbortSignal.timeout(RECOVERY_LIMIT_MS)
    await Promise.all(
      names.map(async (name) => {
        const voted = this.#votes(name, limit)
        try {
          await this.#supervisor.restart(name)
        } catch (error) {
          if (this.#supervisor.exits()[name] === null) return this.#awaitVote(name, voted) // only late
          this.#repairs++
          this.#findings.push(
            `${name} did not start: ${error instanceof Error ? error.message : String(error)}`,
          )
          return
        }
        return this.#awaitVote(name, voted)
      }),
    )
  }

  async #awaitVote(name: string, voted: Promise<number | null>): Promise<void> {
    const recoveryMs = await voted
    if (recoveryMs !== null) {
      this.#recovered(recoveryMs)
      return
    }
    this.#repairs++
    this.#findings.push(`${name} did not vote within ${RECOVERY_LIMIT_MS} ms after its restart`)
  }

  /** Time until the validator sends a vote of a view that nobody has voted in so far; null if the signal aborts before. */
  async #votes(name: string, signal: AbortSignal): Promise<number | null> {
    const startMs = performance.now()
    const { newestView } = this.#observer
    const voted = await this.#observer.votesAbove(this.#names.indexOf(name), newestView, signal)
    return voted ? performance.now() - startMs : null
  }

  #recovered(tookMs: number): void {
    this.#recoveries++
    this.#worstRecoveryMs = Math.max(this.#worstRecoveryMs, tookMs)
  }

  /** Until the streams have told the end of every accepted payment on every node, or can have told it. */
  async #drain(): Promise<void> {
    const startMs = performance.now()
    const isOpen = (): boolean =>
      this.#book.payments.some(
        ({ accepted, outcomes }) => accepted && outcomes.every((outcome) => outcome === null),
      )
    const isBehind = (): boolean => {
      const newest = Math.max(...this.#book.heights)
      return this.#book.heights.some((height) => height < newest - 1)
    }
    while ((isOpen() || isBehind()) && performance.now() - startMs < DRAIN_LIMIT_MS) await delay(POLL_MS)
  }

  /** What the validators themselves have proven of each other: a second pair of eyes. */
  async #offences(): Promise<string[]> {
    const lists = await Promise.all(
      this.#urls.map((url) => rpcCall<readonly OffenceInfo[]>(url, 'evidence_list', {})),
    )
    return lists.flat().map((offence) => `the ledger has evidence: ${JSON.stringify(offence)}`)
  }
}
