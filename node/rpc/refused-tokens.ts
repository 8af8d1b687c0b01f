/**
 * Who comes with tokens that are none. A token is 32 random bytes that nobody guesses, so a right one is taken whoever else
 * comes from the same address: a lock would only let strangers lock operators out. What is bounded is the work and the log.
 */
import { CordonError } from '../../config/errors.ts'
import { LIMITS } from '../../config/limits.ts'
import type { RpcLog } from './service.ts'

const WINDOW_MS = 60_000
/** Stands for all addresses for which there is no place of their own. */
const OTHERS = 'others'

export class RefusedTokens {
  readonly #log: Pick<RpcLog, 'warn'>
  /** Refusals by address, in this window. */
  readonly #counts = new Map<string, number>()
  #windowStartMs = -Infinity

  constructor(log: Pick<RpcLog, 'warn'>) {
    this.#log = log
  }

  /**
   * Counts a refusal.
   * @param nowMs monotonic.
   * @throws CordonError `busy` once there were too many of them from this address.
   */
  note(address: string, nowMs: number): void {
    if (nowMs - this.#windowStartMs >= WINDOW_MS) {
      this.#windowStartMs = nowMs
      this.#counts.clear()
    }
    const hasPlace = this.#counts.has(address) || this.#counts.size < LIMITS.refusedTokenAddresses
    const key = hasPlace ? address : OTHERS
    const count = (this.#counts.get(key) ?? 0) + 1
    this.#counts.set(key, count)
    if (count <= LIMITS.refusedTokensPerMinute) return
    if (count === LIMITS.refusedTokensPerMinute + 1)
      this.#log.warn({ address: key }, 'somebody tries tokens at the operator port that are not of this node')
    throw new CordonError(
      'busy',
      `more than ${LIMITS.refusedTokensPerMinute} tokens of this address were refused within a minute; one that is valid is taken`,
      { retryAfterMs: Math.ceil(WINDOW_MS - (nowMs - this.#windowStartMs)) },
    )
  }
}
