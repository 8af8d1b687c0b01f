/** How a hold is being decided: the votes by stake, what is missing, and, for whoever may, the vote of this node. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { HoldInfo } from '../../../../client/api.ts'
import type { CaseInfo, OperatorIdentity } from '../../../../client/operator-api.ts'
import { dateTime, duration, listed, share } from '../format.ts'
import { SourceLink } from '../parts/links.ts'
import { StatusMark } from '../parts/status-mark.ts'
import { useLive } from '../parts/use-live.ts'
import { operatorPage } from '../place.ts'
import { RpcError } from '../rpc.ts'
import { decides, lackingBps, tallyOf, type Tally, type VoteSide } from '../tally.ts'
import { describeOutcome, isGood, type VoteOutcome } from '../vote-outcome.ts'
import { VoteDialog } from './vote-dialog.ts'

interface DecisionProps {
  readonly hold: HoldInfo
  /** This node's case, for whoever is signed in. */
  readonly known?: CaseInfo | null
}

export function Decision({ hold, known = null }: DecisionProps): VNode {
  const { validators, session } = useLive()
  const tally = tallyOf(hold.reviews, validators)
  return html`<section class="card" aria-labelledby="decision-title">
    <header>
      <h2 id="decision-title">Decision</h2>
      <${SourceLink} method=${session === null ? 'quarantine_get' : 'review_hold'} />
    </header>
    <${TallyBar} tally=${tally} />
    <${Standing} hold=${hold} tally=${tally} />
    ${known === null ? null : html`<${OwnVotes} known=${known} />`}
    ${session === null
      ? html`<${Elsewhere} hold=${hold} />`
      : html`<${OwnVote} key=${hold.id} hold=${hold} identity=${session.identity} />`}
  </section>`
}

const SIDES = [
  ['release', 'for release'],
  ['return', 'for return'],
  ['none', 'no vote yet'],
] as const

/** All stake as one bar with a mark at the half. The list under it says the same in words. */
function TallyBar({ tally }: { readonly tally: Tally }): VNode {
  const width = (side: keyof Tally): object => ({ width: `${tally[side].shareBps / 100}%` })
  return html`<div class="tally">
    <div class="tally-bar" aria-hidden="true">
      <i class="tally-release" style=${width('release')}></i>
      <i class="tally-none" style=${width('none')}></i>
      <i class="tally-return" style=${width('return')}></i>
      <b class="tally-half"></b>
    </div>
    <dl class="tally-sides">
      ${SIDES.map(
        ([side, title]) =>
          html`<div key=${side}>
            <dt><i class=${`cell tally-${side}`}></i> ${title}</dt>
            <dd>
              <b class="number">${share(tally[side].shareBps)}</b> ${listed(tally[side].names) || 'nobody'}
            </dd>
          </div>`,
      )}
    </dl>
  </div>`
}

/** What is missing, and until when. */
function Standing({ hold, tally }: { readonly hold: HoldInfo; readonly tally: Tally }): VNode {
  if (hold.status !== 'open')
    return html`<p class="standing">
      <${StatusMark} status=${hold.status} /> ${ENDS[hold.status]}${' '}
      ${hold.endedMs === null ? '' : html`<span class="quiet">${dateTime(hold.endedMs)}</span>`}
    </p>`
  const leftMs = Math.max(0, hold.expiresMs - Date.now())
  const onExpiry = hold.onExpiry === 'release' ? 'goes on to the payee' : 'goes back to the payer'
  return html`<p class="standing">
    Whoever has more than half of the stake decides. Release lacks a little more than${' '}
    <b class="number">${share(lackingBps(tally.release))}</b>, return${' '}
    <b class="number">${share(lackingBps(tally.return))}</b
    >${`. Without a decision the payment ${onExpiry} in `} <b class="number">${duration(leftMs)}</b>.
  </p>`
}

const ENDS: Readonly<Record<Exclude<HoldInfo['status'], 'open'>, string>> = {
  released: 'More than half of the stake let it go on to the payee.',
  returned: 'More than half of the stake gave it back to the payer.',
  recalled: 'The payer took it back.',
  confirmed: 'The payer’s guardian let it go on.',
  'expired-returned': 'Nobody decided in time: it went back to the payer.',
  'expired-released': 'Nobody decided in time: it went on to the payee.',
}

