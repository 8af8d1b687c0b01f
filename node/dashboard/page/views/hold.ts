/** One held payment: what it is, why it is held, and how it is being decided. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { HoldInfo } from '../../../../client/api.ts'
import type { HoldReview } from '../../../../client/operator-api.ts'
import { amount, capital, dateTime, duration, listed, share } from '../format.ts'
import { FactList, Pending } from '../parts/facts.ts'
import { Gauge } from '../parts/gauge.ts'
import { AccountLink, HoldLink, SourceLink, TxLink } from '../parts/links.ts'
import { StatusMark } from '../parts/status-mark.ts'
import { useAsked } from '../parts/use-live.ts'
import { isOperatorPort } from '../place.ts'
import { Decision } from './decision.ts'

const REFRESH_MS = 2_000
const HIGHEST_SCORE = 255

interface HoldProps {
  readonly id: string
}

/** As everybody sees it, or, for whoever is signed in, with the numbers of this node. */
export function Hold({ id }: HoldProps): VNode {
  return isOperatorPort ? html`<${ReviewedHold} id=${id} />` : html`<${PublicHold} id=${id} />`
}

function PublicHold({ id }: HoldProps): VNode {
  const { result: hold, error } = useAsked('quarantine_get', { id }, REFRESH_MS)
  if (hold === null) return html`<${NoHold} error=${error} />`
  return html`<${Payment} hold=${hold} />
    <${Opinions} hold=${hold} />
    <${Decision} hold=${hold} />`
}

function ReviewedHold({ id }: HoldProps): VNode {
  const { result: review, error } = useAsked('review_hold', { id }, REFRESH_MS)
  if (review === null) return html`<${NoHold} error=${error} />`
  return html`<${Payment} hold=${review.hold} />
    <${Numbers} review=${review} />
    <${Opinions} hold=${review.hold} />
    <${Decision} hold=${review.hold} known=${review.case} />
    <${Similar} review=${review} />`
}

function NoHold({ error }: { readonly error: unknown }): VNode {
  return html`<section class="card"><${Pending} error=${error} what="the hold" /></section>`
}

function Payment({ hold }: { readonly hold: HoldInfo }): VNode {
  return html`<section class="card" aria-labelledby="title">
    <header>
      <h1 id="title">${amount(hold.amount)} held</h1>
      <${StatusMark} status=${hold.status} />
    </header>
    ${hold.classes.map(
      (each) =>
        html`<p class="lead" key=${each.name}><b>${capital(each.name)}.</b> ${capital(each.text)}.</p>`,
    )}
    <${FactList}
      rows=${[
        ['From', html`<${AccountLink} address=${hold.payer} />`],
        ['To', html`<${AccountLink} address=${hold.payee} />`],
        ['Transaction', html`<${TxLink} id=${hold.txId} />`],
        ['Held since', dateTime(hold.createdMs)],
        hold.endedMs === null
          ? [
              'Ends by itself',
              `${dateTime(hold.expiresMs)}: ${hold.onExpiry === 'release' ? 'goes on to the payee' : 'goes back to the payer'}`,
            ]
          : ['Ended', dateTime(hold.endedMs)],
        [
          'May confirm it',
          hold.guardian === null
            ? html`<span class="quiet">nobody: the payer has no guardian</span>`
            : html`<${AccountLink} address=${hold.guardian} />`,
        ],
        ['Id', html`<span class="id whole">${hold.id}</span>`],
      ]}
    />
  </section>`
}

/** What this node's own model saw: for operators, since whoever knows the numbers can stay below them. */
function Numbers({ review: { details, case: known } }: { readonly review: HoldReview }): VNode {
  return html`<section class="card" aria-labelledby="numbers-title">
    <header>
      <h2 id="numbers-title">Why this node suspects it</h2>
      <${SourceLink} method="review_hold" />
    </header>
    ${details.length === 0
      ? html`<p class="empty">
          This node did not flag it, or does not know the numbers any more. What the others found is below.
        </p>`
      : html`<p class="lead">
            Each number beside what is usual, the largest share of the score
            first${known === null ? '' : ` (${known.score} of ${HIGHEST_SCORE})`}. A score alone proves
            nothing: ask the payer, by a way that was known before.
          </p>
          <ol class="reasons">
            ${details.map(
              ({ feature, text, share: part }) =>
                html`<li key=${feature}>
                  <span>${capital(text)}</span>
                  <span class="reason-share number">
                    <${Gauge} label=${`${percent(part)} of the score`} value=${part} max=${1} />
                    ${' '}${percent(part)}
                  </span>
                </li>`,
            )}
          </ol>`}
    ${known === null || known.notes.length === 0
      ? null
      : html`<ul class="notes" aria-label="Notes of the case">
          ${known.notes.map(
            ({ actor, timeMs, text }) =>
              html`<li key=${timeMs}>
                <b>${actor}</b> <span class="quiet">${dateTime(timeMs)}</span> ${text}
              </li>`,
          )}
        </ul>`}
  </section>`
}

function percent(part: number): string {
  return `${Math.round(100 * part)} %`
}

function Opinions({ hold }: { readonly hold: HoldInfo }): VNode {
  return html`<section class="card" aria-labelledby="opinions-title">
    <header>
      <h2 id="opinions-title">Who flagged it</h2>
      <${SourceLink} method="quarantine_get" />
    </header>
    <p class="lead">${share(hold.flaggedBps)} of the stake flagged it; more than a third holds a payment.</p>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>Validator</th>
            <th>Score</th>
            <th>Reasons</th>
          </tr>
        </thead>
        <tbody>
          ${hold.flaggers.map((flag) => html`<${FlagRow} key=${flag.validator} flag=${flag} />`)}
        </tbody>
      </table>
    </div>
  </section>`
}

function FlagRow({ flag }: { readonly flag: HoldInfo['flaggers'][number] }): VNode {
  return html`<tr>
    <td>${flag.validator}</td>
    <td>
      <${Gauge} label=${`score ${flag.score} of ${HIGHEST_SCORE}`} value=${flag.score} max=${HIGHEST_SCORE} />
      <span class="number"> ${flag.score}</span>
    </td>
    <td class="wrap">${flag.reasons.join(', ')}</td>
  </tr>`
}

function Similar({ review: { similar } }: { readonly review: HoldReview }): VNode | null {
  if (similar === null || similar.length === 0) return null
  return html`<section class="card" aria-labelledby="similar-title">
    <header>
      <h2 id="similar-title">Past holds like it</h2>
      <${SourceLink} method="review_hold" />
    </header>
    <p class="lead">Those with the most reasons in common, and how they ended.</p>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>In common</th>
            <th class="right">Amount</th>
            <th class="right">Score</th>
            <th>Ended</th>
            <th>It was</th>
            <th class="right wide">When</th>
          </tr>
        </thead>
        <tbody>
          ${similar.map(
            (past) => html`<tr key=${past.id}>
              <td><${HoldLink} id=${past.id}>${listed(past.common) || 'nothing'}</${HoldLink}></td>
              <td class="right number">${amount(past.amount)}</td>
              <td class="right number">${past.score}</td>
              <td><${StatusMark} status=${past.end.how} /></td>
              <td>${past.outcome ?? html`<span class="quiet">not closed</span>`}</td>
              <td class="right number wide">${duration(Date.now() - past.openedMs)} ago</td>
            </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`
}
