/** The operator methods about cases, lists and the review log. */
import type {
  CaseInfo,
  EntryInfo,
  EntrySubject,
  OperatorMethod,
  SimilarHold,
} from '../../client/operator-api.ts'
import { CordonError } from '../../config/errors.ts'
import { LIMITS } from '../../config/limits.ts'
import { covers } from '../../config/scopes.ts'
import { decodeAddress, encodeAddress } from '../../crypto/address.ts'
import { fromHex, toHex } from '../../crypto/bytes.ts'
import type { EntryKind, Subject } from '../../fraud/review/events.ts'
import type { ListEntry } from '../../fraud/review/policy.ts'
import { caseOf } from '../../fraud/review/rules.ts'
import { similarHolds } from '../../fraud/review/similar.ts'
import type { ReviewCase, ReviewState } from '../../fraud/review/state.ts'
import type { OperatorServiceOptions } from '../operator-service.ts'
import type { OperatorService } from '../rpc/operator-server.ts'
import { transferKey } from '../transfers.ts'

type ReviewMethods = Pick<OperatorService, Extract<OperatorMethod, `review_${string}`>>

/** Cases and lines in one answer, if the call does not say. */
const DEFAULT_ITEMS = 100

export function createReviewMethods(options: OperatorServiceOptions): ReviewMethods {
  const { review, prefix, scorer, hold, decisions } = options
  const info = (found: ReviewCase): CaseInfo => caseInfo(found, prefix)
  return {
    review_hold: async ({ id }, context) => {
      const known = review.state.case(id)
      const held = await hold(id, context)
      const key = known === null ? null : transferKey(fromHex(known.txId), known.action)
      return {
        hold: held,
        details: (key === null ? null : scorer.details(key))?.details ?? [],
        case: known === null ? null : info(known),
        similar: covers(context.token.scope, 'review') ? similarTo(known, review.state) : null,
      }
    },
    review_decide: (vote, context) => decisions.decide(context.token.name, vote, context),
    review_cases: async ({ status = 'open', limit = DEFAULT_ITEMS }) => {
      const all = status === 'open' ? review.state.queue() : review.state.closed()
      return { cases: all.slice(0, limit).map(info), total: all.length }
    },
    review_case: async ({ id }) => info(caseOf(review.state, id)),
    review_note: async ({ id, text }, { token }) => info(await review.note(token.name, id, text)),
    review_close: async ({ id, outcome }, { token }) => info(await review.closeCase(token.name, id, outcome)),
    review_confirm: async ({ id }, { token }) => info(await review.confirmCase(token.name, id)),
    review_entries: async () => ({
      entries: review.state.lists.inForce(Date.now()).map((entry) => entryInfo(entry, prefix)),
    }),
    review_addEntry: async ({ kind, why, forMs, ...subject }, { token }) => {
      const entry = { kind, why, expiresMs: Date.now() + forMs, subject: subjectOf(kind, subject, prefix) }
      return entryInfo(await review.addEntry(token.name, entry), prefix)
    },
    review_removeEntry: async ({ entry }, { token }) => {
      await review.removeEntry(token.name, entry)
      return true
    },
    review_export: async ({ since = 0, limit = LIMITS.rpcPageItems }) => {
      const lines = await review.lines(since, limit)
      return { lines, next: since + lines.length, events: review.state.events }
    },
  }
}

function caseInfo(found: ReviewCase, prefix: string): CaseInfo {
  const { action: _action, payer, payee, ...rest } = found
  return {
    ...rest,
    payer: encodeAddress(prefix, fromHex(payer)),
    payee: encodeAddress(prefix, fromHex(payee)),
  }
}

function similarTo(known: ReviewCase | null, state: ReviewState): readonly SimilarHold[] {
  if (known === null) return []
  return similarHolds(known, state.cases()).map(({ past, common }) => {
    const { id, openedMs, amount, score, reasons, hold, outcome } = past
    return { id, openedMs, amount, score, reasons, common, end: hold.end, outcome }
  })
}

function entryInfo({ seq, kind, why, actor, expiresMs, subject }: ListEntry, prefix: string): EntryInfo {
  const accounts = Object.entries(subject).map(([name, value]: [string, string]) => [
    name,
    name === 'rule' ? value : encodeAddress(prefix, fromHex(value)),
  ])
  return { entry: seq, kind, why, actor, expiresMs, ...(Object.fromEntries(accounts) as EntrySubject) }
}

/** @throws CordonError `rpc-invalid` if it is not about one thing, `address-invalid`. */
function subjectOf(kind: EntryKind, { payer, payee, account, rule }: EntrySubject, prefix: string): Subject {
  const id = (address: string): string => toHex(decodeAddress(prefix, address))
  const given = [payer, payee, account, rule].filter((each) => each !== undefined).length
  if (kind === 'snooze' && rule !== undefined && given === 1) return { rule }
  if (kind !== 'snooze' && account !== undefined && given === 1) return { account: id(account) }
  if (kind !== 'snooze' && payer !== undefined && payee !== undefined && given === 2)
    return { payer: id(payer), payee: id(payee) }
  throw new CordonError(
    'rpc-invalid',
    kind === 'snooze'
      ? 'a snooze is about a rule'
      : `an entry of ${kind} is about payer and payee, or about an account`,
  )
}
