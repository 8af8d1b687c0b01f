/** Where things of the chain are shown: an id is always a link to what it names. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { count, short } from '../format.ts'
import type { PageMethod } from '../rpc.ts'

export function TxLink({ id }: { readonly id: string }): VNode {
  return html`<a class="id" href=${`#/tx/${id}`} title=${id}>${short(id)}</a>`
}

export function AccountLink({ address }: { readonly address: string | null }): VNode {
  if (address === null) return html`<span class="quiet">the system</span>`
  return html`<a class="id" href=${`#/account/${address}`} title=${address}>${short(address)}</a>`
}

export function BlockLink({ height }: { readonly height: number }): VNode {
  return html`<a class="number" href=${`#/block/${height}`}>${count(height)}</a>`
}

export function HoldLink({ id, children }: { readonly id: string; readonly children: unknown }): VNode {
  return html`<a href=${`#/hold/${id}`}>${children}</a>`
}

/** To the call that a number comes from, with its answer of this moment. */
export function SourceLink({ method }: { readonly method: PageMethod }): VNode {
  return html`<a class="source" href=${`#/api/${method}`}>${method}</a>`
}
