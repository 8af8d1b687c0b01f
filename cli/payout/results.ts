/** What is told of a payout: a file with a line for each row, an envelope, a table of what is not settled. */
import { CordonError, EXIT } from '../../config/errors.ts'
import { formatCsvRecord } from '../csv.ts'
import { replaceFile } from '../files.ts'
import { amount, facts, table } from '../format.ts'
import type { CommandResult } from '../output.ts'
import { totalOf, type PayoutRow } from './rows.ts'
import { countStates, exitOfCounts, type RowStanding, type StateCounts } from './standing.ts'

const COLUMNS = ['line', 'payee', 'amount', 'reference', 'state', 'transaction', 'hold', 'error'] as const

/** Rows that the text shows; the file has all of them. */
const SHOWN_ROWS = 20

export interface PayoutReport {
  readonly csv: string
  readonly resultsFile: string
  /** Address that pays. */
  readonly from: string
  readonly rows: readonly PayoutRow[]
  /** One for each row. */
  readonly standings: readonly RowStanding[]
}

/** @throws CordonError `usage` if it cannot be written. */
export function writeResults({ resultsFile, rows, standings }: PayoutReport): void {
  const records = rows.map(({ line, payee, terms }, index) => {
    const { state, txId, holdId, error } = standings[index] as RowStanding
    return [
      String(line),
      payee,
      amount(terms.amount),
      terms.memo,
      state,
      txId ?? '',
      holdId ?? '',
      error ?? '',
    ]
  })
  replaceFile(resultsFile, [COLUMNS, ...records].map(formatCsvRecord).join(''))
}

export function describeReport(report: PayoutReport): CommandResult {
  const { csv, resultsFile, from, rows, standings } = report
  const states = countStates(standings)
  const exit = exitOfCounts(states)
  const total = totalOf(rows.map(({ terms }) => terms))
  const payments = rows.map(({ line, payee, terms }, index) => ({
    line,
    payee,
    to: terms.to,
    amount: terms.amount,
    reference: terms.memo,
    ...(standings[index] as RowStanding),
  }))
  const error = errorOf(exit, states, csv)
  return {
    data: {
      file: csv,
      results: resultsFile,
      from,
      rows: rows.length,
      total: String(total),
      states,
      payments,
    },
    text: [
      headline(states),
      facts([
        ['total', amount(String(total))],
        ['each row', resultsFile],
      ]),
      ...unsettled(report),
    ].join('\n'),
    exit,
    ...(error === null ? {} : { error }),
  }
}

function headline(states: StateCounts): string {
  const parts = Object.entries(states).filter(([, count]) => count > 0)
  return parts.map(([state, count]) => `${count} ${state}`).join(', ')
}

function unsettled({ rows, standings }: PayoutReport): string[] {
  const open = rows.flatMap(({ line, payee, terms }, index) => {
    const { state, holdId, error } = standings[index] as RowStanding
    if (state === 'settled') return []
    const why = [holdId === null ? null : `hold ${holdId}`, error].filter((part) => part !== null)
    return [[String(line), payee, amount(terms.amount), state, why.join(': ')]]
  })
  if (open.length === 0) return []
  const more = open.length > SHOWN_ROWS ? [`and ${open.length - SHOWN_ROWS} more`] : []
  return [
    table(
      [
        { title: 'LINE', align: 'right' },
        { title: 'PAYEE' },
        { title: 'AMOUNT', align: 'right' },
        { title: 'STATE' },
        { title: 'WHY' },
      ],
      open.slice(0, SHOWN_ROWS),
    ),
    ...more,
  ]
}

function errorOf(exit: number, states: StateCounts, csv: string): CordonError | null {
  const unpaid = states.failed + states.expired + states.returned
  if (exit === EXIT.outcomeUnknown)
    return new CordonError(
      'outcome-unknown',
      `${states.pending} rows are not paid yet or not known to be; run again to go on: no row is paid twice`,
      { path: csv, states },
    )
  if (exit === EXIT.partlyDone || exit === EXIT.rejected)
    return new CordonError(
      'tx-failed',
      `${unpaid} rows are not paid; run again to pay those that failed or expired`,
      { path: csv, states },
    )
  return null
}
