/** Held payments: the queue, and one of them with why it is held. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import type { HoldInfo } from '../../../../client/api.ts'
import { amount, capital, dateTime, duration, share } from '../format.ts'
import { FactList, Pending } from '../parts/facts.ts'
import { AccountLink, HoldLink, SourceLink, TxLink } from '../parts/links.ts'
import { StatusMark } from '../parts/status-mark.ts'
import { useAsked } from '../parts/use-live.ts'

const REFRESH_MS = 2_000
const PAGE = 100
const HIGHEST_SCORE = 255

export function Holds(): VNode {
  const [status, setStatus] = useState<'open' | 'ended'>('open')
  const { result, error } = useAsked('quarantine_list', { status, limit: PAGE }, REFRESH_MS)
  const tab = (name: 'open' | 'ended', title: string): VNode =>
    html`<button aria-pressed=${status === name} onClick=${() => setStatus(name)}>${title}</button>`
  return html`<section class="card" aria-labelledby="title">
    <header>
      <h1 id="title">Held for review</h1>
      <span class="tabs">${tab('open', 'waiting')}${tab('ended', 'ended')}</span>
    </header>
    <p class="lead">
      Validators with more than a third of the stake found these payments suspicious. The money has left the
      payer and not reached the payee, until a review, the payer or the time decides.
      <${SourceLink} method="quarantine_list" />
    </p>
    ${result === null
      ? html`<${Pending} error=${error} what="the holds" />`
      : html`<${HoldTable}
          holds=${result.items}
          empty=${status === 'open' ? 'Nothing is held.' : 'No hold has ended yet.'}
        />`}
  </section>`
}

export function HoldTable({
  holds,
  empty,
}: {
  readonly holds: readonly HoldInfo[]
  readonly empty: string
}): VNode {
  if (holds.length === 0) return html`<p class="empty">${empty}</p>`
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          <th>Why</th>
          <th class="wide">From</th>
          <th class="wide">To</th>
          <th class="right">Amount</th>
          <th class="right wide">Flagged by</th>
          <th>State</th>
          <th class="right">Ends</th>
        </tr>
      </thead>
      <tbody>
        ${holds.map(
          (hold) => html`<tr key=${hold.id}>
          <td><${HoldLink} id=${hold.id}>${capital(hold.classes[0]?.name ?? 'suspicious')}</${HoldLink}></td>
          <td class="wide"><${AccountLink} address=${hold.payer} /></td>
          <td class="wide"><${AccountLink} address=${hold.payee} /></td>
          <td class="right number">${amount(hold.amount)}</td>
          <td class="right number wide">${share(hold.flaggedBps)}</td>
          <td><${StatusMark} status=${hold.status} /></td>
          <td class="right number" title=${dateTime(hold.endedMs ?? hold.expiresMs)}>${ends(hold)}</td>
        </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}

function ends({ endedMs, expiresMs }: HoldInfo): string {
  if (endedMs !== null) return `${duration(Date.now() - endedMs)} ago`
  return expiresMs > Date.now() ? `in ${duration(expiresMs - Date.now())}` : 'now'
}

export function Hold({ id }: { readonly id: string }): VNode {
  const { result: hold, error } = useAsked('quarantine_get', { id }, REFRESH_MS)
  if (hold === null)
    return html`<section class="card"><${Pending} error=${error} what="the hold" /></section>`
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
    </section>
    <${Opinions} hold=${hold} />`
}

function Opinions({ hold }: { readonly hold: HoldInfo }): VNode {
  return html`<section class="card" aria-labelledby="opinions-title">
    <header>
      <h2 id="opinions-title">Opinions</h2>
      <${SourceLink} method="quarantine_get" />
    </header>
    <p class="lead">
      ${share(hold.flaggedBps)} of the stake flagged it; more than a third holds a payment. More than half
      decides a review.
    </p>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>Validator</th>
            <th>Score</th>
            <th>Reasons</th>
            <th>Review</th>
          </tr>
        </thead>
        <tbody>
          ${opinionsOf(hold).map(
            (opinion) => html`<${OpinionRow} key=${opinion.validator} opinion=${opinion} />`,
          )}
        </tbody>
      </table>
    </div>
    <p class="next">
      Operators decide with <code>cordon quarantine release ${hold.id.slice(0, 12)}…</code> or${' '}
      <code>cordon quarantine return …</code>; the payer may take it back with${' '}
      <code>cordon quarantine recall …</code>
    </p>
  </section>`
}

interface Opinion {
  readonly validator: string
  /** Null: it did not flag the payment. */
  readonly flag: HoldInfo['flaggers'][number] | null
  readonly side: 'release' | 'return' | null
}

function opinionsOf({ flaggers, reviews }: HoldInfo): readonly Opinion[] {
  const names = [...new Set([...flaggers, ...reviews].map(({ validator }) => validator))].sort()
  return names.map((validator) => ({
    validator,
    flag: flaggers.find((flagger) => flagger.validator === validator) ?? null,
    side: reviews.find((review) => review.validator === validator)?.side ?? null,
  }))
}

/** From here on it is a flag: `FLAG_SCORE` of the model. */
const FLAG_SCORE = 128

function OpinionRow({ opinion: { validator, flag, side } }: { readonly opinion: Opinion }): VNode {
  const none = html`<span class="quiet">none</span>`
  const score =
    flag === null
      ? none
      : html`<meter
            min="0"
            high=${FLAG_SCORE}
            optimum="0"
            max=${HIGHEST_SCORE}
            value=${flag.score}
            aria-label=${`score ${flag.score} of ${HIGHEST_SCORE}`}
          ></meter>
          <span class="number"> ${flag.score}</span>`
  return html`<tr>
    <td>${validator}</td>
    <td>${score}</td>
    <td>${flag === null ? none : flag.reasons.join(', ')}</td>
    <td>${side ?? none}</td>
  </tr>`
}
