/** `quarantine list` and `show`. */
import type { HoldInfo } from '../../client/api.ts'
import type { HoldReason, HoldReview, SimilarHold } from '../../client/operator-api.ts'
import { isUnreachable } from '../../client/reachable.ts'
import { CordonError } from '../../config/errors.ts'
import { keystorePaths, withNode } from '../context.ts'
import { amount, amountBoth, distance, facts, percent, table, time } from '../format.ts'
import { Names } from '../names.ts'
import { operatorAtHand } from '../operator.ts'
import type { KeystoreOptions, ReviewOptions } from '../options.ts'
import { note, type CommandResult } from '../output.ts'
import { caseText } from './cases.ts'

interface ListOptions extends KeystoreOptions {
  readonly status: 'open' | 'ended'
  readonly limit: number
  readonly cursor?: string
}

export async function list(options: ListOptions): Promise<CommandResult> {
  const names = new Names(keystorePaths(options))
  const { status, limit, cursor } = options
  const page = await withNode(options, (client) =>
    client.call('quarantine_list', { status, limit, ...(cursor === undefined ? {} : { cursor }) }),
  )
  const more = page.cursor === null ? [] : [`more: --cursor ${page.cursor}`]
  const text =
    page.items.length === 0 ? `no ${status} holds` : [holdTable(page.items, names), ...more].join('\n')
  return { data: { holds: page.items, cursor: page.cursor }, text }
}

function holdTable(holds: readonly HoldInfo[], names: Names): string {
  const nowMs = Date.now()
  return table(
    [
      { title: 'HOLD' },
      { title: 'AMOUNT', align: 'right' },
      { title: 'PAYER' },
      { title: 'PAYEE' },
      { title: 'FLAGGED BY', align: 'right' },
      { title: 'ENDS' },
      { title: 'REASONS' },
    ],
    holds.map((hold) => [
      hold.id,
      amount(hold.amount),
      names.short(hold.payer),
      names.short(hold.payee),
      percent(hold.flaggedBps),
      hold.status === 'open' ? distance(hold.expiresMs, nowMs) : hold.status,
      hold.reasons.join(', '),
    ]),
  )
}

/** With a token at hand also the numbers behind the flag of its node, and the case. */
export async function show(options: ReviewOptions, id: string): Promise<CommandResult> {
  const names = new Names(keystorePaths(options))
  const review = await reviewAtHand(options, id)
  const hold = review?.hold ?? (await withNode(options, (client) => client.call('quarantine_get', { id })))
  const { details = [], case: known = null, similar = null } = review ?? {}
  const parts = [
    describe(hold, names),
    ...(details.length === 0 ? [] : [detailTable(details)]),
    ...(known === null ? [] : [caseText(known, names)]),
    ...(similar === null || similar.length === 0 ? [] : [similarTable(similar)]),
  ]
  return { data: { ...hold, details, case: known, similar }, text: parts.join('\n\n') }
}

/** Null: no operator methods are at hand, or they cannot be used; the hold itself is public. */
async function reviewAtHand(options: ReviewOptions, id: string): Promise<HoldReview | null> {
  try {
    return (await operatorAtHand(options)?.call('review_hold', { id })) ?? null
  } catch (error) {
    if (!isPublicOnly(error)) throw error
    note(`what only operators see is left out: ${error.message}`)
    return null
  }
}

function isPublicOnly(error: unknown): error is CordonError {
  return isUnreachable(error) || (error instanceof CordonError && NOT_ALLOWED.includes(error.code))
}

const NOT_ALLOWED: readonly string[] = ['unauthorized', 'forbidden']

function describe(hold: HoldInfo, names: Names): string {
  return facts([
    ['hold', hold.id],
    ['status', hold.endedMs === null ? hold.status : `${hold.status} at ${time(hold.endedMs)}`],
    ['amount', amountBoth(hold.amount)],
    ['payer', names.label(hold.payer)],
    ['payee', names.label(hold.payee)],
    ['transaction', hold.txId],
    ['made', time(hold.createdMs)],
    [
      'expires',
      `${time(hold.expiresMs)} (${distance(hold.expiresMs, Date.now())}), then ${hold.onExpiry === 'return' ? 'back to the payer' : 'on to the payee'}`,
    ],
    ...hold.classes.map(({ text }) => ['because', text] as const),
    ['flagged by', `${percent(hold.flaggedBps)} of the stake`],
    ...hold.flaggers.map(
      ({ validator, score, reasons }) =>
        [
          '',
          `${validator}: score ${score} of 255${reasons.length > 0 ? `, ${reasons.join(', ')}` : ''}`,
        ] as const,
    ),
    ['guardian', hold.guardian === null ? 'none: nobody can confirm it alone' : names.label(hold.guardian)],
    [
      'reviews',
      hold.reviews.length === 0
        ? 'none yet'
        : hold.reviews.map(({ validator, side }) => `${validator}: ${side}`).join(', '),
    ],
  ])
}

function detailTable(details: readonly HoldReason[]): string {
  return table(
    [
      { title: 'WHY, AS THIS NODE SAW IT' },
      { title: 'VALUE', align: 'right' },
      { title: 'USUAL', align: 'right' },
      { title: 'SHARE', align: 'right' },
    ],
    details.map((detail) => [
      detail.text,
      number(detail.value),
      usualWords(detail),
      percent(Math.round(detail.share * 10_000)),
    ]),
  )
}

function similarTable(similar: readonly SimilarHold[]): string {
  return table(
    [
      { title: 'SIMILAR HOLD' },
      { title: 'OPENED' },
      { title: 'AMOUNT', align: 'right' },
      { title: 'SCORE', align: 'right' },
      { title: 'REASONS IN COMMON' },
      { title: 'ENDED' },
      { title: 'OUTCOME' },
    ],
    similar.map((past) => [
      past.id,
      time(past.openedMs),
      amount(past.amount),
      String(past.score),
      past.common.join(', '),
      past.end.how,
      past.outcome ?? 'none yet',
    ]),
  )
}

function usualWords({ usual, usualRange }: HoldReason): string {
  if (usual === null) return '-'
  if (usualRange === null) return number(usual)
  const { from, to, of } = usualRange
  const range = `${number(usual)} (${number(from)} to ${number(to)}`
  return of === 'account' ? `${range})` : `${range} on this network)`
}

function number(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toPrecision(3)
}
