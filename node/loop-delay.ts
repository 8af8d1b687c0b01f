/**
 * How late the event loop comes to its timers. Each sample wakes the process, so it is measured only while somebody looks,
 * and for a moment after.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'

/** A turn long enough to trouble a payment is seen. */
const SAMPLE_MS = 20
/** Figures are of about this time: what has been measured longer is begun anew. */
const WINDOW_MS = 30_000
/** Nobody has looked for so long. */
const FORGET_MS = 60_000
const NS_PER_MS = 1e6

/** Times between samples, in ns, since it was enabled or reset. */
export type LoopHistogram = Pick<
  ReturnType<typeof monitorEventLoopDelay>,
  'count' | 'max' | 'percentile' | 'enable' | 'disable' | 'reset'
>

/** Makes a histogram that samples every `resolution` ms once it is enabled. */
export type MonitorLoop = (options: { readonly resolution: number }) => LoopHistogram

export interface LoopDelayFigures {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  /** Of how much time they are. */
  readonly overMs: number
}

export class LoopDelay {
  readonly #monitor: MonitorLoop
  #histogram: LoopHistogram | null = null
  #sinceMs = 0
  #forget: NodeJS.Timeout | null = null

  constructor(monitor: MonitorLoop = monitorEventLoopDelay) {
    this.#monitor = monitor
  }

  /** Null for who looks first. @param nowMs monotonic. */
  figures(nowMs: number): LoopDelayFigures | null {
    const figures = this.#histogram === null ? null : this.#read(this.#histogram, nowMs)
    this.#measure(nowMs)
    return figures
  }

  stop(): void {
    if (this.#forget !== null) clearTimeout(this.#forget)
    this.#forget = null
    this.#histogram?.disable()
    this.#histogram = null
  }

  #read(histogram: LoopHistogram, nowMs: number): LoopDelayFigures | null {
    if (histogram.count === 0) return null
    // A sample is the time between two turns of a timer: what is above its period is delay.
    const late = (ns: number): number => Math.max(0, ns / NS_PER_MS - SAMPLE_MS)
    return {
      p50Ms: late(histogram.percentile(50)),
      p99Ms: late(histogram.percentile(99)),
      maxMs: late(histogram.max),
      overMs: nowMs - this.#sinceMs,
    }
  }

  #measure(nowMs: number): void {
    if (this.#histogram === null) {
      this.#histogram = this.#monitor({ resolution: SAMPLE_MS })
      this.#histogram.enable()
      this.#sinceMs = nowMs
    } else if (nowMs - this.#sinceMs > WINDOW_MS) {
      this.#histogram.reset()
      this.#sinceMs = nowMs
    }
    if (this.#forget !== null) clearTimeout(this.#forget)
    this.#forget = setTimeout(() => {
      this.stop()
    }, FORGET_MS).unref()
  }
}
