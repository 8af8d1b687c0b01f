/** What the colours of a chart mean. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'

/** @param items class of a cell, and what it stands for. */
export function Legend({
  items,
}: {
  readonly items: readonly (readonly [cell: string, text: string])[]
}): VNode {
  return html`<span class="legend">
    ${items.map(([cell, text]) => html`<span key=${cell}><i class=${`cell ${cell}`}></i> ${text}</span>`)}
  </span>`
}
