/**
 * Labelled payments as CSV, the input of an evaluation: a header, then one payment per line, in order of time.
 *
 *     time,kind,from,to,amount,is_sar[,pattern_id,pattern_type][,…]
 *
 * Columns are found by name; others are left alone. `time` is ISO in UTC, `amount` has up to two decimals, one unit is
 * 1 CRD. `is_sar` is 1 for laundering. What pattern a transfer belongs to is for reports and never reaches a model.
 *
 * The file is read as a stream: what is kept of it between two pieces is less than one line.
 */
import { CordonError } from '../../config/errors.ts'
import { MAX_AMOUNT_UNITS } from '../../config/amount.ts'
import { FRAUD_LIMITS } from '../limits.ts'

/** Where income comes from, and where spending goes. */
export const OUTSIDE_SOURCE = '-2'
export const OUTSIDE_SINK = '-1'

export type RowKind = 'opening' | 'income' | 'spend' | 'transfer'

export interface LabelledRow {
  /** In the file; the header is line 1. */
  readonly line: number
  readonly timeMs: number
  readonly kind: RowKind
  readonly from: string
  readonly to: string
  /** In uCRD. */
  readonly amount: bigint
  readonly laundering: boolean
  /** Type of the pattern that the transfer belongs to; null: none, or no such column. */
  readonly patternType: string | null
}

const REQUIRED = ['time', 'kind', 'from', 'to', 'amount', 'is_sar'] as const
const PATTERN_TYPE = 'pattern_type'

type ColumnName = (typeof REQUIRED)[number]

/** Position of each column. */
interface Columns extends Readonly<Record<ColumnName, number>> {
  readonly count: number
  readonly patternType: number | null
}

/** Which ends of a payment lie outside. */
const OUTSIDE_ENDS: Readonly<Record<RowKind, { readonly from?: string; readonly to?: string }>> = {
  opening: { from: OUTSIDE_SOURCE },
  income: { from: OUTSIDE_SOURCE },
  spend: { to: OUTSIDE_SINK },
  transfer: {},
}

