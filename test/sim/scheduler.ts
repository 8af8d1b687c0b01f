/** Virtual time: events in order of their time, and of their making within one time. */

/** What an event does. It has ended, with all that it waits for, before the next one begins. */
export type Action = () => void | Promise<void>

interface SimEvent {
  readonly atMs: number
  readonly order: number
  readonly run: Action
}

/** An event that is set again and again, as the next tick of a node is, and comes once: when it was last set to. */
export interface Alarm {
  /** From now on it comes at `atMs`, and at no time that was set before. */
  readonly set: (atMs: number) => void
  readonly cancel: () => void
}

export class Scheduler {
  readonly #heap: SimEvent[] = []
  #order = 0
  #nowMs = 0

  get nowMs(): number {
    return this.#nowMs
  }

  /** Whether nothing more is due at this time: what an event would put there can as well follow it at once. */
  get isClear(): boolean {
    const first = this.#heap[0]
    return first === undefined || first.atMs > this.#nowMs
  }

  /** Runs `run` in `delayMs`. */
  after(delayMs: number, run: Action): void {
    this.at(this.#nowMs + delayMs, run)
  }

  at(atMs: number, run: Action): void {
    this.#push(this.#event(atMs, run))
  }

  /**
   * Takes its place among the events as one made anew each time would. Nearly always it is set to later than before: then
   * what stands in the heap stays there, and moves on when it comes up.
   */
  alarm(run: Action): Alarm {
    let wanted: SimEvent | null = null
    /** What stands for it in the heap: no later than `wanted`. */
    let queued: SimEvent | null = null
    const comeUp = (): void | Promise<void> => {
      if (wanted !== null && wanted.order !== queued?.order) {
        queue(wanted)
        return
      }
      queued = null
      if (wanted === null) return
      wanted = null
      return run()
    }
    const queue = ({ atMs, order }: SimEvent): void => {
      const event = { atMs, order, run: () => (event === queued ? comeUp() : undefined) }
      queued = event
      this.#push(event)
    }
    return {
      set: (atMs) => {
        wanted = this.#event(atMs, run)
        if (queued === null || wanted.atMs < queued.atMs) queue(wanted)
      },
      cancel: () => {
        wanted = null
      },
    }
  }

  /** Runs events until the time is past `untilMs`. */
  async run(untilMs: number): Promise<void> {
    for (;;) {
      const first = this.#heap[0]
      if (first === undefined || first.atMs > untilMs) break
      this.#pop()
      this.#nowMs = first.atMs
      const pending = first.run()
      if (pending !== undefined) await pending
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs)
  }

  #event(atMs: number, run: Action): SimEvent {
    return { atMs: Math.max(atMs, this.#nowMs), order: this.#order++, run }
  }

  #push(event: SimEvent): void {
    const heap = this.#heap
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
