/**
 * What happens to data on its way from one node of a devnet to another: cut off, late, or with losses. Conditions belong
 * to ordered pairs, since a partition may let one direction through.
 */
import { CordonError } from '../../config/errors.ts'
import { LIMITS } from '../../config/limits.ts'

export interface Condition {
  /** Nothing arrives until this ends. */
  readonly isCut: boolean
  readonly delayMs: number
  /** The delay is drawn from `delayMs ± jitterMs`. */
  readonly jitterMs: number
  /** Of packets, from 0 to below 1. */
  readonly lossShare: number
}

/** What holds from one node to another. */
export interface LinkState {
  readonly from: string
  readonly to: string
  readonly condition: Condition
}

const CLEAR: Condition = { isCut: false, delayMs: 0, jitterMs: 0, lossShare: 0 }

export class Conditions {
  readonly #names: readonly string[]
  readonly #byPair = new Map<string, Condition>()
  readonly #listeners = new Set<() => void>()

  /** @param names of all nodes. */
  constructor(names: readonly string[]) {
    this.#names = names
  }

  of(from: string, to: string): Condition {
    return this.#byPair.get(pairName(from, to)) ?? CLEAR
  }

  /** Calls back after each change; returns what ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Cuts these nodes off from all others, in addition to what is cut already.
   * @param oneWay only what these nodes send is cut off.
   * @throws CordonError `usage` for unknown names, or if nobody is left on the other side.
   */
  partition(side: readonly string[], oneWay: boolean): void {
    const inside = new Set(this.#known(side))
    const outside = this.#names.filter((name) => !inside.has(name))
    if (inside.size === 0 || outside.length === 0)
      throw new CordonError(
        'usage',
        `a partition has nodes on both sides: expected some but not all of ${this.#names.join(', ')}, got ${side.join(', ') || 'none'}`,
      )
    this.#change((from, to, condition) => {
      const leaves = inside.has(from) && !inside.has(to)
      const enters = !inside.has(from) && inside.has(to)
      return leaves || (enters && !oneWay) ? { ...condition, isCut: true } : condition
    })
  }

  /**
   * Sets the delay of everything that these nodes send or receive; no names: of all nodes.
   * @throws CordonError `usage` for unknown names and numbers out of range.
   */
  delay(delayMs: number, jitterMs: number, names: readonly string[]): void {
    checkRange('a delay', delayMs, 0, LIMITS.linkDelayMaxMs, 'ms')
    checkRange('a jitter', jitterMs, 0, delayMs, 'ms, at most the delay')
    this.#changeOf(names, (condition) => ({ ...condition, delayMs, jitterMs }))
  }

  /**
   * Sets the share of packets that get lost, of all that these nodes send or receive; no names: of all nodes.
   * @throws CordonError `usage` for unknown names and numbers out of range.
   */
  loss(lossPercent: number, names: readonly string[]): void {
    checkRange('a loss', lossPercent, 0, LIMITS.linkLossMaxPercent, 'percent')
    this.#changeOf(names, (condition) => ({ ...condition, lossShare: lossPercent / 100 }))
  }

  /** Everything arrives at once again. */
  heal(): void {
    this.#byPair.clear()
    this.#tell()
  }

  /** Pairs that are not clear. */
  list(): LinkState[] {
    return this.#names.flatMap((from) =>
      this.#names.flatMap((to) => {
        const condition = this.#byPair.get(pairName(from, to))
        return condition === undefined ? [] : [{ from, to, condition }]
      }),
    )
  }

  #known(names: readonly string[]): readonly string[] {
    const unknown = names.find((name) => !this.#names.includes(name))
    if (unknown === undefined) return names
    throw new CordonError(
      'usage',
      `there is no node ${JSON.stringify(unknown)}; this devnet has ${this.#names.join(', ')}`,
      { name: unknown, known: this.#names },
    )
  }

  #changeOf(names: readonly string[], next: (condition: Condition) => Condition): void {
    const chosen = new Set(names.length === 0 ? this.#names : this.#known(names))
    this.#change((from, to, condition) => (chosen.has(from) || chosen.has(to) ? next(condition) : condition))
  }

  #change(next: (from: string, to: string, condition: Condition) => Condition): void {
    for (const from of this.#names)
      for (const to of this.#names) {
        if (from === to) continue
        const condition = next(from, to, this.of(from, to))
        if (isClear(condition)) this.#byPair.delete(pairName(from, to))
        else this.#byPair.set(pairName(from, to), condition)
      }
    this.#tell()
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}

function isClear({ isCut, delayMs, lossShare }: Condition): boolean {
  return !isCut && delayMs === 0 && lossShare === 0
}

function pairName(from: string, to: string): string {
  return `${from} ${to}`
}

function checkRange(what: string, value: number, min: number, max: number, unit: string): void {
  if (Number.isFinite(value) && value >= min && value <= max) return
  throw new CordonError('usage', `${what} is a number from ${min} to ${max} ${unit}; got ${value}`, { value })
}
