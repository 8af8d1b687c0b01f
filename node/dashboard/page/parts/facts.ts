/** Names and values under each other. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { RpcError } from '../rpc.ts'

export function FactList({
  rows,
}: {
  readonly rows: readonly (readonly [name: string, value: unknown])[]
}): VNode {
  return html`<dl class="facts">
    ${rows.map(
      ([name, value]) =>
        html`<div key=${name}>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`
}

/** Instead of what was asked for: it is coming, or it cannot be had. */
export function Pending({ error, what }: { readonly error: RpcError | null; readonly what: string }): VNode {
  if (error === null) return html`<p class="empty">Asking for ${what} …</p>`
  return html`<div class="empty empty-error" role="alert">
    <p>${error.message}</p>
    <p class="quiet">${error.code}</p>
  </div>`
}