const TIME = /^(\d{4}-\d\d-\d\d)T([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d{3}))?Z?$/
const AMOUNT = /^(\d{1,13})(?:\.(\d{1,2}))?$/
const ACCOUNT = /^[\w.:-]{1,64}$/
const CENTS = 100n
const UNITS_PER_CENT = 10_000n
/** Control characters, invisible ones, and what a decoder puts where bytes are no text: names are shown on terminals. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\ufffd]/u
const SHOWN_CHARACTERS = 80

export class LabelledRowReader {
  readonly #name: string
  readonly #maxRows: number
  readonly #decoder = new TextDecoder()
  #rest = ''
  #line = 0
  #rows = 0
  #columns: Columns | null = null
  #lastMs = -Infinity
  /** Midnight of the day read last: a file has few days and many rows. */
  #day: { readonly text: string; readonly startMs: number } = { text: '', startMs: 0 }

  /** @param name what messages call the file. */
  constructor(name: string, maxRows: number = FRAUD_LIMITS.labelledRows) {
    this.#name = name
    this.#maxRows = maxRows
  }

  /**
   * The rows that `bytes` completes.
   * @throws CordonError `labelled-file-invalid`, with the line, what was expected and what came.
   */
  push(bytes: Uint8Array): LabelledRow[] {
    return this.#take(this.#decoder.decode(bytes, { stream: true }))
  }

  /**
   * The last row, if the file does not end with a line end.
   * @throws CordonError `labelled-file-invalid`, also if there was nothing but a header.
   */
  end(): LabelledRow[] {
    const rows = this.#take(this.#decoder.decode())
    if (this.#rest !== '') rows.push(...this.#lineOf(this.#rest))
    if (this.#columns === null) throw this.#invalid(1, `expected a header with ${REQUIRED.join(', ')}`, '')
    if (this.#rows === 0) throw this.#invalid(2, 'expected rows below the header', '')
    return rows
  }

  #take(text: string): LabelledRow[] {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    const rows = lines.flatMap((line) => this.#lineOf(line))
    if (this.#rest.length > FRAUD_LIMITS.labelledLineCharacters) throw this.#tooLong(this.#line + 1)
    return rows
  }

  /** No row for the header. */
  #lineOf(text: string): LabelledRow[] {
    this.#line++
    const line = text.endsWith('\r') ? text.slice(0, -1) : text
    if (line.length > FRAUD_LIMITS.labelledLineCharacters) throw this.#tooLong(this.#line)
    if (UNPRINTABLE.test(line))
      throw this.#invalid(this.#line, 'expected printable text in UTF-8 (a packed file is named .gz)', line)
    if (line.includes('"')) throw this.#invalid(this.#line, 'expected fields without quotes', line)
    const fields = line.split(',')
    if (this.#columns === null) {
      this.#columns = this.#header(fields)
      return []
    }
    return [this.#row(fields, this.#columns)]
  }

  #header(names: readonly string[]): Columns {
    const missing = REQUIRED.filter((name) => !names.includes(name))
    const twice = names.find((name, i) => names.indexOf(name) !== i)
    if (missing.length > 0 || twice !== undefined) {
      const problem =
        missing.length > 0 ? `${missing.join(', ')} missing` : `${JSON.stringify(twice)} more than once`
      throw this.#invalid(1, `expected a header with ${REQUIRED.join(', ')} (${problem})`, names.join(','))
    }
    const positions = Object.fromEntries(REQUIRED.map((name) => [name, names.indexOf(name)]))
    const patternType = names.indexOf(PATTERN_TYPE)
    return {
      ...(positions as Record<ColumnName, number>),
      count: names.length,
      patternType: patternType < 0 ? null : patternType,
    }
  }

  #row(fields: readonly string[], columns: Columns): LabelledRow {
    if (fields.length !== columns.count)
      throw this.#invalid(
        this.#line,
        `expected ${columns.count} fields, ${fields.length} came`,
        fields.join(','),
      )
    if (++this.#rows > this.#maxRows)
      throw this.#invalid(this.#line, `expected at most ${this.#maxRows} rows`, 'one more')
    const field = (name: ColumnName): string => fields[columns[name]] as string
    const kind = this.#kind(field('kind'))
    const laundering = this.#label(field('is_sar'), kind)
    const patternType = columns.patternType === null ? '' : (fields[columns.patternType] as string)
    return {
      line: this.#line,
      timeMs: this.#time(field('time')),
      kind,
      from: this.#account('from', field('from'), kind),
      to: this.#account('to', field('to'), kind),
      amount: this.#amount(field('amount')),
      laundering,
      patternType: patternType === '' ? null : patternType,
    }
  }

  #kind(text: string): RowKind {
    if (Object.hasOwn(OUTSIDE_ENDS, text)) return text as RowKind
    throw this.#invalid(this.#line, `expected kind ${Object.keys(OUTSIDE_ENDS).join(', ')}`, text)
  }

  #label(text: string, kind: RowKind): boolean {
    if (text === '0') return false
    if (text !== '1') throw this.#invalid(this.#line, 'expected is_sar 0 or 1', text)
    if (kind !== 'transfer')
      throw this.#invalid(this.#line, 'expected is_sar 1 of transfers only', `${kind} with is_sar 1`)
    return true
  }

  #time(text: string): number {
    const match = TIME.exec(text)
    const timeMs =
      match === null
        ? NaN
        : this.#midnight(match[1] as string) +
          1_000 * (3_600 * Number(match[2]) + 60 * Number(match[3]) + Number(match[4])) +
          Number(match[5] ?? 0)
    if (Number.isNaN(timeMs))
      throw this.#invalid(this.#line, 'expected time as ISO in UTC such as 2023-01-31T23:59:59', text)
    if (timeMs < this.#lastMs) {
      const before = new Date(this.#lastMs).toISOString()
      throw this.#invalid(this.#line, `expected rows in order of time, so none before ${before}`, text)
    }
    this.#lastMs = timeMs
    return timeMs
  }

  /** NaN if there is no such day. */
  #midnight(day: string): number {
    if (day !== this.#day.text) {
      const startMs = Date.parse(`${day}T00:00:00Z`)
      // Engines take the 31st of a short month for the first of the next.
      if (Number.isNaN(startMs) || !new Date(startMs).toISOString().startsWith(day)) return NaN
      this.#day = { text: day, startMs }
    }
    return this.#day.startMs
  }

  #account(end: 'from' | 'to', text: string, kind: RowKind): string {
    const outside = OUTSIDE_ENDS[kind][end]
    if (outside !== undefined) {
      if (text !== outside) throw this.#invalid(this.#line, `expected ${end} ${outside} of ${kind}`, text)
    } else if (!ACCOUNT.test(text) || text === OUTSIDE_SOURCE || text === OUTSIDE_SINK) {
      throw this.#invalid(this.#line, `expected an account as ${end} of ${kind}`, text)
    }
    return text
  }

  #amount(text: string): bigint {
    const match = AMOUNT.exec(text)
    const cents =
      match === null ? 0n : BigInt(match[1] as string) * CENTS + BigInt((match[2] ?? '').padEnd(2, '0'))
    const units = cents * UNITS_PER_CENT
    if (units === 0n || units > MAX_AMOUNT_UNITS)
      throw this.#invalid(this.#line, 'expected an amount above 0 with at most two decimals', text)
    return units
  }

  #tooLong(line: number): CordonError {
    const most = FRAUD_LIMITS.labelledLineCharacters
    return this.#invalid(line, `expected lines of at most ${most} characters`, 'a longer one')
  }

  #invalid(line: number, expected: string, got: string): CordonError {
    const shown = got === '' ? 'nothing' : JSON.stringify(printable(got.slice(0, SHOWN_CHARACTERS)))
    return new CordonError(
      'labelled-file-invalid',
      `${this.#name}, line ${line}: ${expected}, got ${shown}`,
      {
        file: this.#name,
        line,
      },
    )
  }
}

function printable(text: string): string {
  return text.replaceAll(new RegExp(UNPRINTABLE, 'gu'), '\ufffd')
}
