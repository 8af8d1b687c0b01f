/**
 * Names with a time each: the earliest first, ties in the order in which they were set. An indexed binary heap, so that
 * setting, moving and deleting cost O(log n) however many names wait.
 */

interface Row {
  readonly name: string
  readonly atMs: number
  /** Counts up: rows of the same time keep their order. */
  readonly turn: number
}

export class Timetable {
  readonly #heap: Row[] = []
  readonly #places: Map<string, number> = new Map()
  #turn = 0

  get size(): number {
    return this.#heap.length
  }

  has(name: string): boolean {
    return this.#places.has(name)
  }

  /** The earliest time, Infinity if there is none. */
  get nextMs(): number {
    return this.#heap[0]?.atMs ?? Infinity
  }

  /** Sets the time of a name, or moves it. */
  set(name: string, atMs: number): void {
    const row: Row = { name, atMs, turn: this.#turn++ }
    const held = this.#places.get(name)
    const place = held ?? this.#heap.length
    this.#put(place, row)
    this.#settle(place)
  }

  delete(name: string): boolean {
    const place = this.#places.get(name)
    if (place === undefined) return false
    this.#places.delete(name)
    const last = this.#heap.pop() as Row
    if (place < this.#heap.length) {
      this.#put(place, last)
      this.#settle(place)
    }
    return true
  }

  /** Takes the earliest name if its time has come, `atMs ≤ nowMs`; null if none is due. */
  takeDue(nowMs: number): string | null {
    const first = this.#heap[0]
    if (first === undefined || first.atMs > nowMs) return null
    this.delete(first.name)
    return first.name
  }

  #put(place: number, row: Row): void {
    this.#heap[place] = row
    this.#places.set(row.name, place)
  }

  #settle(place: number): void {
    this.#sink(this.#rise(place))
  }

  #rise(from: number): number {
    const row = this.#heap[from] as Row
    let place = from
    while (place > 0) {
      const parent = (place - 1) >> 1
      const above = this.#heap[parent] as Row
      if (!isBefore(row, above)) break
      this.#put(place, above)
      place = parent
    }
    this.#put(place, row)
    return place
  }

  #sink(from: number): void {
    const row = this.#heap[from] as Row
    let place = from
    for (;;) {
      const left = this.#heap[2 * place + 1]
      const right = this.#heap[2 * place + 2]
      const useRight = right !== undefined && left !== undefined && isBefore(right, left)
      const child = useRight ? right : left
      if (child === undefined || !isBefore(child, row)) break
      this.#put(place, child)
      place = 2 * place + (useRight ? 2 : 1)
    }
    this.#put(place, row)
  }
}

function isBefore(a: Row, b: Row): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.turn < b.turn)
}
