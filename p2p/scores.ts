/**
 * Own scores of peers, apart from those that gossipsub keeps. A score is 0 or below; each offence takes
 * `LIMITS.penaltyPoints`, and time gives back half of what is missing every `LIMITS.scoreHalfLifeMs`.
 * Scores outlive the connection, so that reconnecting washes nothing off.
 */
import { LIMITS } from '../config/limits.ts'

interface Score {
  points: number
  atMs: number
  bannedUntilMs: number
}

export class PeerScores {
  readonly #scores = new Map<string, Score>()
  readonly #now: () => number

  /** @param now milliseconds of a monotonic clock. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** Current score of a peer: 0 is a clean record. */
  of(id: string): number {
    const score = this.#scores.get(id)
    return score === undefined ? 0 : this.#decayed(score)
  }

  isBanned(id: string): boolean {
    const score = this.#scores.get(id)
    return score !== undefined && score.bannedUntilMs > this.#now()
  }

  /**
   * Counts one offence. Validators are given twice the patience: losing one costs the chain more than losing a stranger.
   * @returns whether the peer is banned from now on.
   */
  penalize(id: string, isValidator: boolean): boolean {
    const now = this.#now()
    const known = this.#scores.get(id)
    const points = (known === undefined ? 0 : this.#decayed(known)) - LIMITS.penaltyPoints
    const banned = points <= (isValidator ? LIMITS.validatorBanScore : LIMITS.banScore)
    this.#scores.delete(id) // set again at the end: the map keeps the most recent offenders last
    this.#scores.set(id, { points, atMs: now, bannedUntilMs: banned ? now + LIMITS.banMs : 0 })
    this.#forgetOldest()
    return banned
  }

  /** Bans at once: for a proof that is forged, where there is no innocent explanation. */
  ban(id: string): void {
    const now = this.#now()
    this.#scores.delete(id)
    this.#scores.set(id, { points: LIMITS.banScore, atMs: now, bannedUntilMs: now + LIMITS.banMs })
    this.#forgetOldest()
  }

  #decayed(score: Score): number {
    const points = score.points * 2 ** (-(this.#now() - score.atMs) / LIMITS.scoreHalfLifeMs)
    return points > -0.5 ? 0 : points
  }

  #forgetOldest(): void {
    if (this.#scores.size <= LIMITS.rememberedScores) return
    const oldest = this.#scores.keys().next()
    if (oldest.done !== true) this.#scores.delete(oldest.value)
  }
}
