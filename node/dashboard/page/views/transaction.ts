/** One transaction, what became of it, and its proof. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import type { TxInfo } from '../../../../client/api.ts'
import { amount, dateTime } from '../format.ts'
import { FactList, Pending } from '../parts/facts.ts'
import { AccountLink, BlockLink, HoldLink, SourceLink } from '../parts/links.ts'
import { StatusMark } from '../parts/status-mark.ts'
import { useAsked } from '../parts/use-live.ts'

const REFRESH_MS = 1_000

export function Transaction({ id }: { readonly id: string }): VNode {
  const { result: tx, error } = useAsked('tx_get', { txId: id }, REFRESH_MS)
  if (tx === null)
    return html`<section class="card"><${Pending} error=${error} what="the transaction" /></section>`
  return html`<section class="card" aria-labelledby="title">
      <header>
        <h1 id="title">Transaction</h1>
        <${StatusMark} status=${tx.status} />
      </header>
      <p class="id whole">${tx.txId}</p>
      <${FactList} rows=${factsOf(tx)} />
      <${Transfers} tx=${tx} />
      <p class="next"><${SourceLink} method="tx_get" /></p>
    </section>
    ${tx.height === null ? null : html`<${Proof} txId=${tx.txId} />`}`
}

function factsOf(tx: TxInfo): readonly (readonly [string, unknown])[] {
  const none = html`<span class="quiet">not final</span>`
  return [
    ['From', html`<${AccountLink} address=${tx.sender} />`],
    ['Block', tx.height === null ? none : html`<${BlockLink} height=${tx.height} />`],
    ['Time', tx.timeMs === null ? none : dateTime(tx.timeMs)],
    ['Fee', tx.fee === null ? none : amount(tx.fee)],
    ...(tx.failure === null ? [] : [['Failed because', tx.failure] as const]),
    ...tx.holds.map(
      (hold, i) =>
        [
          `Hold${tx.holds.length > 1 ? ` ${i + 1}` : ''}`,
          html`<${HoldLink} id=${hold}>why it is held</${HoldLink}>`,
        ] as const,
    ),
  ]
}

function Transfers({ tx: { transfers } }: { readonly tx: TxInfo }): VNode | null {
  if (transfers.length === 0) return null
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          <th>To</th>
          <th class="right">Amount</th>
          <th>Memo</th>
        </tr>
      </thead>
      <tbody>
        ${transfers.map(
          ({ to, amount: units, memo }, i) =>
            html`<tr key=${i}>
              <td><${AccountLink} address=${to} /></td>
              <td class="right number">${amount(units)}</td>
              <td>${memo}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}

/** The portable receipt: whoever has it and genesis needs neither this node nor a network to check it. */
function Proof({ txId }: { readonly txId: string }): VNode {
  const { result, error } = useAsked('tx_receipt', { txId, timeoutMs: 10_000 })
  const [isShown, show] = useState(false)
  const file = result?.file ?? null
  return html`<section class="card" aria-labelledby="proof-title">
    <header>
      <h2 id="proof-title">Proof</h2>
      <${SourceLink} method="tx_receipt" />
    </header>
    <p class="lead">
      This receipt proves the outcome by itself: the path from the transaction to a block, and the signatures
      of two thirds of the stake under it. To check it without a network:${' '}
      <code>cordon verify receipt.json --genesis genesis.json</code>
    </p>
    ${file === null
      ? html`<${Pending} error=${error} what="the proof, which a later block completes" />`
      : html`<p class="actions">
            <button
              onClick=${() => {
                show(!isShown)
              }}
              aria-expanded=${isShown}
            >
              ${isShown ? 'Hide' : 'Show'} the proof
            </button>
            <a
              class="button"
              download=${`receipt-${txId.slice(0, 12)}.json`}
              href=${`data:application/json;charset=utf-8,${encodeURIComponent(file)}`}
              >Save receipt.json</a
            >
          </p>
          ${isShown ? html`<pre class="raw" tabindex="0">${file}</pre>` : null}`}
  </section>`
}
