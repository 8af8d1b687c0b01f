/** Things to happen in order of time, where what happens may add later things. */

interface Event {
  readonly atMs: number
  readonly happen: () => void
}

export class Timeline {
  /** The latest first, so that the next is at the end; of equal times, the one that was added first comes first. */
  #coming: Event[] = []
  #added: Event[] = []

  /** Not before what happens now. */
  add(atMs: number, happen: () => void): void {
    this.#added.push({ atMs, happen })
  }

  /** Until nothing is left. @param before told the time of each thing before it happens. */
  play(before: (atMs: number) => void): void {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      before(next.atMs)
      next.happen()
    }
  }

  #next(): Event | undefined {
    if (this.#added.length > 0) {
      this.#coming = [...this.#added.toReversed(), ...this.#coming].sort((a, b) => b.atMs - a.atMs)
      this.#added = []
    }
    return this.#coming.pop()
  }
}
