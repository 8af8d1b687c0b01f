/** One account: what it has, and its payments. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { AccountInfo, HistoryItem } from '../../../../client/api.ts'
import { amount, dateTime } from '../format.ts'
import { FactList, Pending } from '../parts/facts.ts'
import { AccountLink, SourceLink, TxLink } from '../parts/links.ts'
import { StatusMark } from '../parts/status-mark.ts'
import { useAsked } from '../parts/use-live.ts'

const REFRESH_MS = 2_000
const PAGE = 50

export function Account({ address }: { readonly address: string }): VNode {
  const { result: account, error } = useAsked('account_get', { address }, REFRESH_MS)
  const history = useAsked('account_history', { address, limit: PAGE }, REFRESH_MS)
  if (account === null)
    return html`<section class="card"><${Pending} error=${error} what="the account" /></section>`
  return html`<section class="card" aria-labelledby="title">
      <header>
        <h1 id="title">${amount(account.balance)}</h1>
        <${SourceLink} method="account_get" />
      </header>
      <p class="id whole">${address}</p>
      ${account.exists
        ? null
        : html`<p class="lead">This account does not exist yet: it begins with the first payment to it.</p>`}
      <${FactList} rows=${factsOf(account)} />
    </section>
    <section class="card" aria-labelledby="history-title">
      <header>
        <h2 id="history-title">Payments</h2>
        <${SourceLink} method="account_history" />
      </header>
      ${history.result === null
        ? html`<${Pending} error=${history.error} what="its payments" />`
        : html`<${History} items=${history.result.items} />`}
    </section>`
}

function factsOf({
  available,
  heldOut,
  sequence,
  guardian,
}: AccountInfo): readonly (readonly [string, unknown])[] {
  return [
    ['Available', amount(available)],
    ['Held on the way out', amount(heldOut)],
    ['Sequence', sequence],
    [
      'Guardian',
      guardian.current === null
        ? html`<span class="quiet">none</span>`
        : html`<${AccountLink} address=${guardian.current} />`,
    ],
  ]
}

const SIGNS = { in: '+', out: '−', other: '' } as const

function History({ items }: { readonly items: readonly HistoryItem[] }): VNode {
  if (items.length === 0) return html`<p class="empty">No payments yet.</p>`
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          <th>Time</th>
          <th>Transaction</th>
          <th>With</th>
          <th class="right">Amount</th>
          <th>Outcome</th>
          <th>Memo</th>
        </tr>
      </thead>
      <tbody>
        ${items.map(
          ({ txId, timeMs, direction, counterparty, amount: units, status, memo }, i) =>
            html`<tr key=${`${txId}/${i}`}>
              <td class="number">${dateTime(timeMs)}</td>
              <td><${TxLink} id=${txId} /></td>
              <td>${counterparty === null ? '' : html`<${AccountLink} address=${counterparty} />`}</td>
              <td class="right number">${SIGNS[direction]}${amount(units)}</td>
              <td><${StatusMark} status=${status} /></td>
              <td>${memo}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}
