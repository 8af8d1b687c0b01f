/**
 * Partners of an account, as small rings inside its record: filled from the front, the oldest makes room. Their tags lie
 * in two halves, all low ones before all high ones, so that a search reads half of the memory and compares whole numbers.
 */

const TWO_POW_32 = 2 ** 32

export function lowHalf(tag: number): number {
  return tag >>> 0
}

export function highHalf(tag: number): number {
  return Math.floor(tag / TWO_POW_32)
}

export function wholeTag(low: number, high: number): number {
  return high * TWO_POW_32 + low
}

export function setTag(words: Uint32Array, start: number, length: number, i: number, tag: number): void {
  words[start + i] = lowHalf(tag)
  words[start + length + i] = highHalf(tag)
}

/** Position of a tag, or −1. */
export function indexOfTag(words: Uint32Array, start: number, length: number, tag: number): number {
  const low = lowHalf(tag)
  const high = highHalf(tag)
  for (let i = 0; i < length; i++) {
    const found = words[start + i] as number
    if (found === low && words[start + length + i] === high) return i
    if (found === 0 && words[start + length + i] === 0) return -1
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
