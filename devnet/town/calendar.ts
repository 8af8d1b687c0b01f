/** When people pay. */
import type { Random } from '../random.ts'

const HOUR_MS = 3_600_000
export const DAY_MS: number = 24 * HOUR_MS
export const WEEK_DAYS = 7
/** Four weeks: long enough for every habit to repeat, and all months alike. */
export const MONTH_DAYS = 28

const OPENS_MS = 7 * HOUR_MS
const CLOSES_MS = 23 * HOUR_MS

/** A moment of a day when people are awake, around the afternoon rather than early or late. */
export function awake(random: Random, day: number): number {
  const middling = (random.unit() + random.unit()) / 2
  return day * DAY_MS + OPENS_MS + middling * (CLOSES_MS - OPENS_MS)
}

/** Moments of events that happen `perDay` on average, over days 0 to `days`. */
export function moments(random: Random, perDay: number, days: number): number[] {
  const found: number[] = []
  for (let at = random.exponential(1 / perDay); at < days; at += random.exponential(1 / perDay))
    found.push(awake(random, Math.floor(at)))
  return found
}

/** Days on which something of every `period` days falls due, from a day of its own on. */
export function dueDays(random: Random, period: number, days: number): number[] {
  const found: number[] = []
  for (let day = random.below(period); day < days; day += period) found.push(day)
  return found
}
