/** How busy the main thread is, from what Node counts anyway: no timer wakes an idle node for it. */
import { performance } from 'node:perf_hooks'

/** @returns a function that gives the share of the time since its last call, 0 to 1, in which something ran. */
export function busyShare(): () => number {
  let before = performance.eventLoopUtilization()
  return () => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, before)
    before = now
    return utilization
  }
}
