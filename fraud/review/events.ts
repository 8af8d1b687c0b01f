/**
 * What is written into the review log: one event for everything that a case, a list or a snooze went through. Accounts,
 * ids and keys are lower-case hex, amounts decimal strings of uCRD, times ms.
 */
import { CordonError } from '../../config/errors.ts'
import { Fields, show, type Refuse } from '../../config/fields.ts'
import { RULES } from '../model/model-spec.ts'
import { REASON } from '../reasons/reasons.ts'
import { REVIEW_LIMITS } from './limits.ts'

export const OUTCOMES = ['confirmed-fraud', 'false-positive', 'inconclusive'] as const
export type Outcome = (typeof OUTCOMES)[number]

/** Why a case was opened: this node's model at one of its two thresholds, a watch entry, or a hold on the ledger. */
export const CAUSES = ['alert', 'flag', 'watch', 'hold'] as const
export type Cause = (typeof CAUSES)[number]

export const ENTRY_KINDS = ['allow', 'watch', 'snooze'] as const
export type EntryKind = (typeof ENTRY_KINDS)[number]

export const HOLD_ENDS = [
  'recalled',
  'released',
  'returned',
  'expired-returned',
  'expired-released',
  'confirmed',
] as const
export type HoldEndName = (typeof HOLD_ENDS)[number]

/** What a vote on a hold is for. */
export const VOTE_SIDES = ['release', 'return'] as const
export type VoteSide = (typeof VOTE_SIDES)[number]

/** What a snooze can name: a rule, what compares with the population, or a reason. */
export const SNOOZABLE: readonly string[] = [
  ...new Set([...RULES.map(({ name }) => name), 'population', ...Object.keys(REASON)]),
]

/** Whom the node itself is called as an actor. No token can have this name: it has a blank. */
export const NODE_ACTOR = 'this node'

export interface TransferRecord {
  readonly txId: string
  readonly action: number
  readonly payer: string
  readonly payee: string
  readonly amount: string
}

/** What this node's model said. */
export interface Judgement {
  /** 0–255. */
  readonly score: number
  readonly reasons: readonly string[]
}

/** A pair of payer and payee, or an account on either side. */
export type Subject =
  | { readonly payer: string; readonly payee: string }
  | { readonly account: string }
  | { readonly rule: string }

export type ReviewBody =
  | { readonly type: 'log.started'; readonly genesisHash: string; readonly publicKey: string }
  | ({
      readonly type: 'case.opened'
      readonly case: string
      readonly cause: Cause
      /** Sentences with numbers, the largest share first. */
      readonly details: readonly string[]
    } & TransferRecord &
      Judgement)
  /** The ledger holds the payment of the case. */
  | { readonly type: 'hold.began'; readonly case: string; readonly expiresMs: number }
  | { readonly type: 'hold.ended'; readonly case: string; readonly how: HoldEndName; readonly atMs: number }
  /** This node signed a vote on the hold, for the token that is the actor. Whether it counted, the ledger says. */
  | { readonly type: 'hold.voted'; readonly case: string; readonly side: VoteSide; readonly txId: string }
  | { readonly type: 'case.noted'; readonly case: string; readonly text: string }
  | {
      readonly type: 'case.closed'
      readonly case: string
      readonly outcome: Outcome
      /** Whether somebody else has to confirm it. */
      readonly needsSecond: boolean
    }
  | { readonly type: 'case.confirmed'; readonly case: string }
  /** What the model said of a transfer that an entry lets pass. */
  | ({ readonly type: 'alert.muted'; readonly entry: number } & TransferRecord & Judgement)
  | ({
      readonly type: 'entry.added'
      readonly kind: EntryKind
      readonly expiresMs: number
      readonly why: string
    } & { readonly subject: Subject })
  | { readonly type: 'entry.removed'; readonly entry: number }

export interface ReviewEvent {
  /** From 0, without gaps. */
  readonly seq: number
  readonly timeMs: number
  /** Name of a token, or `NODE_ACTOR`. */
  readonly actor: string
  readonly body: ReviewBody
}

const MAX_AMOUNT_DIGITS = 20

const refuse: Refuse = (path, expected, got) =>
  new CordonError('review-invalid', `${path}: expected ${expected}, got ${show(got)}`)

/** @throws CordonError `review-invalid` naming the field, what was expected and what came. */
export function parseReviewEvent(value: unknown): ReviewEvent {
  const fields = new Fields(value, '', refuse)
  const event = {
    seq: fields.integer('seq', 0, REVIEW_LIMITS.events),
    timeMs: time(fields, 'timeMs'),
    actor: text(fields, 'actor'),
    body: parseBody(fields.table('body')),
  }
  fields.end()
  return event
}

