/** A precision-recall curve as SVG. */
import type { CurvePoint } from '../../fraud/evaluation/metrics.ts'

const WIDTH = 560
const HEIGHT = 420
const LEFT = 70
const RIGHT = 20
const TOP = 50
const BOTTOM = 60
const TICKS = [0, 0.2, 0.4, 0.6, 0.8, 1]
/** Enough for the eye; a file may have a hundred thousand laundering transfers. */
const MOST_POINTS = 1_000

interface CurveLabels {
  readonly title: string
  /** Share of laundering transfers: the precision of a model that knows nothing. */
  readonly prevalence: number
}

export function curveSvg(points: readonly CurvePoint[], { title, prevalence }: CurveLabels): string {
  const path = thinned(points).map(({ recall, precision }) => `${x(recall)},${y(precision)}`)
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="13" fill="#222">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text(WIDTH / 2, TOP / 2, title, 'font-size="15" text-anchor="middle"'),
    ...TICKS.flatMap(gridLines),
    text(x(0.5), HEIGHT - BOTTOM / 4, 'recall: share of laundering found', 'text-anchor="middle"'),
    text(
      LEFT / 3,
      y(0.5),
      'precision: share of laundering among found',
      `text-anchor="middle" transform="rotate(-90 ${LEFT / 3} ${y(0.5)})"`,
    ),
    `<path d="M${x(0)},${y(prevalence)}H${x(1)}" stroke="#999" stroke-dasharray="4 4"/>`,
    `<polyline points="${path.join(' ')}" fill="none" stroke="#05c" stroke-width="2"/>`,
    '</svg>',
  ].join('\n')}\n`
}

function gridLines(tick: number): string[] {
  const label = tick.toFixed(1)
  return [
    `<path d="M${x(tick)},${y(0)}V${y(1)}M${x(0)},${y(tick)}H${x(1)}" stroke="#ddd"/>`,
    text(x(tick), HEIGHT - BOTTOM + 20, label, 'text-anchor="middle"'),
    text(LEFT - 8, y(tick), label, 'text-anchor="end" dominant-baseline="middle"'),
  ]
}

function x(recall: number): string {
  return (LEFT + recall * (WIDTH - LEFT - RIGHT)).toFixed(1)
}

function y(precision: number): string {
  return (HEIGHT - BOTTOM - precision * (HEIGHT - TOP - BOTTOM)).toFixed(1)
}

function text(atX: number | string, atY: number | string, content: string, attributes: string): string {
  return `<text x="${atX}" y="${atY}" ${attributes}>${escaped(content)}</text>`
}

/** Also without the characters that XML cannot hold at all; file names may. */
function escaped(content: string): string {
  return content
    .toWellFormed()
    .replaceAll(/[\p{Cc}\ufffe\uffff]/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
}

/** Evenly, and always the last one. */
function thinned(points: readonly CurvePoint[]): readonly CurvePoint[] {
  const step = Math.ceil(points.length / MOST_POINTS)
  return points.filter((_, i) => i % step === 0 || i === points.length - 1)
}
