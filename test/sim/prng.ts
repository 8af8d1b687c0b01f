/** Randomness of a simulation: sfc32, seeded by one number. The same seed gives the same run on every machine. */
export class Prng {
  #a: number
  #b: number
  #c: number
  #counter = 1

  constructor(seed: number) {
    this.#a = 0
    this.#b = Math.floor(seed / 2 ** 32) | 0
    this.#c = seed | 0
    for (let i = 0; i < 12; i++) this.#next()
  }

  #next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return sum >>> 0
  }

  /** From 0 up to, but not, `end`. */
  below(end: number): number {
    return Math.floor((this.#next() / 2 ** 32) * end)
  }

  /** An integer from `min` to `max`, both possible. */
  int(min: number, max: number): number {
    return min + this.below(max - min + 1)
  }

  /** A real number from `min` up to `max`. */
  real(min: number, max: number): number {
    return min + (this.#next() / 2 ** 32) * (max - min)
  }

  chance(probability: number): boolean {
    return this.#next() / 2 ** 32 < probability
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)]
    if (item === undefined) throw new RangeError('nothing to pick from')
    return item
  }

  /** `count` different items, in random order. */
  sample<Item>(items: readonly Item[], count: number): Item[] {
    const rest = [...items]
    const chosen: Item[] = []
    while (chosen.length < count && rest.length > 0) chosen.push(...rest.splice(this.below(rest.length), 1))
    return chosen
  }

  /** A generator of its own, so that drawing more in one part does not change another. */
  fork(): Prng {
    return new Prng(this.#next() * 2 ** 20 + (this.#next() >>> 12))
  }
}
