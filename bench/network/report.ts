/** What the repetitions of a benchmark gave: median and spread of each measure, beside its bars. */
import { spreadOf, type Spread } from '../spread.ts'
import { MEASURES, meets, type Measure } from './measures.ts'

export interface Sample {
  readonly key: string
  readonly value: number
}

export interface Row extends Measure, Spread {
  readonly samples: number
}

/** In the order of `MEASURES`; without those that were not measured. */
export function summary(samples: readonly Sample[]): readonly Row[] {
  return MEASURES.flatMap((measure) => {
    const values = samples.filter(({ key }) => key === measure.key).map(({ value }) => value)
    if (values.length === 0) return []
    return [{ ...measure, ...spreadOf(values), samples: values.length }]
  })
}

/** A table in Markdown. */
export function reportOf(rows: readonly Row[]): string {
  const lines = rows.map((row) => {
    const cells = [row.what, withSpread(row), bar(row, row.must), bar(row, row.goal)]
    return `| ${cells.join(' | ')} |`
  })
  return ['| measure | median | must | goal |', '|---|---|---|---|', ...lines].join('\n')
}

/** A table in Markdown: these rows beside those of another build, measured in turn. */
export function comparisonOf(rows: readonly Row[], others: readonly Row[]): string {
  const lines = rows.flatMap((row) => {
    const other = others.find(({ key }) => key === row.key)
    if (other === undefined) return []
    const cells = [row.what, withSpread(row), withSpread(other), (row.median / other.median).toFixed(2)]
    return [`| ${cells.join(' | ')} |`]
  })
  return ['| measure | this build | the other | ratio |', '|---|---|---|---|', ...lines].join('\n')
}

function withSpread({ median, least, most, samples, unit }: Row): string {
  return `${shown(median)}${samples === 1 ? '' : ` (${shown(least)}–${shown(most)})`} ${unit}`
}

function bar(row: Row, value: number | null): string {
  if (value === null) return ''
  return `${row.wants === 'more' ? '≥' : '≤'} ${shown(value)} ${meets(row, row.median, value) ? 'met' : 'missed'}`
}

/** Three digits that count. */
function shown(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(value >= 1_000 ? 4 : 3))) : '–'
}
