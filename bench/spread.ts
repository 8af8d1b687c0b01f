/** Median and spread of repeated measurements. */

export interface Spread {
  readonly median: number
  readonly least: number
  readonly most: number
}

/** @param values at least one. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const [median, least, most] = [sorted[sorted.length >> 1], sorted[0], sorted.at(-1)]
  if (median === undefined || least === undefined || most === undefined)
    throw new RangeError('expected at least one value')
  return { median, least, most }
}
