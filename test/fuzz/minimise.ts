/** Makes an input smaller as long as it keeps its property. */

const MOST_TRIES = 2_000
/** A slow input is not worth waiting for. */
const LONGEST_MS = 5_000

/** Takes pieces away, half of the input first and single bytes last; then turns what is left into zeros. */
export async function minimise(
  input: Uint8Array,
  holds: (bytes: Uint8Array) => Promise<boolean>,
  mostTries: number = MOST_TRIES,
): Promise<Uint8Array> {
  let best = input
  let tries = 0
  const endMs = performance.now() + LONGEST_MS
  const goesOn = (): boolean => tries < mostTries && performance.now() < endMs
  const better = async (candidate: Uint8Array): Promise<boolean> => {
    tries += 1
    if (!(await holds(candidate))) return false
    best = candidate
    return true
  }
  for (let size = best.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at < best.length && goesOn(); ) {
      const without = Buffer.concat([best.subarray(0, at), best.subarray(at + size)])
      if (!(await better(Uint8Array.from(without)))) at += size
    }
  }
  for (let at = 0; at < best.length && goesOn(); at++) {
    if (best[at] !== 0) await better(best.map((byte, index) => (index === at ? 0 : byte)))
  }
  return best
}