/** Whom this node voted for, as its review log has it. */
function OwnVotes({ known: { votes } }: { readonly known: CaseInfo }): VNode | null {
  if (votes.length === 0) return null
  return html`<ul class="notes" aria-label="Votes that this node signed">
    ${votes.map(
      ({ actor, timeMs, side, txId }) =>
        html`<li key=${txId}>
          <b>${actor}</b> <span class="quiet">${dateTime(timeMs)}</span> voted to ${side}${' '}
          <a class="source" href=${`#/tx/${txId}`}>transaction</a>
        </li>`,
    )}
  </ul>`
}

/** On the public port nobody is known, so nobody decides. */
function Elsewhere({ hold: { id, status } }: { readonly hold: HoldInfo }): VNode | null {
  if (status !== 'open') return null
  const commands = html`<code>cordon quarantine release ${id.slice(0, 12)}…</code> or${' '}
    <code>cordon quarantine return …</code>`
  return html`<p class="next">
    ${operatorPage === null
      ? html`Operators decide at the operator port of their node, or with ${commands}.`
      : html`Operators decide${' '}<a href=${`${operatorPage}#/hold/${id}`}>at this node’s operator port</a>,
          with a token, or with ${commands}.`}
    ${' '}The payer may take it back with <code>cordon quarantine recall …</code>
  </p>`
}

function OwnVote({
  hold,
  identity,
}: {
  readonly hold: HoldInfo
  readonly identity: OperatorIdentity
}): VNode {
  const { validators, rpc } = useLive()
  const [asked, setAsked] = useState<VoteSide | null>(null)
  const [isVoting, setVoting] = useState(false)
  const [outcome, setOutcome] = useState<VoteOutcome | null>(null)
  const vote = async (side: VoteSide): Promise<void> => {
    setAsked(null)
    setVoting(true)
    setOutcome(null)
    try {
      setOutcome({ decided: await rpc.call('review_decide', { id: hold.id, side }), side })
    } catch (error) {
      if (!(error instanceof RpcError)) throw error
      setOutcome({ error })
    }
    setVoting(false)
  }
  const hindrance = hindranceOf(hold, identity)
  const reviewers = identity.reviewer?.validators ?? []
  return html`<div class="own-vote">
      ${hindrance === null
        ? html`<p class="actions">
            <button class="primary" disabled=${isVoting} onClick=${() => setAsked('release')}>
              Release …
            </button>
            <button class="primary" disabled=${isVoting} onClick=${() => setAsked('return')}>Return …</button>
            <span class="quiet">You vote as operator of ${listed(reviewers)}.</span>
          </p>`
        : html`<p class="hindrance">${hindrance}</p>`}
      <div aria-live="polite">
        ${isVoting ? html`<p class="told">The vote is on its way …</p>` : null}
        ${outcome === null ? null : html`<${Told} outcome=${outcome} />`}
      </div>
    </div>
    ${asked === null
      ? null
      : html`<${VoteDialog}
          hold=${hold}
          side=${asked}
          voters=${validators.filter(({ name }) => reviewers.includes(name))}
          ends=${decides(asked, hold.reviews, validators, reviewers)}
          onVote=${() => void vote(asked)}
          onCancel=${() => setAsked(null)}
        />`}`
}

/** Why whoever is signed in cannot vote here now, and what to do; null: nothing hinders. */
function hindranceOf(hold: HoldInfo, { token, scope, reviewer }: OperatorIdentity): VNode | null {
  if (hold.status !== 'open') return html`Nothing is left to decide.`
  if (reviewer === null)
    return html`This node has no operator key to vote with. Set <code>review.key_file</code> and${' '}
      <code>review.password_file</code>, or vote where the key is:${' '}
      <code>cordon quarantine release ${hold.id.slice(0, 12)}… --as OPERATOR</code>`
  if (scope === 'read')
    return html`The token ${token} may only read. To decide takes one with scope review:${' '}
      <code>cordon token create NAME --scope review</code>`
  const own = hold.reviews.filter(({ validator }) => reviewer.validators.includes(validator))
  if (own.length < reviewer.validators.length) return null
  return html`${own.map(({ validator, side }) => `${validator} has voted to ${side}`).join(', ')}. A vote
  stands; the operators of the others decide at their own nodes.`
}

/** Takes the focus: the button that was pressed is gone. */
function Told({ outcome }: { readonly outcome: VoteOutcome }): VNode {
  const place = useRef<HTMLParagraphElement>(null)
  useEffect(() => place.current?.focus(), [])
  return html`<p class=${`told told-${isGood(outcome) ? 'good' : 'bad'}`} ref=${place} tabindex="-1">
    ${describeOutcome(outcome)}
  </p>`
}
