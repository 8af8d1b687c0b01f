/** Virtual time: events in order of their time, and of their making within one time. */
export interface SimEvent {
  readonly atMs: number
  readonly order: number
  readonly run: () => void | Promise<void>
}

export class Scheduler {
  readonly #heap: SimEvent[] = []
  #order = 0
  #nowMs = 0

  get nowMs(): number {
    return this.#nowMs
  }

  /** Runs `run` in `delayMs`. */
  after(delayMs: number, run: () => void | Promise<void>): void {
    this.at(this.#nowMs + delayMs, run)
  }

  at(atMs: number, run: () => void | Promise<void>): void {
    const heap = this.#heap
    const event: SimEvent = { atMs: Math.max(atMs, this.#nowMs), order: this.#order++, run }
    let index = heap.length
    heap.push(event)
    while (index > 0) {
      const parent = (index - 1) >> 1
      const above = heap[parent] as SimEvent
      if (!before(event, above)) break
      heap[index] = above
      index = parent
    }
    heap[index] = event
  }

  /** Runs events until `stop` says so or the time is past `untilMs`. */
  async run(untilMs: number, stop: () => boolean): Promise<void> {
    while (!stop()) {
      const first = this.#heap[0]
      if (first === undefined || first.atMs > untilMs) break
      this.#pop()
      this.#nowMs = first.atMs
      const pending = first.run()
      if (pending !== undefined) await pending
    }
    if (!stop()) this.#nowMs = Math.max(this.#nowMs, untilMs)
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop() as SimEvent
    if (heap.length === 0) return
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1] as SimEvent, heap[child] as SimEvent)) child++
      const below = heap[child] as SimEvent
      if (!before(below, last)) break
      heap[index] = below
      index = child
    }
    heap[index] = last
  }
}

function before(a: SimEvent, b: SimEvent): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}
