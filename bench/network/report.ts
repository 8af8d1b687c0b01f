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
    const spread = row.samples === 1 ? '' : ` (${shown(row.least)}–${shown(row.most)})`
    const cells = [
      row.what,
      `${shown(row.median)}${spread} ${row.unit}`,
      bar(row, row.must),
      bar(row, row.goal),
    ]
    return `| ${cells.join(' | ')} |`
  })
  return ['| measure | median | must | goal |', '|---|---|---|---|', ...lines].join('\n')
}

function bar(row: Row, value: number | null): string {
  if (value === null) return ''
  return `${row.wants === 'more' ? '≥' : '≤'} ${shown(value)} ${meets(row, row.median, value) ? 'met' : 'missed'}`
}

/** Three digits that count. */
function shown(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(value >= 1_000 ? 4 : 3))) : '–'
}
