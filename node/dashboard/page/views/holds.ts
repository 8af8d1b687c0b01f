/** Held payments: the queue, the ones that end first at the top. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import type { HoldInfo } from '../../../../client/api.ts'
import { amount, capital, dateTime, duration, share } from '../format.ts'
import { Pending } from '../parts/facts.ts'
import { AccountLink, HoldLink, SourceLink } from '../parts/links.ts'
import { StatusMark } from '../parts/status-mark.ts'
import { useAsked, useLive } from '../parts/use-live.ts'

const REFRESH_MS = 2_000
const PAGE = 100

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
  const voters = useLive().session?.identity.reviewer?.validators ?? []
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
          <td><${StatusMark} status=${hold.status} />${votedMark(hold, voters)}</td>
          <td class="right number" title=${dateTime(hold.endedMs ?? hold.expiresMs)}>${ends(hold)}</td>
        </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}

/** How this node voted, for whoever is signed in; null: it did not. */
function votedMark({ reviews }: HoldInfo, voters: readonly string[]): VNode | null {
  const own = reviews.find(({ validator }) => voters.includes(validator))
  return own === undefined ? null : html`<span class="quiet"> you: ${own.side}</span>`
}

function ends({ endedMs, expiresMs }: HoldInfo): string {
  if (endedMs !== null) return `${duration(Date.now() - endedMs)} ago`
  return expiresMs > Date.now() ? `in ${duration(expiresMs - Date.now())}` : 'now'
}
