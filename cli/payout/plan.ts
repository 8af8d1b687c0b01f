/**
 * What a payout has begun to pay, beside its file: `pay.csv` has the folder `pay.payout`. In it:
 *
 *   plan.<part>.json    the rows, in the order of the file; rows that were appended later are a further part
 *   <chunk>.<n>.tx      attempt n at the transaction of a chunk (`attempts.ts`)
 *
 * Rows `(i − 1) · rowsPerTx + 1` to `i · rowsPerTx` of a part are one transaction, always the same one, so that a row
 * can only be paid by attempts at that. A transfer that the validators find suspicious goes into a hold alone and the
 * others of its transaction settle (docs/spec/ledger.md); only what makes the whole transaction fail, a balance that is
 * too small, touches the others, and then none of them has moved.
 */
import { join } from 'node:path'
import { CordonError } from '../../config/errors.ts'
import { Fields, show } from '../../config/fields.ts'
import { LIMITS } from '../../config/limits.ts'
import { writeOnce } from '../../crypto/write-once.ts'
import { amount as shownAmount } from '../format.ts'
import type { TransferTerms } from '../transfers.ts'
import { damaged, keptText } from './files.ts'
import { refusal, type PayoutRow, type RowProblem } from './rows.ts'

const FORMAT = 'cordon-payout/1'
const ADDRESS_FORM = /^[a-z0-9]{1,90}$/

/** Whose money, on which chain. */
export interface PayoutOrigin {
  /** Id of the chain, hex. */
  readonly chain: string
  /** Address that pays. */
  readonly from: string
}

interface PlanPart extends PayoutOrigin {
  readonly rowsPerTx: number
  readonly rows: readonly PayoutRow[]
}

/** Parts of one origin, in order. */
export type Plan = readonly PlanPart[]

/** The rows of one transaction. */
export interface Chunk {
  /** From 1, over all parts. */
  readonly number: number
  /** Index of its first row among all. */
  readonly firstRow: number
  readonly transfers: readonly TransferTerms[]
}

/** What an earlier run wrote; no parts if there was none. @throws CordonError `config-invalid` if it is damaged. */
export function readPlan(folder: string): Plan {
  const parts: PlanPart[] = []
  for (;;) {
    const path = partPath(folder, parts.length + 1)
    const text = keptText(path)
    if (text === null) return parts
    parts.push(parsePlanPart(text, path))
  }
}

/**
 * The plan with the rows that the file has beyond it. Nothing is written.
 * @throws CordonError `payout-changed` if the file has other rows in place of those planned, or another origin.
 */
export function withAppended(
  plan: Plan,
  origin: PayoutOrigin,
  rows: readonly PayoutRow[],
  csv: string,
): Plan {
  requireOrigin(plan, origin, csv)
  const planned = plan.flatMap((part) => part.rows)
  const changes = changesOf(planned, rows)
  if (changes.length > 0) throw refusal('payout-changed', csv, changes)
  const appended = rows.slice(planned.length)
  if (appended.length === 0) return plan
  return [...plan, { ...origin, rowsPerTx: LIMITS.payoutRowsPerTx, rows: appended }]
}

/** Makes the parts that are not on the disk yet durable. @throws CordonError `payout-changed` if another run was first. */
export function writePlan(folder: string, plan: Plan, csv: string): void {
  for (const [index, part] of plan.entries()) {
    const path = partPath(folder, index + 1)
    const text = serialisePlanPart(part)
    if (!writeOnce(path, text) && keptText(path) !== text)
      throw new CordonError(
        'payout-changed',
        `${csv}: another run began to pay other rows at the same moment; run again`,
        { path: csv },
      )
  }
}

export function chunksOf(plan: Plan): readonly Chunk[] {
  const chunks: Chunk[] = []
  let firstRow = 0
  for (const { rows, rowsPerTx } of plan) {
    for (let start = 0; start < rows.length; start += rowsPerTx) {
      const transfers = rows.slice(start, start + rowsPerTx).map(({ terms }) => terms)
      chunks.push({ number: chunks.length + 1, firstRow, transfers })
      firstRow += transfers.length
    }
  }
  return chunks
}

function requireOrigin(plan: Plan, { chain, from }: PayoutOrigin, csv: string): void {
  const [first] = plan
  if (first === undefined || (first.chain === chain && first.from === from)) return
  const what =
    first.from === from
      ? `on chain ${first.chain}, and the node is of chain ${chain}`
      : `from ${first.from}, and --from is ${from}`
  throw new CordonError(
    'payout-changed',
    `${csv}: an earlier run began to pay it ${what}; to pay it anew under another name, copy the file`,
    { path: csv },
  )
}

/** Lines and spellings of payees may change; whom they mean, how much and the reference may not. */
function changesOf(planned: readonly PayoutRow[], rows: readonly PayoutRow[]): RowProblem[] {
  return planned.flatMap(({ line, terms }, index) => {
    const row = rows[index]
    if (row === undefined) return [{ line, problem: `was ${describe(terms)}, is gone` }]
    if (describe(row.terms) === describe(terms)) return []
    return [{ line: row.line, problem: `was ${describe(terms)}, is ${describe(row.terms)}` }]
  })
}

function describe({ to, amount, memo }: TransferTerms): string {
  return `${shownAmount(amount)} to ${to}${memo === '' ? '' : `, reference ${JSON.stringify(memo)}`}`
}

function partPath(folder: string, part: number): string {
  return join(folder, `plan.${part}.json`)
}

function serialisePlanPart({ chain, from, rowsPerTx, rows }: PlanPart): string {
  const flat = rows.map(({ line, payee, terms }) => ({ line, payee, ...terms }))
  return `${JSON.stringify({ format: FORMAT, chain, from, rowsPerTx, rows: flat }, null, 1)}\n`
}

/** @throws CordonError `config-invalid`. */
export function parsePlanPart(text: string, path: string): PlanPart {
  const refuse = (where: string, expected: string, got: unknown): CordonError =>
    damaged(path, `${where}: expected ${expected}, got ${show(got)}`)
  const part = new Fields(jsonOf(text, path), '', refuse)
  part.constant('format', FORMAT)
  const chain = part.matching('chain', '16 hex digits', /^[0-9a-f]{16}$/)
  const from = part.matching('from', 'an address', ADDRESS_FORM)
  const rowsPerTx = part.integer('rowsPerTx', 1, LIMITS.actionsPerTx)
  const rows = part
    .list('rows', 1, LIMITS.payoutRows)
    .map((value, index) => parsePlanRow(new Fields(value, `rows[${index}]`, refuse)))
  part.end()
  return { chain, from, rowsPerTx, rows }
}

function parsePlanRow(fields: Fields): PayoutRow {
  const row = {
    line: fields.integer('line', 1, LIMITS.payoutFileBytes),
    payee: fields.text('payee', 'a text', (text) => text),
    terms: {
      to: fields.matching('to', 'an address', ADDRESS_FORM),
      amount: fields.matching('amount', 'a number of uCRD', /^[1-9]\d{0,18}$/),
      memo: fields.text('memo', 'a text', (text) => text),
    },
  }
  fields.end()
  return row
}

function jsonOf(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw damaged(path, (error as Error).message)
  }
}
