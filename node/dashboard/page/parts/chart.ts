/** A small chart of uPlot that grows with its place and takes its colours from the page. */
import uPlot from 'uplot'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

const HEIGHT_PX = 150
const LINE_PX = 2

export interface ChartSeries {
  readonly label: string
  /** Name of a colour of the page: `--good`. */
  readonly color: string
  readonly kind: 'line' | 'bars' | 'dots'
}

export interface ChartProps {
  /** What the chart shows, for those who cannot see it. */
  readonly label: string
  readonly series: readonly ChartSeries[]
  /** The first row: x; then one per series. */
  readonly rows: readonly (readonly (number | null)[])[]
  readonly xLabel: (x: number) => string
  readonly yLabel: (y: number) => string
}

export function Chart(props: ChartProps): VNode {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  useEffect(() => {
    const element = place.current
    if (element === null) return
    const make = (): void => {
      plot.current?.destroy()
      plot.current = new uPlot(optionsOf(props, element), dataOf(props), element)
    }
    make()
    const resized = new ResizeObserver(() =>
      plot.current?.setSize({ width: element.clientWidth, height: HEIGHT_PX }),
    )
    resized.observe(element)
    const scheme = window.matchMedia('(prefers-color-scheme: dark)')
    scheme.addEventListener('change', make)
    const themed = new MutationObserver(make)
    themed.observe(document.documentElement, { attributeFilter: ['data-theme'] })
    return () => {
      resized.disconnect()
      themed.disconnect()
      scheme.removeEventListener('change', make)
      plot.current?.destroy()
      plot.current = null
    }
  }, [])
  useEffect(() => plot.current?.setData(dataOf(props)))
  return html`<div class="chart" role="img" aria-label=${props.label} ref=${place}></div>`
}

function dataOf({ rows }: ChartProps): uPlot.AlignedData {
  return rows as unknown as uPlot.AlignedData
}

function optionsOf({ series, xLabel, yLabel }: ChartProps, element: HTMLElement): uPlot.Options {
  // A canvas knows no variables and no pairs of colours: what they come to here is asked of the browser.
  const color = (name: string): string => {
    element.style.color = `var(${name})`
    return getComputedStyle(element).color
  }
  const axis: uPlot.Axis = {
    stroke: color('--quiet'),
    grid: { stroke: color('--line'), width: 1 },
    ticks: { show: false },
    font: `11px ${getComputedStyle(document.body).fontFamily}`,
  }
  return {
    width: element.clientWidth,
    height: HEIGHT_PX,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 8, 0, 0],
    scales: { x: { time: false }, y: { range: (_plot, _min, max) => [0, niceTop(max)] } },
    axes: [
      { ...axis, size: 28, space: 90, grid: { show: false }, values: (_plot, xs) => xs.map(xLabel) },
      { ...axis, size: 52, space: 34, values: (_plot, ys) => ys.map(yLabel) },
    ],
    series: [{}, ...series.map((each) => seriesOf(each, color(each.color)))],
  }
}

function seriesOf({ label, kind }: ChartSeries, stroke: string): uPlot.Series {
  if (kind === 'line') return { label, stroke, width: LINE_PX, points: { show: false } }
  if (kind === 'dots')
    return { label, stroke, paths: () => null, points: { show: true, size: 4, fill: stroke, width: 0 } }
  const bars = uPlot.paths.bars?.({ size: [0.7, 12] })
  return {
    label,
    stroke,
    fill: stroke,
    width: 0,
    points: { show: false },
    ...(bars !== undefined && { paths: bars }),
  }
}

/** A little air above the highest value, and something to see when all are zero. */
function niceTop(max: number | null): number {
  return max === null || max <= 0 ? 1 : max * 1.15
}
