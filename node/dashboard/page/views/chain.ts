/** A block, the validators, and a call of the API with its answer. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { ValidatorInfo } from '../../../../client/api.ts'
import { amount, count, dateTime, share } from '../format.ts'
import { FactList, Pending } from '../parts/facts.ts'
import { AccountLink, BlockLink, SourceLink } from '../parts/links.ts'
import { useAsked, useLive } from '../parts/use-live.ts'
import { isOperatorPort } from '../place.ts'
import type { PageMethod } from '../rpc.ts'

const REFRESH_MS = 2_000

export function Block({ height }: { readonly height: number }): VNode {
  const { result: block, error } = useAsked('chain_block', { height })
  if (block === null)
    return html`<section class="card"><${Pending} error=${error} what="the block" /></section>`
  return html`<section class="card" aria-labelledby="title">
    <header>
      <h1 id="title">Block ${count(height)}</h1>
      <${SourceLink} method="chain_block" />
    </header>
    <${FactList}
      rows=${[
        ['Time', dateTime(block.timeMs)],
        ['Made by', block.author],
        ['View', count(block.view)],
        ['Transactions', `${count(block.transactions)} in ${count(block.certificates)} batches`],
        ['Hash', html`<span class="id whole">${block.hash}</span>`],
        ['Parent', html`<span class="id whole">${block.parentHash}</span>`],
        ['State root', html`<span class="id whole">${block.stateRoot ?? 'not executed yet'}</span>`],
        ['Receipts root', html`<span class="id whole">${block.receiptsRoot ?? 'not executed yet'}</span>`],
      ]}
    />
    <p class="next">
      ${height > 1 ? html`<a href=${`#/block/${height - 1}`}>before</a>` : ''}
      <a href=${`#/block/${height + 1}`}>after</a>
    </p>
  </section>`
}

export function Validators(): VNode {
  const { validators } = useLive()
  return html`<section class="card" aria-labelledby="title">
    <header>
      <h1 id="title">Validators</h1>
      <${SourceLink} method="chain_validators" />
    </header>
    <p class="lead">
      Stake decides: more than two thirds make a block final, more than a third holds a payment. Connected:
      this node has a line to it. Flags: those of its flags that a review proved right, and wrong.
    </p>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>Name</th>
            <th class="right">Stake</th>
            <th class="right">Share</th>
            <th>Connected</th>
            <th class="right">Flags confirmed</th>
            <th class="right">refuted</th>
            <th>Operator</th>
          </tr>
        </thead>
        <tbody>
          ${validators.map((each) => html`<${ValidatorRow} key=${each.name} validator=${each} />`)}
        </tbody>
      </table>
    </div>
  </section>`
}

function ValidatorRow({ validator }: { readonly validator: ValidatorInfo }): VNode {
  const { name, stake, shareBps, connected, flagsConfirmed, flagsRefuted, operator } = validator
  return html`<tr>
    <td>${name}</td>
    <td class="right number">${amount(stake)}</td>
    <td class="right number">${share(shareBps)}</td>
    <td><i class=${`dot ${connected ? 'dot-well' : 'dot-ill'}`}></i> ${connected ? 'yes' : 'no'}</td>
    <td class="right number">${count(flagsConfirmed)}</td>
    <td class="right number">${count(flagsRefuted)}</td>
    <td><${AccountLink} address=${operator} /></td>
  </tr>`
}

/** Methods without parameters are asked; of the others only the name is shown. */
const ASKABLE: readonly PageMethod[] = [
  'chain_status',
  'chain_progress',
  'chain_validators',
  'chain_votes',
  'chain_info',
  'quarantine_list',
  'evidence_list',
]

const ASKABLE_BY_OPERATORS: readonly PageMethod[] = [
  'operator_whoami',
  'operator_node',
  'operator_peers',
  'model_list',
  'review_cases',
  'review_entries',
]

export function Api({ method }: { readonly method: string }): VNode {
  const asked = isOperatorPort ? [...ASKABLE, ...ASKABLE_BY_OPERATORS] : ASKABLE
  const askable = asked.find((each) => each === method)
  return html`<section class="card" aria-labelledby="title">
    <header>
      <h1 id="title"><code>${method}</code></h1>
    </header>
    <p class="lead">
      JSON-RPC 2.0: POST to <code>${location.origin}/</code>, or over a WebSocket to the same address.
      ${isOperatorPort ? html`Here it needs <code>Authorization: Bearer TOKEN</code>. ` : ''}
      <code>rpc.discover</code> describes every public method.
    </p>
    ${askable === undefined
      ? html`<p class="empty">This call takes parameters: open what it is about, or see docs/rpc.md.</p>`
      : html`<${Answer} method=${askable} />`}
  </section>`
}

function Answer({ method }: { readonly method: PageMethod }): VNode {
  const { result, error } = useAsked(method, {}, REFRESH_MS)
  if (result === null) return html`<${Pending} error=${error} what="the answer" />`
  return html`<pre class="raw" tabindex="0">${JSON.stringify(result, null, 2)}</pre>`
}

/** Nothing of this name. */
export function Nowhere({ path }: { readonly path: string }): VNode {
  return html`<section class="card">
    <p class="empty">
      There is no page ${path}. <a href="#/">Back to the overview.</a> Block <${BlockLink} height=${1} /> is a
      place to start, too.
    </p>
  </section>`
}
