/** How busy the main thread is, from what Node counts anyway: no timer wakes an idle node for it. */
import { performance } from 'node:perf_hooks'

/** Node notes idle time between turns only: within one turn every share would be 1. */
const LEAST_MS = 10

/**
 * @returns a function that gives the share of the time since its last call, 0 to 1, in which something ran. One that comes
 * right after another gets the same answer, and the time it was about counts for the next.
 */
export function busyShare(): () => number {
  let before = performance.eventLoopUtilization()
  let share = 0
  return () => {
    const now = performance.eventLoopUtilization()
    const { active, idle, utilization } = performance.eventLoopUtilization(now, before)
    if (active + idle < LEAST_MS) return share
    before = now
    share = utilization
    return share
  }
}
