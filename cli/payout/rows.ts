/** The rows of a payout file: a CSV with a header `payee,amount,reference`. All of them are right, or none is taken. */
import { CordonError } from '../../config/errors.ts'
import { LIMITS } from '../../config/limits.ts'
import { parseCsv, CsvError, type CsvRecord } from '../csv.ts'
import { readTextFile } from '../files.ts'
import type { Names } from '../names.ts'
import { transferTerms, type TransferTerms } from '../transfers.ts'

const COLUMNS = ['payee', 'amount', 'reference'] as const
const OPTIONAL_COLUMN = 'reference'
type Column = (typeof COLUMNS)[number]

export interface PayoutRow {
  /** In the file, from 1; the header stands on the first. */
  readonly line: number
  /** As it is written: a name or an address. */
  readonly payee: string
  /** The reference is the memo. */
  readonly terms: TransferTerms
}

/** What is wrong with one line. */
export interface RowProblem {
  readonly line: number
  readonly problem: string
}

/** Problems that the message shows; the payload has all of them. */
const SHOWN_PROBLEMS = 50

/** @throws CordonError `payout-invalid` with every line that is wrong; `usage` if the file cannot be read. */
export function readPayout(path: string, payer: string, names: Names): readonly PayoutRow[] {
  const text = readTextFile(path, LIMITS.payoutFileBytes)
  try {
    return parsePayout(text, payer, names)
  } catch (error) {
    if (error instanceof PayoutProblems) throw refusal('payout-invalid', path, error.problems)
    throw error
  }
}

/** An error that lists lines of a file. */
export function refusal(
  code: 'payout-invalid' | 'payout-changed',
  path: string,
  problems: readonly RowProblem[],
): CordonError {
  const shown = problems.slice(0, SHOWN_PROBLEMS).map(({ line, problem }) => `  line ${line}: ${problem}`)
  const more = problems.length > shown.length ? [`  and ${problems.length - shown.length} more`] : []
  const what =
    code === 'payout-invalid'
      ? 'nothing was sent, because lines are wrong'
      : 'nothing was sent now, because lines differ from those that an earlier run began to pay; put them back, and what is new below them or into a file of its own'
  return new CordonError(code, [`${path}: ${what}`, ...shown, ...more].join('\n'), { path, problems })
}

class PayoutProblems extends Error {
  readonly problems: readonly RowProblem[]

  constructor(problems: readonly RowProblem[]) {
    super('lines are wrong')
    this.problems = problems
  }
}

function parsePayout(text: string, payer: string, names: Names): PayoutRow[] {
  if (text.includes('\uFFFD')) throw new PayoutProblems([notUtf8(text)])
  const [header, ...records] = recordsOf(text)
  const columns = columnsOf(header)
  if (records.length === 0 || records.length > LIMITS.payoutRows)
    throw new PayoutProblems([
      { line: 1, problem: `expected 1 to ${LIMITS.payoutRows} rows below the header, got ${records.length}` },
    ])
  const rows: PayoutRow[] = []
  const problems: RowProblem[] = []
  for (const record of records) {
    try {
      rows.push(rowOf(record, columns, payer, names))
    } catch (error) {
      if (!(error instanceof CordonError)) throw error
      problems.push({ line: record.line, problem: error.message })
    }
  }
  if (problems.length > 0) throw new PayoutProblems(problems)
  return rows
}

function notUtf8(text: string): RowProblem {
  const line = text.slice(0, text.indexOf('\uFFFD')).split('\n').length
  return { line, problem: 'expected UTF-8, got bytes that are none; save the file as UTF-8' }
}

function recordsOf(text: string): CsvRecord[] {
  try {
    return parseCsv(text)
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    throw new PayoutProblems([{ line: error.line, problem: error.message }])
  }
}

/** The columns in the order of the file. */
function columnsOf(header: CsvRecord | undefined): readonly Column[] {
  const fields = header?.fields ?? []
  const known = fields.filter((field): field is Column => COLUMNS.some((column) => column === field))
  const needed = COLUMNS.filter((column) => column !== OPTIONAL_COLUMN)
  if (
    known.length === fields.length &&
    new Set(known).size === known.length &&
    needed.every((column) => known.includes(column))
  )
    return known
  throw new PayoutProblems([
    {
      line: header?.line ?? 1,
      problem: `expected the header ${COLUMNS.join(',')} (${OPTIONAL_COLUMN} may be left out), got ${JSON.stringify(fields.join(',').slice(0, 80))}`,
    },
  ])
}

function rowOf(
  { line, fields }: CsvRecord,
  columns: readonly Column[],
  payer: string,
  names: Names,
): PayoutRow {
  if (fields.length !== columns.length)
    throw new CordonError(
      'payout-invalid',
      `expected ${columns.length} fields as in the header, got ${fields.length}`,
    )
  const field = (column: Column): string => fields[columns.indexOf(column)] ?? ''
  const payee = field('payee')
  const words = { to: payee, amount: field('amount'), memo: field('reference') }
  return { line, payee, terms: transferTerms(words, payer, names) }
}

/** Lines that pay the same twice: maybe meant, maybe not. */
export function twinsOf(rows: readonly PayoutRow[]): readonly (readonly number[])[] {
  const same = Map.groupBy(rows, ({ terms }) => JSON.stringify([terms.to, terms.amount, terms.memo]))
  return [...same.values()].filter((twins) => twins.length > 1).map((twins) => twins.map(({ line }) => line))
}

/** In uCRD. */
export function totalOf(transfers: readonly TransferTerms[]): bigint {
  return transfers.reduce((sum, { amount }) => sum + BigInt(amount), 0n)
}