/** Readers of the fields of each type beside `type`. */
const BODIES: {
  readonly [Type in ReviewBody['type']]: (
    fields: Fields,
  ) => Omit<Extract<ReviewBody, { readonly type: Type }>, 'type'>
} = {
  'log.started': (fields) => ({
    genesisHash: digest(fields, 'genesisHash'),
    publicKey: digest(fields, 'publicKey'),
  }),
  'case.opened': (fields) => ({
    case: digest(fields, 'case'),
    cause: choice(fields, 'cause', CAUSES),
    details: texts(fields, 'details'),
    ...transfer(fields),
    ...judgement(fields),
  }),
  'hold.began': (fields) => ({ case: digest(fields, 'case'), expiresMs: time(fields, 'expiresMs') }),
  'hold.ended': (fields) => ({
    case: digest(fields, 'case'),
    how: choice(fields, 'how', HOLD_ENDS),
    atMs: time(fields, 'atMs'),
  }),
  'hold.voted': (fields) => ({
    case: digest(fields, 'case'),
    side: choice(fields, 'side', VOTE_SIDES),
    txId: digest(fields, 'txId'),
  }),
  'case.noted': (fields) => ({ case: digest(fields, 'case'), text: text(fields, 'text') }),
  'case.closed': (fields) => ({
    case: digest(fields, 'case'),
    outcome: choice(fields, 'outcome', OUTCOMES),
    needsSecond: fields.boolean('needsSecond'),
  }),
  'case.confirmed': (fields) => ({ case: digest(fields, 'case') }),
  'alert.muted': (fields) => ({ entry: entry(fields), ...transfer(fields), ...judgement(fields) }),
  'entry.added': (fields) => ({
    kind: choice(fields, 'kind', ENTRY_KINDS),
    expiresMs: time(fields, 'expiresMs'),
    why: text(fields, 'why'),
    subject: subject(fields.table('subject')),
  }),
  'entry.removed': (fields) => ({ entry: entry(fields) }),
}

function parseBody(fields: Fields): ReviewBody {
  const type = choice(fields, 'type', Object.keys(BODIES) as ReviewBody['type'][])
  const body = { type, ...BODIES[type](fields) } as ReviewBody
  fields.end()
  return body
}

function transfer(fields: Fields): TransferRecord {
  return {
    txId: digest(fields, 'txId'),
    action: fields.integer('action', 0, 255),
    payer: digest(fields, 'payer'),
    payee: digest(fields, 'payee'),
    amount: fields.text('amount', 'a number of uCRD', (value) =>
      value.length <= MAX_AMOUNT_DIGITS && /^(?:0|[1-9]\d*)$/.test(value) ? value : null,
    ),
  }
}

function judgement(fields: Fields): Judgement {
  return { score: fields.integer('score', 0, 255), reasons: texts(fields, 'reasons') }
}

function subject(fields: Fields): Subject {
  const parsed = fields.has('rule')
    ? { rule: choice(fields, 'rule', SNOOZABLE) }
    : fields.has('account')
      ? { account: digest(fields, 'account') }
      : { payer: digest(fields, 'payer'), payee: digest(fields, 'payee') }
  fields.end()
  return parsed
}

function entry(fields: Fields): number {
  return fields.integer('entry', 0, REVIEW_LIMITS.events)
}

function digest(fields: Fields, name: string): string {
  return fields.text(name, '64 hex digits', (value) => (/^[0-9a-f]{64}$/.test(value) ? value : null))
}

function time(fields: Fields, name: string): number {
  return fields.integer(name, 0, Number.MAX_SAFE_INTEGER)
}

function text(fields: Fields, name: string): string {
  return fields.text(name, `a text of 1 to ${REVIEW_LIMITS.textCharacters} characters`, (value) =>
    value !== '' && isShort(value) ? value : null,
  )
}

function texts(fields: Fields, name: string): readonly string[] {
  return fields.list(name, 0, Object.keys(REASON).length).map((value, index) => {
    if (typeof value === 'string' && isShort(value)) return value
    throw refuse(fields.pathOf(`${name}[${index}]`), 'a short text', value)
  })
}

/** Counts code points, as JSON Schema does: what an operator method takes can be read again. */
function isShort(value: string): boolean {
  return (
    value.length <= REVIEW_LIMITS.textCharacters || Array.from(value).length <= REVIEW_LIMITS.textCharacters
  )
}

function choice<Value extends string>(fields: Fields, name: string, choices: readonly Value[]): Value {
  return fields.text(
    name,
    `one of ${choices.join(', ')}`,
    (value) => choices.find((one) => one === value) ?? null,
  )
}
