/**
 * Keeps dialling the peers we want: those of the bootstrap list, validators that were lost, and for a while those found
 * by mDNS. That the other end does not listen yet is the normal case when a network starts.
 */
import type { Connection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { LIMITS } from '../config/limits.ts'
import type { NetworkLog } from './types.ts'

/** Growth of the wait between two attempts: a second is reached after 4 s of trying, the maximum after 25 s. */
const BACK_OFF = 1.25

interface Target {
  readonly key: string
  readonly addresses: Multiaddr[]
  /** Known from the address, or since the first connection. */
  peerId: string | null
  /** Given up when the wait has reached its maximum. */
  readonly passing: boolean
  waitMs: number
  timer: NodeJS.Timeout | null
  dialling: boolean
}

export interface DialerOptions {
  readonly ownPeerId: PeerId
  /** Dials, and resolves when the hello is over, one way or the other. */
  dial(addresses: Multiaddr[], signal: AbortSignal): Promise<Connection>
  /** Connected, and through with its hello. */
  isReady(peerId: string): boolean
  isBanned(peerId: string): boolean
  readonly log: NetworkLog
}

export class Dialer {
  readonly #options: DialerOptions
  readonly #targets = new Map<string, Target>()
  readonly #abort = new AbortController()
  /** Targets whose turn has come while `LIMITS.parallelDials` others were being dialled. */
  readonly #waiting = new Set<Target>()
  #dialling = 0
  #diallingPassing = 0

  constructor(options: DialerOptions) {
    this.#options = options
  }

  /**
   * Wants a peer from now on.
   * @param key one target per key: a new one replaces it.
   * @param passing give up after about half a minute.
   */
  want(key: string, addresses: Multiaddr[], peerId: string | null, passing: boolean): void {
    const ownId = this.#options.ownPeerId.toString()
    if (this.#abort.signal.aborted || peerId === ownId) return
    if (passing && this.#targets.size >= 2 * LIMITS.peers) return
    const known = this.#targets.get(key)
    if (known !== undefined) this.#drop(known)
    const target: Target = {
      key,
      addresses,
      peerId,
      passing,
      waitMs: LIMITS.dialRetryMinMs,
      timer: null,
      dialling: false,
    }
    this.#targets.set(key, target)
    this.#schedule(target, 0)
  }

  /** Whether some target stands for this peer. */
  wants(peerId: string): boolean {
    return this.#of(peerId).length > 0
  }

  /** The peer is connected: no more attempts. */
  onReady(peerId: string): void {
    for (const target of this.#of(peerId)) {
      target.waitMs = LIMITS.dialRetryMinMs
      this.#cancel(target)
      if (target.passing) this.#drop(target)
    }
  }

  /** No longer wants what `key` stood for, unless it is this peer. */
  forget(key: string, exceptPeerId: string): void {
    const target = this.#targets.get(key)
    if (target !== undefined && target.peerId !== exceptPeerId) this.#drop(target)
  }

  /** The peer is gone: try at once, since a restarted process is back within a second or so. */
  onGone(peerId: string): void {
    for (const target of this.#of(peerId)) this.#schedule(target, LIMITS.dialRetryMinMs)
  }

  /** The peer does not belong here, or not now: no hurry. */
  onRefused(peerId: string): void {
    for (const target of this.#of(peerId)) target.waitMs = LIMITS.dialRetryMaxMs
  }

  stop(): void {
    this.#abort.abort()
    for (const target of this.#targets.values()) this.#cancel(target)
    this.#targets.clear()
    this.#waiting.clear()
  }

  #of(peerId: string): Target[] {
    return [...this.#targets.values()].filter((target) => target.peerId === peerId)
  }

  #schedule(target: Target, waitMs: number): void {
    const busy = target.timer !== null || target.dialling || this.#waiting.has(target)
    if (busy || this.#abort.signal.aborted) return
    // Both sides want each other. If both dialled at once there would be two connections; so one of them waits a little.
    const yields = target.peerId !== null && this.#options.ownPeerId.toString() > target.peerId
    const jitter = 0.75 + Math.random() / 2
    target.timer = setTimeout(
      () => {
        target.timer = null
        void this.#attempt(target)
      },
      waitMs * jitter + (yields ? LIMITS.dialYieldMs : 0),
    )
  }

  async #attempt(target: Target): Promise<void> {
    if (this.#targets.get(target.key) !== target || this.#isReady(target)) return
    if (!this.#hasTurn(target)) {
      this.#waiting.add(target)
      return
    }
    const startMs = performance.now()
    this.#dialling += 1
    if (target.passing) this.#diallingPassing += 1
    target.dialling = true
    try {
      await this.#dial(target)
    } catch (error) {
      const { name, message } = error as Error
      const ownAddress = name === 'InvalidPeerIdError'
      if (ownAddress) this.#drop(target)
      else this.#options.log.debug({ target: target.key, error: message }, 'dial failed')
    } finally {
      target.dialling = false
      this.#dialling -= 1
      if (target.passing) this.#diallingPassing -= 1
    }
    // After an attempt that took long, waiting as long again leaves time for other work.
    target.waitMs = Math.max(target.waitMs, Math.min(performance.now() - startMs, LIMITS.dialRetryMaxMs))
    this.#again(target)
    const next = this.#next()
    if (next === undefined) return
    this.#waiting.delete(next)
    void this.#attempt(next)
  }

  /** Strangers get a few turns at a time, so that dials to made-up ones do not keep us from the peers we know. */
  #hasTurn(target: Target): boolean {
    const busy = target.passing && this.#diallingPassing >= LIMITS.parallelFoundDials
    return this.#dialling < LIMITS.parallelDials && !busy
  }

  /** Who waits longest; peers we know before strangers. */
  #next(): Target | undefined {
    const waiting = [...this.#waiting].filter((target) => this.#hasTurn(target))
    return waiting.find((target) => !target.passing) ?? waiting[0]
  }

  async #dial(target: Target): Promise<void> {
    if (target.peerId !== null && this.#options.isBanned(target.peerId)) return
    const signal = AbortSignal.any([this.#abort.signal, AbortSignal.timeout(LIMITS.dialTimeoutMs)])
    target.peerId = (await this.#options.dial(target.addresses, signal)).remotePeer.toString()
  }

  #isReady(target: Target): boolean {
    return target.peerId !== null && this.#options.isReady(target.peerId)
  }

  /** Also after a dial that succeeded: its hello may have failed. */
  #again(target: Target): void {
    if (this.#targets.get(target.key) !== target) return
    if (this.#isReady(target)) {
      if (target.peerId !== null) this.onReady(target.peerId)
      return
    }
    if (target.passing && target.waitMs >= LIMITS.dialRetryMaxMs) {
      this.#drop(target)
      return
    }
    this.#schedule(target, target.waitMs)
    target.waitMs = Math.min(target.waitMs * BACK_OFF, LIMITS.dialRetryMaxMs)
  }

  #drop(target: Target): void {
    this.#cancel(target)
    if (this.#targets.get(target.key) === target) this.#targets.delete(target.key)
  }

  #cancel(target: Target): void {
    if (target.timer !== null) clearTimeout(target.timer)
    target.timer = null
    this.#waiting.delete(target)
  }
}
