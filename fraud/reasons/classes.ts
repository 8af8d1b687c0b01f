/**
 * What a payer is told: classes of reasons, in words without numbers. Numbers and rules are for reviewers: who knows them
 * stays just below.
 */
import { REASON, type ReasonName } from './reasons.ts'

export interface ReasonClass {
  readonly name: 'takeover' | 'unusual' | 'money-trail'
  readonly text: string
}

const TAKEOVER: ReasonClass = {
  name: 'takeover',
  text: 'it looks as if somebody else might be using the account: much leaves at once, to new payees or in unusual amounts',
}
const UNUSUAL: ReasonClass = {
  name: 'unusual',
  text: 'it is unusual for payer or payee compared with other payments on this network',
}
const TRAIL: ReasonClass = {
  name: 'money-trail',
  text: 'the money seems to be passed on among accounts, or comes from payments that were suspicious themselves',
}

const CLASS_OF: Readonly<Record<ReasonName, ReasonClass | null>> = {
  drain: TAKEOVER,
  burst: TAKEOVER,
  amount: TAKEOVER,
  velocity: UNUSUAL,
  fanIn: UNUSUAL,
  fanOut: UNUSUAL,
  newPayee: UNUSUAL,
  unusual: UNUSUAL,
  passThrough: TRAIL,
  circle: TRAIL,
  trail: TRAIL,
  cheapSum: null, // how it was judged, not why
}

/** The classes of the reasons whose bits are set, each once. */
export function reasonClasses(bits: number): readonly ReasonClass[] {
  const classes = (Object.keys(REASON) as ReasonName[]).flatMap((name) => {
    const found = (bits & REASON[name]) === 0 ? null : CLASS_OF[name]
    return found === null ? [] : [found]
  })
  return [...new Set(classes)]
}
