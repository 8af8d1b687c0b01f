/** How things look to people: tables, times, amounts, reasons. */
import Table from 'cli-table3'
import { formatAmount, formatUnits } from '../config/amount.ts'

const NO_LINES = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
}

interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
}

/** An aligned table without lines. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const drawn = new Table({
    head: columns.map(({ title }) => title),
    colAligns: columns.map(({ align }) => align ?? 'left'),
    chars: NO_LINES,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  })
  for (const row of rows) drawn.push([...row])
  return trimLines(drawn.toString())
}

/** Cells in aligned columns without titles: names and values under each other. */
export function facts(rows: readonly (readonly string[])[]): string {
  const drawn = new Table({
    chars: NO_LINES,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  })
  for (const row of rows) drawn.push([...row])
  return trimLines(drawn.toString())
}

function trimLines(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

/** `12.50CRD` of a decimal string of uCRD. */
export function amount(units: string): string {
  return formatAmount(BigInt(units))
}

/** Both forms, so that a slip of a factor shows: `12.50CRD (12500000uCRD)`. */
export function amountBoth(units: string): string {
  return `${formatAmount(BigInt(units))} (${formatUnits(BigInt(units))})`
}

/** `2026-11-22 20:15:03.120 UTC`. */
export function time(timeMs: number | null): string {
  return timeMs === null ? '-' : new Date(timeMs).toISOString().replace('T', ' ').replace('Z', ' UTC')
}

/** `in 23h 59m`, `3s ago`. */
export function distance(timeMs: number, nowMs: number): string {
  const text = duration(Math.abs(timeMs - nowMs))
  return timeMs >= nowMs ? `in ${text}` : `${text} ago`
}

function duration(ms: number): string {
  const seconds = Math.round(ms / 1000)
  const parts: readonly (readonly [number, string])[] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ]
  const first = parts.findIndex(([count]) => count > 0)
  if (first === -1) return '0s'
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join(' ')
}

/** `66.67 %` of basis points. */
export function percent(bps: number): string {
  return `${(bps / 100).toFixed(2).replace(/\.?0+$/, '')} %`
}

/** A latency as shown: tenths of a millisecond. */
export function milliseconds(ms: number): string {
  return `${ms.toFixed(1)} ms`
}

/** A memo is somebody else's text: control characters must not reach the terminal. */
export function printable(memo: string): string {
  return memo.replace(/\p{C}/gu, '\u{FFFD}')
}
