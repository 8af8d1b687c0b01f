/** Partners of an account, as small rings of tags inside its record: filled from the front, the oldest makes room. */

/** Position of a tag, or −1. A free place, and nothing behind it, has tag 0. */
export function indexOfTag(numbers: Float64Array, start: number, length: number, tag: number): number {
  for (let i = 0; i < length; i++) {
    const found = numbers[start + i]
    if (found === tag) return i
    if (found === 0) return -1
  }
  return -1
}

/** Position of the earliest time: free places have 0. */
export function oldestOf(times: Uint32Array, start: number, length: number): number {
  let oldest = 0
  for (let i = 1; i < length; i++) {
    if ((times[start + i] as number) < (times[start + oldest] as number)) oldest = i
  }
  return oldest
}
