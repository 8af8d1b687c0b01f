/** `quarantine cases` and `quarantine case …`. */
import type { CaseInfo } from '../../client/operator-api.ts'
import type { CasesOptions, CloseOptions } from '../commands/review.ts'
import { keystorePaths } from '../context.ts'
import { amount, amountBoth, distance, facts, table, time } from '../format.ts'
import { Names } from '../names.ts'
import { requireOperator } from '../operator.ts'
import type { ReviewOptions } from '../options.ts'
import type { CommandResult } from '../output.ts'

export async function listCases(options: CasesOptions): Promise<CommandResult> {
  const { status, limit } = options
  const { cases, total } = await requireOperator(options).call('review_cases', { status, limit })
  const names = new Names(keystorePaths(options))
  const rest = total > cases.length ? [`${total - cases.length} more: --limit ${total}`] : []
  const text = cases.length === 0 ? `no ${status} cases` : [caseTable(cases, names), ...rest].join('\n')
  return { data: { cases, total }, text }
}

function caseTable(cases: readonly CaseInfo[], names: Names): string {
  return table(
    [
      { title: 'CASE' },
      { title: 'AMOUNT', align: 'right' },
      { title: 'PAYER' },
      { title: 'PAYEE' },
      { title: 'SCORE', align: 'right' },
      { title: 'CAUSE' },
      { title: 'HOLD' },
      { title: 'STATUS' },
      { title: 'REASONS' },
    ],
    cases.map((each) => [
      each.id,
      amount(each.amount),
      names.short(each.payer),
      names.short(each.payee),
      String(each.score),
      each.cause,
      holdWords(each),
      each.outcome === null ? each.status : `${each.status}: ${each.outcome}`,
      each.reasons.join(', '),
    ]),
  )
}

function holdWords({ hold }: CaseInfo): string {
  if (hold === null) return 'not held'
  return hold.end === null ? `ends ${distance(hold.expiresMs, Date.now())}` : hold.end.how
}

export async function showCase(options: ReviewOptions, id: string): Promise<CommandResult> {
  return described(options, await requireOperator(options).call('review_case', { id }))
}

export async function noteCase(options: ReviewOptions, id: string, text: string): Promise<CommandResult> {
  return described(options, await requireOperator(options).call('review_note', { id, text }))
}

export async function closeCase(options: CloseOptions, id: string): Promise<CommandResult> {
  const { outcome, note } = options
  const client = requireOperator(options)
  if (note !== undefined) await client.call('review_note', { id, text: note })
  return described(options, await client.call('review_close', { id, outcome }))
}

export async function confirmCase(options: ReviewOptions, id: string): Promise<CommandResult> {
  return described(options, await requireOperator(options).call('review_confirm', { id }))
}

function described(options: ReviewOptions, info: CaseInfo): CommandResult {
  return { data: info, text: caseText(info, new Names(keystorePaths(options))) }
}

/** All of a case, for people. */
export function caseText(info: CaseInfo, names: Names): string {
  const next =
    info.status === 'closing'
      ? [['next', `somebody with another token: cordon quarantine case confirm ${info.id}`] as const]
      : []
  return facts([
    ['case', info.id],
    ['status', info.status],
    ['outcome', info.outcome === null ? 'none yet' : `${info.outcome}, by ${info.reviewers.join(' and ')}`],
    ...next,
    ['amount', amountBoth(info.amount)],
    ['payer', names.label(info.payer)],
    ['payee', names.label(info.payee)],
    ['transaction', info.txId],
    ['opened', `${time(info.openedMs)} by ${CAUSES[info.cause]}`],
    ['model', `score ${info.score} of 255${info.reasons.length > 0 ? `, ${info.reasons.join(', ')}` : ''}`],
    ...info.details.map((detail) => ['', detail] as const),
    ['hold', holdWords(info)],
    ...info.votes.map(
      ({ actor, timeMs, side, txId }) =>
        ['vote', `${time(timeMs)} ${actor}: ${side}, transaction ${txId}`] as const,
    ),
    ...info.notes.map(({ actor, timeMs, text }) => ['note', `${time(timeMs)} ${actor}: ${text}`] as const),
  ])
}

const CAUSES: Readonly<Record<CaseInfo['cause'], string>> = {
  alert: 'a score at fraud.alert_score',
  flag: 'a flag of this node',
  watch: 'a watch entry',
  hold: 'a hold that others flagged',
}
