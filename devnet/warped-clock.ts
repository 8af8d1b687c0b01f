/**
 * Time travel of one process, which must be a node of a devnet: the clock that it reads is ahead of the machine's. This
 * bends `Date.now` itself, as libfaketime does for programs it cannot change, so that a real node has no code that could
 * be told a wrong time. Timers and monotonic time go on as they are.
 */
const machineNow = Date.now.bind(Date)
let aheadMs = 0

/** @throws RangeError for what is no whole number from 0 on. */
export function setClockAhead(ms: number): void {
  if (!Number.isSafeInteger(ms) || ms < 0)
    throw new RangeError(`expected how many milliseconds the clock is ahead, got ${ms}`)
  if (ms === aheadMs) return
  aheadMs = ms
  Date.now = () => machineNow() + aheadMs
}
