/** Throughput against latency: a network at growing rates, and a drawing of it. */
import { checked, maximum, startWith, warmUp, type Effort } from './runs.ts'

/** Of the maximum. */
const STEPS = [0.02, 0.1, 0.25, 0.5, 0.7, 0.8, 0.9, 1, 1.1] as const

export interface Point {
  readonly offeredPerSecond: number
  readonly settledPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

export async function sweep(effort: Effort): Promise<readonly Point[]> {
  await using devnet = await startWith(effort, effort.accounts)
  await warmUp(devnet, effort.loadS)
  const most = await maximum(devnet, effort.loadS)
  const points: Point[] = []
  for (const step of STEPS) {
    const offeredPerSecond = Math.round(step * most.settledPerSecond)
    const { settledPerSecond, latencyMs } = checked(await devnet.load(offeredPerSecond, effort.loadS))
    points.push({
      offeredPerSecond,
      settledPerSecond,
      p50Ms: latencyMs.p50 ?? NaN,
      p99Ms: latencyMs.p99 ?? NaN,
    })
  }
  return points
}

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [640, 420, 70, 90, 50, 60]
/** Each ten times the one before. */
const LATENCY_TICKS_MS = [1, 10, 100, 1_000, 10_000] as const
const RATE_TICKS = 5
const LINES = [
  { name: 'p50', colour: '#05c', of: ({ p50Ms }: Point): number => p50Ms },
  { name: 'p99', colour: '#c50', of: ({ p99Ms }: Point): number => p99Ms },
] as const

/** As SVG: latency upwards, on a logarithmic scale, settled payments to the right. */
export function sweepSvg(points: readonly Point[], title: string): string {
  const most = niceAbove(Math.max(...points.map(({ settledPerSecond }) => settledPerSecond)))
  const x = (perSecond: number): string => (LEFT + (perSecond / most) * (WIDTH - LEFT - RIGHT)).toFixed(1)
  const y = (ms: number): string => {
    const decades = LATENCY_TICKS_MS.length - 1
    return (HEIGHT - BOTTOM - (Math.log10(Math.max(1, ms)) / decades) * (HEIGHT - TOP - BOTTOM)).toFixed(1)
  }
  const grid = [
    ...LATENCY_TICKS_MS.flatMap((ms) => [
      `<path d="M${LEFT},${y(ms)}H${WIDTH - RIGHT}" stroke="#ddd"/>`,
      text(LEFT - 8, y(ms), String(ms), 'text-anchor="end" dominant-baseline="middle"'),
    ]),
    ...Array.from({ length: RATE_TICKS + 1 }, (_, index) => (most * index) / RATE_TICKS).flatMap((rate) => [
      `<path d="M${x(rate)},${TOP}V${HEIGHT - BOTTOM}" stroke="#ddd"/>`,
      text(x(rate), HEIGHT - BOTTOM + 20, String(rate), 'text-anchor="middle"'),
    ]),
  ]
  const lines = LINES.flatMap(({ name, colour, of }) => {
    const places = points.map((point) => `${x(point.settledPerSecond)},${y(of(point))}`)
    const [endX, endY] = (places.at(-1) ?? '0,0').split(',') as [string, string]
    return [
      `<polyline points="${places.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`,
      ...places.map((place) => {
        const [cx, cy] = place.split(',') as [string, string]
        return `<circle cx="${cx}" cy="${cy}" r="3" fill="${colour}"/>`
      }),
      text(Number(endX) + 10, endY, name, `fill="${colour}" dominant-baseline="middle"`),
    ]
  })
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="13" fill="#222">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text(WIDTH / 2, TOP / 2, title, 'font-size="15" text-anchor="middle"'),
    ...grid,
    text(
      (LEFT + WIDTH - RIGHT) / 2,
      HEIGHT - BOTTOM / 4,
      'settled payments a second',
      'text-anchor="middle"',
    ),
    text(
      18,
      HEIGHT / 2,
      'from intended time to final, ms',
      `text-anchor="middle" transform="rotate(-90 18 ${HEIGHT / 2})"`,
    ),
    ...lines,
    '</svg>',
  ].join('\n')}\n`
}

/** A round number not below. */
function niceAbove(value: number): number {
  const unit = 10 ** Math.floor(Math.log10(value))
  return Math.ceil(value / unit) * unit
}

function text(atX: number | string, atY: number | string, content: string, attributes: string): string {
  return `<text x="${atX}" y="${atY}" ${attributes}>${content}</text>`
}
