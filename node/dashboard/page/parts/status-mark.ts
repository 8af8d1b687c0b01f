/** What became of a payment: a word, and a colour that says the same. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'

const TONES: Readonly<Record<string, string>> = {
  settled: 'good',
  released: 'good',
  confirmed: 'good',
  'expired-released': 'good',
  held: 'held',
  open: 'held',
  pending: 'quiet',
  unknown: 'quiet',
}

export function StatusMark({ status }: { readonly status: string }): VNode {
  return html`<span class=${`mark mark-${TONES[status] ?? 'bad'}`}>${status}</span>`
}
