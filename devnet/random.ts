/** Seeded random numbers: the same seed text gives the same sequence on every machine. */
import { hash } from '../crypto/hash.ts'
import { utf8 } from '../crypto/bytes.ts'

/** sfc32 (Chris Doty-Humphrey's small fast counter generator), seeded by a hash of the text. */
export class Random {
  #a: number
  #b: number
  #c: number
  #counter = 1

  constructor(seed: string) {
    const digest = hash('devnet-key', utf8(`random/${seed}`))
    const view = new DataView(digest.buffer, digest.byteOffset, digest.byteLength)
    this.#a = view.getUint32(0)
    this.#b = view.getUint32(4)
    this.#c = view.getUint32(8)
    for (let i = 0; i < 12; i++) this.u32()
  }

  u32(): number {
    const t = (this.#a + this.#b + this.#counter) >>> 0
    this.#counter = (this.#counter + 1) >>> 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) >>> 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) >>> 0
    this.#c = (this.#c + t) >>> 0
    return t
  }

  /** Uniform in [0, 1). */
  unit(): number {
    return this.u32() / 2 ** 32
  }

  /** An integer from 0 to `count − 1`. */
  below(count: number): number {
    return Math.floor(this.unit() * count)
  }

  /** Uniform in [low, high). */
  between(low: number, high: number): number {
    return low + this.unit() * (high - low)
  }

  /** An integer from `least` to `most`. */
  whole(least: number, most: number): number {
    return least + this.below(most - least + 1)
  }

  /** From `low` to `high`, each doubling as likely as any other: amounts and waiting times have long tails. */
  scaled(low: number, high: number): number {
    return low * (high / low) ** this.unit()
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.unit() < probability
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)]
    if (item === undefined) throw new RangeError('nothing to pick from')
    return item
  }

  /** `count` different items, in random order. */
  sample<Item>(items: readonly Item[], count: number): Item[] {
    const rest = [...items]
    const taken: Item[] = []
    while (taken.length < count && rest.length > 0) taken.push(...rest.splice(this.below(rest.length), 1))
    return taken
  }

  /** Waiting time until the next event of a Poisson process. */
  exponential(mean: number): number {
    return -Math.log(1 - this.unit()) * mean
  }
}
