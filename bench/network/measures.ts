/** What `npm run bench` measures, with what it must be and what it should be (issue 6). Keys are stable: files name them. */

export interface Measure {
  readonly key: string
  readonly what: string
  readonly unit: string
  /** Which way is better. */
  readonly wants: 'more' | 'less'
  /** Null: measured to be seen. */
  readonly must: number | null
  readonly goal: number | null
}

const more = (
  key: string,
  what: string,
  unit: string,
  must: number | null,
  goal: number | null,
): Measure => ({
  ...{ key, what, unit, must, goal },
  wants: 'more',
})
const less = (
  key: string,
  what: string,
  unit: string,
  must: number | null,
  goal: number | null,
): Measure => ({
  ...more(key, what, unit, must, goal),
  wants: 'less',
})

export const MEASURES: readonly Measure[] = [
  more('verifyLimitPerSecond', 'signature check alone, four validators', '/s', null, null),
  more('settledPerSecond', 'single payments settled', '/s', 2_600, 5_000),
  more('shareOfVerifyLimit', 'the same as a share of the signature check', '%', 25, 50),
  more('payoutTransfersPerSecond', 'transfers settled in payouts of 100', '/s', 20_000, 40_000),
  less('payoutHeldPercent', 'payouts held', '%', null, null),
  less('lightP50Ms', 'finality at 50/s, p50', 'ms', 25, 12),
  less('lightP99Ms', 'finality at 50/s, p99', 'ms', 60, 30),
  less('halfP50Ms', 'finality at half of the maximum, p50', 'ms', 80, 40),
  less('halfP99Ms', 'finality at half of the maximum, p99', 'ms', 300, 120),
  less('delayed50P50Ms', 'finality at 50/s with 50 ms between validators, p50', 'ms', 400, 325),
  less('delayed100P50Ms', 'the same with 100 ms', 'ms', 800, 650),
  more('manyAccountsShare', 'throughput with many accounts, of that with few', '%', 85, 95),
  more('oneDownShare', 'maximum with one validator down, of that with all', '%', 80, 95),
  less('oneDownP99Ratio', 'p99 at that half with one down, over that with all', '×', 2, 1.3),
  less('residentMiB', 'resident memory of the largest validator under load', 'MiB', 400, 250),
  less('idleCpuPercent', 'four validators without payments, of a core', '%', 6, 3),
  more('catchUpPerSecond', 'payments a node catches up with', '/s', 5_000, 15_000),
  less('cpuMsPerPayment', 'processor time for a payment at the maximum, all four', 'ms', 0.77, 0.4),
  more(
    'smallClientShare',
    'settled of what a client offers beside one that offers nine times as much',
    '%',
    95,
    99,
  ),
  more('overloadShare', 'settled at three times the maximum, of the maximum', '%', 80, 95),
  less('overloadLost', 'accepted payments that expired, or have no end', '', 0, 0),
  more('theft1Share', 'maximum with 1 % thefts, of that without', '%', null, null),
  more('theft1HeldPercent', 'held then', '%', null, null),
  more('theft10Share', 'maximum with 10 % thefts, of that without', '%', null, null),
  more('theft10HeldPercent', 'held then', '%', null, null),
  less(
    'historyCpuRatio',
    'processor time for a payment after the history, over that before',
    '×',
    1.15,
    1.05,
  ),
  ...[4, 7, 16].flatMap((count) => [
    less(
      `validators${count}CpuMs`,
      `${count} validators at 3/s: processor time for a payment`,
      'ms',
      null,
      null,
    ),
    less(`validators${count}P50Ms`, `${count} validators: finality, p50`, 'ms', null, null),
    less(`validators${count}Packets`, `${count} validators: packets for a payment`, '', null, null),
    less(`validators${count}Bytes`, `${count} validators: bytes for a payment`, 'B', null, null),
  ]),
]

/** By key. */
export type Values = Readonly<Record<string, number>>

export function meets({ wants }: Measure, value: number, bar: number): boolean {
  return wants === 'more' ? value >= bar : value <= bar
}
