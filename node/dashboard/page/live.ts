/**
 * What the page knows of the node, kept up to date: blocks as they come, the rest asked for while somebody looks. Views
 * are told of changes at most a few times a second.
 */
import type {
  BlockEvent,
  BlockVotes,
  ChainInfo,
  ChainProgress,
  ChainStatus,
  HoldInfo,
  Problem,
  TxInfo,
  ValidatorInfo,
} from '../../../client/api.ts'
import type { LineState } from './line-state.ts'
import { Line, RpcError } from './rpc.ts'
import { Seconds } from './series.ts'
import { whoIs, type Session } from './session.ts'

const STATUS_EVERY_MS = 1_000
const HOLDS_EVERY_MS = 2_000
const SLOW_EVERY_MS = 5_000
const REDRAW_MS = 250
export const CHART_SECONDS = 90
export const GRID_BLOCKS = 60
const SHOWN_TRANSFERS = 12
/** Details that are asked for in one block: a busy one has hundreds. */
const ASKED_PER_BLOCK = 3
const SHOWN_HOLDS = 50
/** Newest blocks that are asked for again: votes may still come for them. */
const SETTLING_BLOCKS = 4

export interface SeenTransaction {
  readonly txId: string
  readonly status: TxInfo['status']
  readonly height: number
  readonly timeMs: number
  readonly hold: string | null
  /** Null: not asked for yet. */
  readonly info: TxInfo | null
}

export interface LiveOptions {
  /** `ws://…` */
  readonly url: string
  /** Whoever is signed in; null: nobody, which is all that the public port knows. */
  readonly session: Session | null
  /** The node does not take the token any more. */
  readonly onRefused: (error: RpcError) => void
}

export class Live {
  readonly session: Session | null
  line: LineState = 'connecting'
  info: ChainInfo | null = null
  status: ChainStatus | null = null
  progress: ChainProgress | null = null
  problems: readonly Problem[] = []
  validators: readonly ValidatorInfo[] = []
  votes: readonly BlockVotes[] = []
  transactions: readonly SeenTransaction[] = []
  holds: readonly HoldInfo[] = []
  readonly seconds: Seconds = new Seconds(CHART_SECONDS)
  readonly rpc: Line
  readonly #listeners: Set<() => void> = new Set()
  #redraw: number | null = null
  #votesAsked = false
  readonly #timers: number[] = []
  readonly #onRefused: LiveOptions['onRefused']
  #isClosed = false

  constructor({ url, session, onRefused }: LiveOptions) {
    this.session = session
    this.#onRefused = onRefused
    this.rpc = new Line(url, session?.token ?? null, {
      onState: (state) => {
        this.line = state
        if (state === 'open') void this.#all()
        else this.votes = [] // another node may answer next, or another chain
        if (state === 'lost') void this.#askWhetherSignedIn()
        this.#changed()
      },
      onRefused,
      onBlock: (block) => {
        this.#block(block)
      },
    })
    this.#every(STATUS_EVERY_MS, () => this.#now())
    this.#every(HOLDS_EVERY_MS, () => this.#heldPayments())
    this.#every(SLOW_EVERY_MS, () => this.#slow())
  }

  /** @returns what ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  close(): void {
    this.#isClosed = true
    for (const timer of this.#timers) window.clearInterval(timer)
    this.rpc.close()
  }

  /** A refused socket only says that it is closed: whether the node is away or the token is, another question tells. */
  async #askWhetherSignedIn(): Promise<void> {
    if (this.session === null) return
    try {
      await whoIs(this.session.token)
    } catch (error) {
      if (!(error instanceof RpcError)) throw error
      // Whoever has signed out meanwhile, or in again, is told nothing of a token that was theirs.
      if (error.code === 'unauthorized' && !this.#isClosed) this.#onRefused(error)
    }
  }

  #every(ms: number, ask: () => Promise<void>): void {
    const timer = window.setInterval(() => {
      if (this.line === 'open' && document.visibilityState === 'visible') void ask()
    }, ms)
    this.#timers.push(timer)
  }

  async #all(): Promise<void> {
    await Promise.all([this.#now(), this.#heldPayments(), this.#slow(), this.#newVotes()])
  }

  async #now(): Promise<void> {
    await this.#ask(async () => {
      const [status, progress] = await Promise.all([
        this.rpc.call('chain_status', {}),
        this.rpc.call('chain_progress', {}),
      ])
      this.status = status
      this.progress = progress
    })
  }

  async #slow(): Promise<void> {
    await this.#ask(async () => {
      this.info ??= await this.rpc.call('chain_info', {})
      this.validators = await this.rpc.call('chain_validators', {})
      const token = this.session?.token
      const response = await fetch('/healthz', {
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      })
      // Anything else is a refusal: of the token, or of the rate.
      if (!response.ok && response.status !== 503) return
      this.problems = ((await response.json()) as { readonly problems: readonly Problem[] }).problems
    })
  }

  async #heldPayments(): Promise<void> {
    await this.#ask(async () => {
      const { items } = await this.rpc.call('quarantine_list', { status: 'open', limit: SHOWN_HOLDS })
      this.holds = items
    })
  }

  async #newVotes(): Promise<void> {
    if (this.#votesAsked) return
    this.#votesAsked = true
    await this.#ask(async () => {
      const fromHeight = Math.max(0, (this.votes.at(-1)?.height ?? 0) - SETTLING_BLOCKS)
      const newer = await this.rpc.call('chain_votes', { fromHeight })
      const first = newer[0]?.height ?? Infinity
      this.votes = [...this.votes.filter(({ height }) => height < first), ...newer].slice(-GRID_BLOCKS)
    }).finally(() => {
      this.#votesAsked = false
    })
  }

  /** What cannot be had now is asked for again soon. */
  async #ask(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!(error instanceof RpcError || error instanceof TypeError)) throw error
    }
    this.#changed()
  }

  #block({ height, timeMs, results }: BlockEvent): void {
    const nowMs = Date.now()
    for (const { status } of results) this.seconds.add(status, nowMs)
    const seen = results.map(
      ({ txId, status, holds }): SeenTransaction => ({
        ...{ txId, status, height, timeMs },
        hold: holds[0] ?? null,
        info: null,
      }),
    )
    // Held ones first: those are what somebody looks for.
    const wanted = seen
      .toSorted((a, b) => Number(b.hold !== null) - Number(a.hold !== null))
      .slice(0, SHOWN_TRANSFERS)
    this.transactions = [...wanted, ...this.transactions].slice(0, SHOWN_TRANSFERS)
    if (document.visibilityState === 'visible') {
      for (const { txId } of wanted.slice(0, ASKED_PER_BLOCK)) void this.#details(txId)
      void this.#newVotes()
      if (wanted.some(({ hold }) => hold !== null)) void this.#heldPayments()
    }
    this.#changed()
  }

  async #details(txId: string): Promise<void> {
    await this.#ask(async () => {
      const info = await this.rpc.call('tx_get', { txId })
      this.transactions = this.transactions.map((seen) => (seen.txId === txId ? { ...seen, info } : seen))
    })
  }

  #changed(): void {
    if (this.#redraw !== null) return
    this.#redraw = window.setTimeout(() => {
      this.#redraw = null
      for (const listener of this.#listeners) listener()
    }, REDRAW_MS)
  }
}
